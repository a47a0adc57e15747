#include "app/resume_file.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "app/pair.h"
#include "base/bytes.h"
#include "item/json.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::app {
namespace {

namespace json = item::json;

constexpr const char* kFormat = "dynamodb-replicator diff 1";

template <class Numbers>
std::string numbers(const Numbers& list) {
  std::string out = "[";
  for (const auto number : list) out += (out.size() > 1 ? "," : "") + std::to_string(number);
  return out + "]";
}

std::string places(const std::vector<core::SpillPlace>& list) {
  std::vector<std::uint64_t> flat;
  for (const core::SpillPlace& place : list) flat.insert(flat.end(), {place.offset, place.bytes});
  return numbers(flat);
}

template <class Number>
bool read_numbers(json::Value value, std::vector<Number>& out) {
  return json::each_element(value, [&](json::Value element) {
    std::int64_t number = 0;
    if (!json::read(element, number) || number < 0) return false;
    out.push_back(static_cast<Number>(number));
    return true;
  });
}

bool read_places(json::Value value, std::vector<core::SpillPlace>& out) {
  std::vector<std::uint64_t> flat;
  if (!read_numbers(value, flat) || flat.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < flat.size(); i += 2) out.push_back({flat[i], flat[i + 1]});
  return true;
}

bool read_count(json::Value value, std::uint64_t& out) {
  std::int64_t number = 0;
  if (!json::read(value, number) || number < 0) return false;
  out = static_cast<std::uint64_t>(number);
  return true;
}

bool read_digest(json::Value value, base::Digest128& out) {
  std::vector<std::string> halves;
  const bool whole = json::each_element(
      value, [&](json::Value element) { return json::read(element, halves.emplace_back()); });
  if (!whole || halves.size() != 2) return false;
  for (std::size_t i = 0; i < 2; ++i) {
    const char* end = halves[i].data() + halves[i].size();
    const auto [stop, error] = std::from_chars(halves[i].data(), end, i == 0 ? out.high : out.low);
    if (error != std::errc() || stop != end) return false;
  }
  return true;
}

bool read_cursor(json::Value value, std::map<int, core::SegmentCursor>& out) {
  std::int64_t segment = -1;
  core::SegmentCursor cursor;
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "segment") return json::read(member, segment);
    if (name == "primary") return json::read(member, cursor.after[0]);
    if (name == "replica") return json::read(member, cursor.after[1]);
    if (name == "primary_done") return json::read(member, cursor.done[0]);
    return name != "replica_done" || json::read(member, cursor.done[1]);
  });
  if (!whole || segment < 0) return false;
  out[static_cast<int>(segment)] = std::move(cursor);
  return true;
}

// The sums of the scan and of what came of its leftovers, in the order in which they are written.
std::vector<std::uint64_t> counts_of(const core::CompareState& state) {
  const core::Tally& tally = state.tally;
  const core::Outcomes& ends = state.outcomes;
  return {tally.scanned[0], tally.scanned[1], tally.again[0], tally.again[1], tally.equal,
          ends.found[0],    ends.found[1],    ends.found[2],  ends.found[3],  ends.settled,
          ends.expired,     ends.elsewhere,   ends.sides[0],  ends.sides[1],  state.candidates};
}

bool read_counts(json::Value value, core::CompareState& state) {
  std::vector<std::uint64_t> all;
  if (!read_numbers(value, all) || all.size() != counts_of(state).size()) return false;
  core::Tally& tally = state.tally;
  core::Outcomes& ends = state.outcomes;
  std::uint64_t* const to[] = {
      &tally.scanned[0], &tally.scanned[1], &tally.again[0], &tally.again[1], &tally.equal,
      &ends.found[0],    &ends.found[1],    &ends.found[2],  &ends.found[3],  &ends.settled,
      &ends.expired,     &ends.elsewhere,   &ends.sides[0],  &ends.sides[1],  &state.candidates};
  for (std::size_t i = 0; i < all.size(); ++i) *to[i] = all[i];
  return true;
}

bool read_state_field(std::string_view name, json::Value value, core::CompareState& state) {
  std::int64_t number = 0;
  if (name == "segments") {
    if (!json::read(value, number) || number < 1) return false;
    state.segments = static_cast<int>(number);
    return true;
  }
  if (name == "chosen") return read_numbers(value, state.chosen);
  if (name == "next") {
    std::uint64_t next = 0;
    if (!read_count(value, next)) return false;
    state.next = static_cast<std::size_t>(next);
    return true;
  }
  if (name == "cursors") {
    return json::each_element(value,
                              [&](json::Value one) { return read_cursor(one, state.cursors); });
  }
  if (name == "scanned") return json::read(value, state.scanned);
  if (name == "counts") return read_counts(value, state);
  if (name == "runs") return read_places(value, state.runs);
  if (name == "findings") return read_places(value, state.findings);
  if (name == "settled_to") return read_digest(value, state.settled_to.emplace());
  if (name == "seconds") return json::read(value, state.seconds);
  if (name == "primary_units") return json::read(value, state.units[0]);
  return name != "replica_units" || json::read(value, state.units[1]);
}

}  // namespace

std::string encode_state(const core::CompareState& state, const std::string& pair,
                         const std::string& options) {
  std::string cursors = "[";
  for (const auto& [segment, cursor] : state.cursors) {
    if (cursors.size() > 1) cursors += ',';
    cursors += wire::JsonWriter()
                   .number("segment", segment)
                   .text("primary", cursor.after[0])
                   .text("replica", cursor.after[1])
                   .flag("primary_done", cursor.done[0])
                   .flag("replica_done", cursor.done[1])
                   .end();
  }
  wire::JsonWriter out;
  out.text("format", kFormat)
      .text("pair", pair)
      .text("options", options)
      .number("segments", state.segments)
      .raw("chosen", numbers(state.chosen))
      .number("next", static_cast<std::int64_t>(state.next))
      .raw("cursors", cursors + "]")
      .flag("scanned", state.scanned)
      .raw("counts", numbers(counts_of(state)))
      .raw("runs", places(state.runs))
      .raw("findings", places(state.findings))
      .raw("seconds", std::to_string(state.seconds))
      .raw("primary_units", std::to_string(state.units[0]))
      .raw("replica_units", std::to_string(state.units[1]));
  if (state.settled_to) {
    out.raw("settled_to", "[\"" + std::to_string(state.settled_to->high) + "\",\"" +
                              std::to_string(state.settled_to->low) + "\"]");
  }
  return out.end() + "\n";
}

std::optional<StoredState> decode_state(std::string text) {
  StoredState stored;
  std::string format;
  bool counted = false;
  json::Text whole(std::move(text));
  const bool read = whole.each_field([&](std::string_view name, json::Value value) {
    if (name == "format") return json::read(value, format) && format == kFormat;
    if (name == "pair") return json::read(value, stored.pair);
    if (name == "options") return json::read(value, stored.options);
    counted = counted || name == "counts";
    return read_state_field(name, value, stored.state);
  });
  const core::CompareState& state = stored.state;
  if (!read || format.empty() || !counted || state.next > state.chosen.size()) return std::nullopt;
  for (const int segment : state.chosen) {
    if (segment >= state.segments) return std::nullopt;
  }
  return stored;
}

Result<std::optional<core::CompareState>> ResumeFile::open() {
  const auto refuse = [this](const std::string& why) {
    return misconfigured("--resume " + path_ + ": " + why,
                         "Give another file, or remove it and start anew.");
  };
  Result<std::optional<std::string>> text = doors_.files.read(path_);
  if (!text) return std::move(text).error();
  std::optional<StoredState> stored;
  if (*text && !(*text)->empty()) {
    stored = decode_state(**text);
    if (!stored) return refuse("it does not hold the progress of a comparison");
    if (stored->pair != pair_) return refuse("it is of another pair: " + stored->pair);
    if (stored->options != options_)
      return refuse("it is of a run with other options: " + stored->options);
  } else if (Result<void> gone = doors_.files.remove(window_path()); !gone) {
    return std::move(gone).error();
  }
  Result<std::unique_ptr<async::Spill>> spill = doors_.files.spill(window_path());
  if (!spill) return std::move(spill).error();
  spill_ = std::move(*spill);
  if (!stored) return std::optional<core::CompareState>();
  for (const auto* list : {&stored->state.runs, &stored->state.findings}) {
    for (const core::SpillPlace& place : *list) {
      if (place.offset + place.bytes > spill_->size())
        return refuse("what belongs to it is missing or cut short: " + window_path());
    }
  }
  seconds_before_ = stored->state.seconds;
  return std::optional(std::move(stored->state));
}

async::Task<Result<void>> ResumeFile::keep(const core::CompareState& state) {
  core::CompareState now = state;
  now.seconds = seconds_before_ + base::seconds(doors_.clock.now() - begun_);
  Result<void> synced = spill_->sync();
  if (!synced) co_return synced;
  co_return co_await doors_.files.replace(path_, encode_state(now, pair_, options_));
}

Result<void> ResumeFile::remove() {
  spill_.reset();
  if (Result<void> gone = doors_.files.remove(path_); !gone) return gone;
  return doors_.files.remove(window_path());
}

}  // namespace dynamodb_replicator::app

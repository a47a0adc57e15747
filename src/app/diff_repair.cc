#include "app/diff_repair.h"

#include "app/interrupted.h"
#include "app/state.h"

namespace dynamodb_replicator::app {
namespace {

flow::GuardedSettings settings_of(const DiffOptions& options) {
  flow::GuardedSettings settings;
  settings.doubt = options.doubt;
  // The next run goes on behind the pages that were copied.
  settings.keep_failed = options.backfill && !options.resume.empty();
  return settings;
}

}  // namespace

DiffRepair::DiffRepair(async::Doors& doors, const DiffOptions& options, const Console& console,
                       const Pair& pair, const DiffPlan& plan, BatchTable& primary,
                       BatchTable& replica, core::Budget& reads, DiffCounts& counts,
                       async::Gate& stop)
    : doors_(doors),
      options_(options),
      console_(console),
      plan_(plan),
      counts_(counts),
      stop_(stop),
      guarded_(*pair.replica_client, pair.replica.location.name),
      journal_(doors.loop, doors.files, journal_path(plan.settings.scratch, pair), pair_name(pair)),
      writes_(options.write_units),
      refresher_(flow::SecondWriter{doors.loop, doors.clock, doors.dice, primary, replica, guarded_,
                                    replica, plan.settings.schema, plan.settings.rules.ignored,
                                    &journal_, &reads, &writes_},
                 settings_of(options)) {}

async::Task<Result<void>> DiffRepair::begin() {
  Result<std::size_t> left =
      co_await finish_interrupted(doors_.log, refresher_, journal_, plan_.settings.schema);
  count_units();
  if (!left) co_return std::move(left).error();
  counts_.left_over = *left;
  co_return Result<void>{};
}

async::Task<Result<void>> DiffRepair::found(std::vector<flow::Found> findings) {
  std::vector<item::KeyRef> puts;
  for (flow::Found& one : findings) {
    if (one.what == flow::Finding::missing || one.what == flow::Finding::different)
      puts.push_back(std::move(one.key));
    if (one.what != flow::Finding::extraneous) continue;
    if (!extraneous_) {
      Result<std::unique_ptr<async::Spill>> made = doors_.files.scratch(plan_.settings.scratch);
      if (!made) co_return std::move(made).error();
      extraneous_ = std::move(*made);
    }
    Result<void> kept = extraneous_->append(one.key->wire() + "\n");
    if (!kept) co_return kept;
    ++deletes_;
  }
  counts_.wanted += puts.size();
  co_return co_await write(std::move(puts));
}

async::Task<Result<void>> DiffRepair::write(std::vector<item::KeyRef> keys) {
  for (std::size_t at = 0; at < keys.size(); at += kPart) {
    if (stop_.is_open()) co_return flow::stopped_failure();
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kPart, keys.size() - at));
    const std::vector<item::KeyRef> part(begin, end);
    std::vector<flow::Outcome> outcomes = co_await refresher_.refresh(part);
    count_units();
    if (auto noted = note(part, outcomes, true); !noted) co_return noted;
  }
  co_return Result<void>{};
}

void DiffRepair::count_units() {
  counts_.read_units = refresher_.totals().read_units;
  counts_.write_units = refresher_.totals().write_units;
}

Result<void> DiffRepair::note(const std::vector<item::KeyRef>& keys,
                              const std::vector<flow::Outcome>& outcomes, bool print) {
  const flow::Outcome* stops = nullptr;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (outcomes[i].stops) {
      ++counts_.not_repaired;
      stops = &outcomes[i];
    } else if (note(*keys[i], outcomes[i]) && print) {
      print_event(console_, options_.json, "repaired", *keys[i]);
    }
  }
  if (stops == nullptr) return {};
  return misconfigured(stops->reason);
}

bool DiffRepair::note(const item::Key& key, const flow::Outcome& outcome) {
  switch (outcome.kind) {
    case flow::Outcome::Kind::repaired:
      ++counts_.repaired;
      return true;
    case flow::Outcome::Kind::settled:
      ++counts_.in_line;
      return false;
    case flow::Outcome::Kind::changing:
      ++counts_.unsettled;
      doors_.log.warning("an item did not hold still and was not brought in line",
                         {{"key", key.wire()}});
      return false;
    case flow::Outcome::Kind::failed:
      break;
  }
  ++counts_.not_repaired;
  doors_.log.error("an item could not be brought in line",
                   {{"key", key.wire()}, {"why", outcome.reason}});
  return false;
}

async::Task<Result<void>> DiffRepair::copy(std::vector<flow::Scanned> items) {
  std::vector<item::KeyRef> keys;
  keys.reserve(items.size());
  for (const flow::Scanned& one : items) keys.push_back(one.key);
  std::vector<flow::Outcome> outcomes = co_await refresher_.backfill(std::move(items));
  count_units();
  co_return note(keys, outcomes, false);
}

Result<void> DiffRepair::may_delete(const flow::CompareProgress& progress) const {
  const std::uint64_t there = progress.tally.scanned[1];
  const bool empty = progress.tally.scanned[0] == 0;
  const bool many = deletes_ > kDeletesUnasked &&
                    static_cast<double>(deletes_) > kShareUnasked * static_cast<double>(there);
  if (options_.yes || (!empty && !many)) return {};
  const std::string what = "to delete " + with_commas(deletes_) + " of the replica's " +
                           with_commas(there) + " items" +
                           (!empty                 ? ""
                            : plan_.settings.whole ? ", because the primary is empty"
                                                   : ", because this part of the primary is empty");
  const std::string written = counts_.repaired > 0 ? with_commas(counts_.repaired) +
                                                         " items were written, but none was deleted"
                                                   : "nothing was deleted";
  if (console_.ask) {
    if (console_.ask("This is " + what + ". Go on?")) return {};
    return misconfigured(written + ", as you answered");
  }
  return misconfigured(
      written + ": it was " + what,
      "If PRIMARY and REPLICA are the right way round and that is meant, give --yes.");
}

// The keys from `at` on, about kPart of them.
Result<std::vector<item::KeyRef>> DiffRepair::next_part(std::uint64_t& at) const {
  constexpr std::size_t kPiece = 256U << 10U;  // longer than any key
  std::vector<item::KeyRef> keys;
  Result<std::string> piece = extraneous_->read(at, kPiece);
  if (!piece) return std::move(piece).error();
  std::size_t begin = 0;
  for (std::size_t end = piece->find('\n'); end != std::string::npos && keys.size() < kPart;
       end = piece->find('\n', begin)) {
    auto key = item::parse_key(piece->substr(begin, end - begin), plan_.settings.schema);
    if (!key) return misconfigured("a key that was kept on disk cannot be read back");
    keys.push_back(std::move(*key));
    begin = end + 1;
  }
  at += begin;
  return keys;
}

async::Task<Result<void>> DiffRepair::delete_extraneous(const flow::CompareProgress& progress) {
  if (deletes_ == 0) co_return Result<void>{};
  if (auto may = may_delete(progress); !may) co_return may;
  counts_.wanted += deletes_;
  for (std::uint64_t at = 0; at < extraneous_->size();) {
    Result<std::vector<item::KeyRef>> part = next_part(at);
    if (!part) co_return std::move(part).error();
    if (part->empty()) co_return misconfigured("a key that was kept on disk cannot be read back");
    Result<void> written = co_await write(std::move(*part));
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

}  // namespace dynamodb_replicator::app

#include "app/one_item.h"

#include <algorithm>
#include <utility>

#include "app/interrupted.h"
#include "app/neighbour.h"
#include "app/state.h"
#include "app/tables.h"
#include "base/bytes.h"
#include "flow/refresh_guarded.h"
#include "item/compare.h"
#include "item/json.h"
#include "item/plain.h"

namespace dynamodb_replicator::app {
namespace {

namespace json = item::json;

constexpr Duration kReadFor = 20s;           // how long a read is tried
constexpr std::size_t kValueBytesMax = 100;  // of a value in the list of differences

using Fields = std::vector<std::pair<std::string, std::string>>;  // name and raw value

// In an order in which two records can be laid side by side: the key first, the rest by name.
Fields fields_of(const std::string& item, const item::KeySchema& schema) {
  Fields fields;
  json::Text text(item);
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return json::read_raw(value, fields.emplace_back(name, std::string()).second);
  });
  if (!whole) return {};
  const auto rank = [&](const std::string& name) {
    if (name == schema.hash.name) return 0;
    return schema.range && name == schema.range->name ? 1 : 2;
  };
  std::sort(fields.begin(), fields.end(), [&](const auto& a, const auto& b) {
    return std::pair(rank(a.first), a.first) < std::pair(rank(b.first), b.first);
  });
  return fields;
}

std::string laid_out(const Fields& fields, const std::string& item) {
  if (item.empty()) return "(no such item)\n";
  if (fields.empty()) return item + "\n";
  std::string out = "{\n";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    out += "  " + base::to_json_string(fields[i].first) + ": " + fields[i].second;
    out += i + 1 < fields.size() ? ",\n" : "\n";
  }
  return out + "}\n";
}

// Whole above; here enough to recognise it.
std::string short_value(const Fields& fields, const std::string& name) {
  for (const auto& [field, value] : fields) {
    if (field != name) continue;
    if (value.size() <= kValueBytesMax) return value;
    std::size_t end = kValueBytesMax;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
    return value.substr(0, end) + "... (" + std::to_string(value.size()) + " bytes)";
  }
  return "-";
}

std::string told(const std::vector<item::FieldDifference>& differences, const Fields& primary,
                 const Fields& replica) {
  using Kind = item::FieldDifference::Kind;
  std::string out;
  for (const item::FieldDifference& one : differences) {
    const std::string name = base::to_json_string(one.name);
    switch (one.kind) {
      case Kind::only_left:
        out += "[only in primary] " + name + ": " + short_value(primary, one.name) + "\n";
        break;
      case Kind::only_right:
        out += "[only in replica] " + name + ": " + short_value(replica, one.name) + "\n";
        break;
      case Kind::different:
        out += "[different] " + name + "\n  primary: " + short_value(primary, one.name) +
               "\n  replica: " + short_value(replica, one.name) + "\n";
        break;
    }
  }
  return out;
}

// The raw item; empty: there is none.
async::Task<Result<std::string>> read_one(async::Doors& doors, BatchTable& table,
                                          item::KeyRef key) {
  const std::vector<item::KeyRef> keys{std::move(key)};
  Result<flow::ReadAnswer> answer = co_await persist<flow::ReadAnswer>(
      doors, doors.clock.now() + kReadFor,
      [&](Instant deadline) { return table.read(keys, deadline); });
  if (!answer) co_return std::move(answer).error();
  flow::ReadAnswer::Entry& entry = answer->entries.front();
  if (entry.state == flow::ReadAnswer::State::unprocessed) {
    Failure failure;
    failure.kind = FailureKind::throttled;
    failure.message = "the service left the key unprocessed";
    failure.hint = "The table is throttled; try again later.";
    co_return failure;
  }
  co_return std::move(entry.item);
}

// The key of a line that diff-tables printed: `[missing] KEY`, or `{"event":"missing","key":KEY}`.
// Else the line as it is.
std::string_view key_in(std::string_view line) {
  if (const std::size_t at = line.find("] "); line.starts_with('[') && at != line.npos)
    return line.substr(at + 2);
  constexpr std::string_view kBefore = "\",\"key\":";
  const std::size_t at = line.find(kBefore);
  const bool event = line.starts_with("{\"event\":\"") && line.ends_with("}}");
  if (!event || at == line.npos) return line;
  line.remove_suffix(1);
  return line.substr(at + kBefore.size());
}

Result<item::KeyRef> key_of(const OneItemOptions& options, const Pair& pair) {
  auto key = item::parse_plain_or_wire_key(options.key, pair.primary_table.schema);
  if (key) return *std::move(key);
  auto told = item::parse_plain_or_wire_key(key_in(options.key), pair.primary_table.schema);
  if (told) return *std::move(told);
  return misconfigured("KEY: " + key.error());
}

}  // namespace

async::Task<Result<RecordDifference>> diff_record(async::Doors& doors, OneItemOptions options) {
  Result<Pair> pair = co_await open_pair(doors, options.pair);
  if (!pair) co_return std::move(pair).error();
  const item::KeySchema schema = pair->primary_table.schema;
  Result<item::KeyRef> key = key_of(options, *pair);
  if (!key) co_return std::move(key).error();
  BatchTable primary_table(*pair->primary_client, pair->primary.location.name, schema);
  BatchTable replica_table(*pair->replica_client, pair->replica.location.name, schema);
  Result<std::string> primary = co_await read_one(doors, primary_table, *key);
  if (!primary) co_return std::move(primary).error();
  Result<std::string> replica = co_await read_one(doors, replica_table, *key);
  if (!replica) co_return std::move(replica).error();

  const item::Ignored ignored(options.ignore);
  const Fields left = fields_of(*primary, schema);
  const Fields right = fields_of(*replica, schema);
  RecordDifference result;
  result.equivalent = item::same_item(*primary, *replica, ignored);
  result.text = item::to_plain(**key) + "\n\nprimary " + pair->primary.where + "\n" +
                laid_out(left, *primary) + "\nreplica " + pair->replica.where + "\n" +
                laid_out(right, *replica) + "\n";
  if (result.equivalent) {
    result.text += "equivalent\n";
    co_return result;
  }
  result.text += "not equivalent\n";
  if (primary->empty() || replica->empty()) {
    result.text += primary->empty() ? "[extraneous] the replica alone has this item\n"
                                    : "[missing] the primary alone has this item\n";
    co_return result;
  }
  const auto differences = item::field_differences(*primary, *replica, ignored);
  if (!differences) co_return misconfigured("an item is malformed: " + differences.error().reason);
  result.text += told(*differences, left, right);
  co_return result;
}

async::Task<Result<std::string>> replicate_record(async::Doors& doors, OneItemOptions options) {
  Result<Pair> pair = co_await open_pair(doors, options.pair);
  if (!pair) co_return std::move(pair).error();
  const item::KeySchema schema = pair->primary_table.schema;
  Result<item::KeyRef> key = key_of(options, *pair);
  if (!key) co_return std::move(key).error();
  Result<std::string> state = state_directory(doors, options.state);
  if (!state) co_return std::move(state).error();
  Result<Neighbour> neighbour = co_await find_neighbour(doors, *pair, options.pair.leases, false);
  if (!neighbour) co_return std::move(neighbour).error();
  warn_beside_fenced(doors.log, *pair, *neighbour);

  const item::Ignored ignored(options.ignore);
  BatchTable primary(*pair->primary_client, pair->primary.location.name, schema);
  BatchTable replica(*pair->replica_client, pair->replica.location.name, schema);
  GuardedTable guarded(*pair->replica_client, pair->replica.location.name);
  flow::Journal journal(doors.loop, doors.files, journal_path(*state, *pair), pair_name(*pair));
  flow::GuardedSettings settings;
  settings.doubt = options.doubt;
  flow::GuardedRefresher refresher(
      flow::SecondWriter{doors.loop, doors.clock, doors.dice, primary, replica, guarded, replica,
                         schema, ignored, &journal},
      settings);
  Result<std::size_t> left = co_await finish_interrupted(doors.log, refresher, journal, schema);
  if (!left) co_return std::move(left).error();
  const std::vector<item::KeyRef> keys{*key};
  std::vector<flow::Outcome> outcomes = co_await refresher.refresh(keys);
  journal.close();
  const std::string plain = item::to_plain(**key);
  const flow::Outcome& outcome = outcomes.front();
  if (outcome.in_line() && *left > 0) {
    co_return misconfigured("this item is in line, but " + std::to_string(*left) +
                                " that an interrupted run has written could not be brought in line",
                            "The log above names them; run it again.");
  }
  switch (outcome.kind) {
    case flow::Outcome::Kind::settled:
      co_return "[equivalent] " + plain + "\n";
    case flow::Outcome::Kind::repaired:
      co_return "[repaired] " + plain + "\n";
    case flow::Outcome::Kind::changing:
      co_return misconfigured(
          "the item did not hold still: " + plain,
          "Try again when the primary writes it less often, or let a replicator "
          "follow the primary.");
    case flow::Outcome::Kind::failed:
      break;
  }
  co_return misconfigured(outcome.reason);
}

}  // namespace dynamodb_replicator::app

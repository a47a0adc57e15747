// The reading half of lease_rows.h: items to rows, and whose table it is.
#include "wire/lease_rows.h"

#include <vector>

#include "item/json.h"
#include "wire/answer.h"
#include "wire/attributes.h"
#include "wire/lease_names.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

bool read_flag(json::Value value, bool& out) {
  return read_typed(value, "BOOL", [&](json::Value member) { return json::read(member, out); });
}

bool read_time_attribute(json::Value value, WallTime& out) {
  std::int64_t microseconds = 0;
  if (!read_integer(value, microseconds)) return false;
  out = WallTime{std::chrono::microseconds{microseconds}};
  return true;
}

bool read_duration(json::Value value, Duration& out) {
  std::int64_t microseconds = 0;
  if (!read_integer(value, microseconds)) return false;
  constexpr std::int64_t most = 24LL * 3600 * 1'000'000;  // far beyond any lease; no overflow below
  if (microseconds < 0 || microseconds > most) return false;
  out = std::chrono::microseconds{microseconds};
  return true;
}

bool read_list(json::Value value, std::vector<std::string>& out) {
  return read_typed(value, "L", [&](json::Value member) {
    return json::each_element(
        member, [&](json::Value element) { return read_text(element, out.emplace_back()); });
  });
}

struct Found {
  bool stream = false;
  bool row = false;
  bool nonce = false;
};

bool read_row_key(json::Value value, core::ShardRow& row) {
  std::string text;
  if (!read_text(value, text) || !text.starts_with(kShardPrefix)) return false;
  row.shard = text.substr(kShardPrefix.size());
  return true;
}

bool read_start(json::Value value, core::StartAt& start) {
  std::string kind;
  if (!read_text(value, kind) || (kind != "at_time" && kind != "trim_horizon")) return false;
  start.kind = kind == "at_time" ? core::StartAt::Kind::at_time : core::StartAt::Kind::trim_horizon;
  return true;
}

bool read_shard_attribute(std::string_view name, json::Value value, core::ShardRow& row,
                          Found& found) {
  if (name == "stream") return found.stream = read_text(value, row.stream);
  if (name == "row") return found.row = read_row_key(value, row);
  if (name == "nonce") return found.nonce = read_text(value, row.nonce);
  if (name == "owner") return read_text(value, row.owner);
  if (name == "lease") return read_duration(value, row.lease);
  if (name == "counter") return read_integer(value, row.counter);
  if (name == "start") return read_start(value, row.start);
  if (name == "start_time") return read_time_attribute(value, row.start.time);
  if (name == "checkpoint") return read_text(value, row.checkpoint);
  if (name == "finished") return read_flag(value, row.finished);
  if (name == "parents") return read_list(value, row.parents);
  if (name == "children") return read_list(value, row.children);
  if (name == "read_through") return read_time_attribute(value, row.read_through.emplace());
  if (name == "clean") return read_flag(value, row.clean);
  if (name == "draining_to") return read_text(value, row.draining_to);
  return true;
}

// The row key ("shard#..", "meta") of an item; empty: it has none.
std::string row_of(std::string_view item) {
  std::string row;
  json::Text text{std::string(item)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return name != "row" || read_text(value, row);
  });
  return whole ? row : std::string();
}

}  // namespace

Result<core::ShardRow> shard_row_from_item(std::string_view item) {
  core::ShardRow row;
  row.clean = false;  // a row that does not say so is in doubt
  Found found;
  std::string wrong;
  json::Text text{std::string(item)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (read_shard_attribute(name, value, row, found)) return true;
    wrong = name;
    return false;
  });
  if (!wrong.empty())
    return unusable("the lease table holds a shard row whose \"" + wrong + "\" cannot be read");
  if (!whole || !found.stream || !found.row || !found.nonce) {
    return unusable("the lease table holds a row that is no shard row");
  }
  return row;
}

Result<core::MetaRow> meta_row_from_item(std::string_view item) {
  core::MetaRow row;
  row.format = 0;
  json::Text text{std::string(item)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "primary") return read_text(value, row.primary);
    if (name == "replica") return read_text(value, row.replica);
    if (name == "mode") return read_text(value, row.mode);
    if (name == "format") return read_integer(value, row.format);
    if (name == "stripes") return read_integer(value, row.stripes);
    if (name == "nonce") return read_text(value, row.nonce);
    return true;
  });
  if (!whole || row.primary.empty() || row.replica.empty() || row.mode.empty() || row.format == 0) {
    return unusable("the lease table's meta row cannot be read");
  }
  return row;
}

bool is_shard_row(std::string_view item) { return row_of(item).starts_with(kShardPrefix); }

LeaseTableKind recognise_lease_table(const item::KeySchema& schema,
                                     const std::optional<std::string>& sample) {
  const auto is = [](const item::KeyAttribute& key, std::string_view name) {
    return key.name == name && key.type == item::KeyType::string;
  };
  if (is(schema.hash, "leaseKey") && !schema.range) return LeaseTableKind::kcl;
  if (!schema.range) return LeaseTableKind::unknown;
  if (is(schema.hash, "type") && is(*schema.range, "id")) return LeaseTableKind::node_library;
  if (!is(schema.hash, "stream") || !is(*schema.range, "row")) return LeaseTableKind::unknown;
  if (!sample) return LeaseTableKind::ours;
  const std::string row = row_of(*sample);
  const bool known =
      row == kMetaRow || row.starts_with(kShardPrefix) || row.starts_with(kFencePrefix);
  return known ? LeaseTableKind::ours : LeaseTableKind::unknown;
}

}  // namespace dynamodb_replicator::wire

#include "wire/lease_rows.h"

#include <charconv>
#include <functional>
#include <vector>

#include "item/json.h"
#include "wire/answer.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

constexpr std::string_view kShardPrefix = "shard#";
constexpr std::string_view kTableRow =
    "dynamodb-replicator";  // HASH of what is about the whole table
constexpr std::string_view kMetaRow = "meta";

// ---- writing
// ----------------------------------------------------------------------------------------------------

std::string typed(std::string_view type, const std::string& literal) {
  return JsonWriter().raw(type, literal).end();
}
std::string text_value(std::string_view text) { return typed("S", base::to_json_string(text)); }
std::string number_value(const std::string& digits) { return typed("N", '"' + digits + '"'); }
std::string flag_value(bool flag) { return typed("BOOL", flag ? "true" : "false"); }
std::string time_value(WallTime time) {
  return number_value(std::to_string(time.time_since_epoch().count()));
}
std::string list_value(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const auto& text : texts) {
    if (list.size() > 1) list += ',';
    list += text_value(text);
  }
  return typed("L", list + ']');
}

// An attribute and its value as JSON; no value: the attribute is absent.
struct Attribute {
  std::string_view name;
  std::optional<std::string> value;
};

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text_value(text);
}

// All that is ours in a shard row, but its key.
std::vector<Attribute> attributes_of(const core::ShardRow& row) {
  const bool timed = row.start.kind == core::StartAt::Kind::at_time;
  return {
      {"owner", unless_empty(row.owner)},
      {"counter", number_value(std::to_string(row.counter))},
      {"nonce", text_value(row.nonce)},
      {"start", text_value(timed ? "at_time" : "trim_horizon")},
      {"start_time", timed ? std::optional(time_value(row.start.time)) : std::nullopt},
      {"checkpoint", unless_empty(row.checkpoint)},
      {"finished", flag_value(row.finished)},
      {"parents", list_value(row.parents)},
      {"children", list_value(row.children)},
      {"read_through",
       row.read_through ? std::optional(time_value(*row.read_through)) : std::nullopt},
      {"clean", flag_value(row.clean)},
      {"draining_to", unless_empty(row.draining_to)},
  };
}

std::string key_json(std::string_view stream, std::string_view row) {
  return JsonWriter().raw("stream", text_value(stream)).raw("row", text_value(row)).end();
}

std::string shard_key(std::string_view stream, std::string_view shard) {
  return key_json(stream, std::string(kShardPrefix) + std::string(shard));
}

std::string get_request(std::string_view table, std::string_view key) {
  return JsonWriter().text("TableName", table).flag("ConsistentRead", true).raw("Key", key).end();
}

std::string create_request(std::string_view table, std::string_view item) {
  return JsonWriter()
      .text("TableName", table)
      .raw("Item", item)
      .text("ConditionExpression", "attribute_not_exists(#row)")
      .raw("ExpressionAttributeNames", R"({"#row":"row"})")
      .end();
}

// ---- reading
// ----------------------------------------------------------------------------------------------------

bool read_typed(json::Value value, std::string_view type,
                const std::function<bool(json::Value)>& use) {
  bool found = false;
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name != type) return true;
    found = true;
    return use(member);
  });
  return whole && found;
}

bool read_text(json::Value value, std::string& out) {
  return read_typed(value, "S", [&](json::Value member) { return json::read(member, out); });
}

template <class Integer>
bool read_integer(json::Value value, Integer& out) {
  return read_typed(value, "N", [&](json::Value member) {
    std::string_view digits;
    if (!json::read(member, digits)) return false;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  });
}

bool read_flag(json::Value value, bool& out) {
  return read_typed(value, "BOOL", [&](json::Value member) { return json::read(member, out); });
}

bool read_time(json::Value value, WallTime& out) {
  std::int64_t microseconds = 0;
  if (!read_integer(value, microseconds)) return false;
  out = WallTime{std::chrono::microseconds{microseconds}};
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
  if (name == "counter") return read_integer(value, row.counter);
  if (name == "start") return read_start(value, row.start);
  if (name == "start_time") return read_time(value, row.start.time);
  if (name == "checkpoint") return read_text(value, row.checkpoint);
  if (name == "finished") return read_flag(value, row.finished);
  if (name == "parents") return read_list(value, row.parents);
  if (name == "children") return read_list(value, row.children);
  if (name == "read_through") return read_time(value, row.read_through.emplace());
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

// ---- rows
// -------------------------------------------------------------------------------------------------------

std::string shard_row_to_item(const core::ShardRow& row) {
  JsonWriter item;
  item.raw("stream", text_value(row.stream))
      .raw("row", text_value(std::string(kShardPrefix) + row.shard));
  for (const auto& attribute : attributes_of(row)) {
    if (attribute.value) item.raw(attribute.name, *attribute.value);
  }
  return item.end();
}

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

std::string meta_row_to_item(const core::MetaRow& row) {
  return JsonWriter()
      .raw("stream", text_value(kTableRow))
      .raw("row", text_value(kMetaRow))
      .raw("primary", text_value(row.primary))
      .raw("replica", text_value(row.replica))
      .raw("mode", text_value(row.mode))
      .raw("format", number_value(std::to_string(row.format)))
      .raw("nonce", text_value(row.nonce))
      .end();
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
    if (name == "nonce") return read_text(value, row.nonce);
    return true;
  });
  if (!whole || row.primary.empty() || row.replica.empty() || row.mode.empty() || row.format == 0) {
    return unusable("the lease table's meta row cannot be read");
  }
  return row;
}

bool is_shard_row(std::string_view item) { return row_of(item).starts_with(kShardPrefix); }

// ---- requests
// ---------------------------------------------------------------------------------------------------

std::string query_shard_rows_request(std::string_view table, std::string_view stream,
                                     std::string_view last_key) {
  JsonWriter request;
  request.text("TableName", table)
      .flag("ConsistentRead", true)
      .text("KeyConditionExpression", "#stream = :stream AND begins_with(#row, :prefix)")
      .raw("ExpressionAttributeNames", R"({"#stream":"stream","#row":"row"})")
      .raw("ExpressionAttributeValues", JsonWriter()
                                            .raw(":stream", text_value(stream))
                                            .raw(":prefix", text_value(kShardPrefix))
                                            .end());
  if (!last_key.empty()) request.raw("ExclusiveStartKey", last_key);
  return request.end();
}

std::string scan_rows_request(std::string_view table, std::string_view last_key) {
  JsonWriter request;
  request.text("TableName", table).flag("ConsistentRead", true);
  if (!last_key.empty()) request.raw("ExclusiveStartKey", last_key);
  return request.end();
}

std::string get_shard_row_request(std::string_view table, std::string_view stream,
                                  std::string_view shard) {
  return get_request(table, shard_key(stream, shard));
}

std::string get_meta_row_request(std::string_view table) {
  return get_request(table, key_json(kTableRow, kMetaRow));
}

std::string create_shard_row_request(std::string_view table, const core::ShardRow& row) {
  return create_request(table, shard_row_to_item(row));
}

std::string create_meta_row_request(std::string_view table, const core::MetaRow& row) {
  return create_request(table, meta_row_to_item(row));
}

std::string replace_shard_row_request(std::string_view table, const core::ShardRow& row,
                                      std::string_view expected) {
  std::string set;
  std::string remove;
  JsonWriter names;
  JsonWriter values;
  values.raw(":expected", text_value(expected));
  for (const auto& attribute : attributes_of(row)) {
    const std::string name = "#" + std::string(attribute.name);
    const std::string value = ":" + std::string(attribute.name);
    names.text(name, attribute.name);
    if (attribute.value) {
      set += (set.empty() ? "SET " : ", ") + name + " = " + value;
      values.raw(value, *attribute.value);
    } else {
      remove += (remove.empty() ? " REMOVE " : ", ") + name;
    }
  }
  return JsonWriter()
      .text("TableName", table)
      .raw("Key", shard_key(row.stream, row.shard))
      .text("UpdateExpression", set + remove)
      .text("ConditionExpression", "#nonce = :expected")
      .raw("ExpressionAttributeNames", names.end())
      .raw("ExpressionAttributeValues", values.end())
      .end();
}

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
  const bool known = row == kMetaRow || row.starts_with(kShardPrefix) || row.starts_with("fence#");
  return known ? LeaseTableKind::ours : LeaseTableKind::unknown;
}

}  // namespace dynamodb_replicator::wire

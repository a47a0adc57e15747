// The writing half of lease_rows.h: rows to items, and every request about them.
#include <vector>

#include "wire/json_writer.h"
#include "wire/lease_names.h"
#include "wire/lease_rows.h"

namespace dynamodb_replicator::wire {
namespace {

std::string typed(std::string_view type, const std::string& literal) {
  return JsonWriter().raw(type, literal).end();
}
std::string flag_value(bool flag) { return typed("BOOL", flag ? "true" : "false"); }
std::string time_value(WallTime time) {
  return number_value(std::to_string(time.time_since_epoch().count()));
}
std::string duration_value(Duration duration) {
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  return number_value(std::to_string(whole.count()));
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
      {"lease",
       row.lease > Duration::zero() ? std::optional(duration_value(row.lease)) : std::nullopt},
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

}  // namespace

std::string shard_row_to_item(const core::ShardRow& row) {
  JsonWriter item;
  item.raw("stream", text_value(row.stream))
      .raw("row", text_value(std::string(kShardPrefix) + row.shard));
  for (const auto& attribute : attributes_of(row)) {
    if (attribute.value) item.raw(attribute.name, *attribute.value);
  }
  return item.end();
}

std::string meta_row_key() { return key_json(kTableHash, kMetaRow); }

std::string meta_row_to_item(const core::MetaRow& row) {
  JsonWriter item;
  item.raw("stream", text_value(kTableHash))
      .raw("row", text_value(kMetaRow))
      .raw("primary", text_value(row.primary))
      .raw("replica", text_value(row.replica))
      .raw("mode", text_value(row.mode))
      .raw("format", number_value(std::to_string(row.format)))
      .raw("nonce", text_value(row.nonce));
  if (row.stripes > 0) item.raw("stripes", number_value(std::to_string(row.stripes)));
  return item.end();
}

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
  return get_request(table, meta_row_key());
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

}  // namespace dynamodb_replicator::wire

#include "wire/fences.h"

#include "base/planted.h"
#include "item/json.h"
#include "wire/answer.h"
#include "wire/attributes.h"
#include "wire/json_writer.h"
#include "wire/lease_names.h"
#include "wire/lease_rows.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

constexpr const char* kNames =
    R"({"#generation":"generation","#holder":"holder","#bumps":"bumps"})";
constexpr const char* kIsThis =
    "#generation = :generation AND #holder = :holder AND #bumps = :bumps";
constexpr const char* kIsThisOrNewer =  // of a planted bug
    "#generation >= :generation AND #bumps >= :bumps OR #holder = :holder";

std::string key_of(const core::Fence& fence) {
  const std::string row =
      std::string(kFencePrefix) + fence.shard + "#" + std::to_string(fence.stripe);
  return JsonWriter().raw("stream", text_value(fence.stream)).raw("row", text_value(row)).end();
}

JsonWriter values_of(const core::Fence& fence) {
  JsonWriter values;
  values.raw(":generation", number_value(std::to_string(fence.generation)))
      .raw(":holder", text_value(fence.holder))
      .raw(":bumps", number_value(std::to_string(fence.bumps)));
  return values;
}

std::string update(std::string_view table, const core::Fence& fence, const char* expression,
                   const char* condition, std::string values) {
  return JsonWriter()
      .text("TableName", table)
      .raw("Key", key_of(fence))
      .text("UpdateExpression", expression)
      .text("ConditionExpression", condition)
      .raw("ExpressionAttributeNames", kNames)
      .raw("ExpressionAttributeValues", values)
      .end();
}

std::string check(std::string_view table, std::string_view key, const char* condition,
                  std::string_view names, std::string_view values) {
  JsonWriter writer;
  writer.text("TableName", table)
      .raw("Key", key)
      .text("ConditionExpression", condition)
      .raw("ExpressionAttributeNames", names);
  if (!values.empty()) writer.raw("ExpressionAttributeValues", values);
  return JsonWriter().raw("ConditionCheck", writer.end()).end();
}

std::string transaction(const std::string& actions, std::string_view token) {
  JsonWriter request;
  request.raw("TransactItems", "[" + actions + "]").text("ReturnConsumedCapacity", "TOTAL");
  if (!token.empty()) request.text("ClientRequestToken", token);
  return request.end();
}

}  // namespace

std::string raise_fence_request(std::string_view table, const core::Fence& fence) {
  return update(table, fence, "SET #generation = :generation, #holder = :holder, #bumps = :bumps",
                "attribute_not_exists(#generation) OR #generation < :generation",
                values_of(fence).end());
}

std::string bump_fence_request(std::string_view table, const core::Fence& fence) {
  return update(table, fence, "SET #bumps = :next", kIsThis,
                values_of(fence).raw(":next", number_value(std::to_string(fence.bumps + 1))).end());
}

std::string get_fence_request(std::string_view table, const core::Fence& fence) {
  return get_item_request(table, key_of(fence));
}

Result<core::Fence> fence_from_item(const core::Fence& of, std::string_view item) {
  core::Fence fence = of;
  fence.generation = 0;
  fence.holder.clear();
  bool bumps = false;
  json::Text text{std::string(item)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "generation") return read_integer(value, fence.generation);
    if (name == "holder") return read_text(value, fence.holder);
    if (name == "bumps") return bumps = read_integer(value, fence.bumps);
    return true;
  });
  if (!whole || !bumps || fence.generation == 0 || fence.holder.empty())
    return unusable("the lease table holds a fence that cannot be read");
  return fence;
}

Result<std::string> transact_write_request(std::string_view lease_table, const core::Fence& fence,
                                           std::string_view table,
                                           std::span<const BatchWrite> writes,
                                           std::string_view token) {
  const char* condition = base::planted(base::Bug::fence_lets_older) ? kIsThisOrNewer : kIsThis;
  std::string actions =
      check(lease_table, key_of(fence), condition, kNames, values_of(fence).end());
  for (const BatchWrite& write : writes) {
    JsonWriter action;
    action.text("TableName", table);
    if (write.item.empty()) {
      action.raw("Key", write.key->wire());
    } else {
      auto item = item_to_write(write.item);
      if (!item) return std::move(item).error();
      action.raw("Item", *item);
    }
    actions += "," + JsonWriter().raw(write.item.empty() ? "Delete" : "Put", action.end()).end();
  }
  return transaction(actions, token);
}

Result<double> decode_transact_write(std::string body) {
  double units = 0;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return name != "ConsumedCapacity" || add_units(value, units);
  });
  if (!whole) return unusable("the answer to TransactWriteItems is not the JSON that was expected");
  return units;
}

std::string probe_transactions_request(std::string_view lease_table) {
  return transaction(check(lease_table, meta_row_key(), "attribute_not_exists(#never)",
                           R"({"#never":"never"})", {}),
                     {});
}

}  // namespace dynamodb_replicator::wire

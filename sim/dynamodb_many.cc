// The operations over many items: Query, Scan, BatchGetItem, BatchWriteItem.
#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "sim/dynamodb.h"
#include "sim/expressions.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::size_t kBatchBytesMax = 16 * 1024 * 1024;

const ServiceError kThroughput{
    "ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded"};

template <class T>
void shuffle(std::vector<T>& values, base::Prng& prng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[prng.below(i)]);
}

std::string consumed(Json request, const std::string& table, std::size_t units) {
  const auto wanted = text(request, "ReturnConsumedCapacity");
  if (!wanted || *wanted == "NONE") return {};
  return R"(,"ConsumedCapacity":[{"TableName":)" + base::to_json_string(table) +
         R"(,"CapacityUnits":)" + std::to_string(units) + ".0}]";
}

// The only table of RequestItems: the program never asks for two.
struct OneTable {
  std::string name;
  Json content;
};
Result<OneTable, ServiceError> one_table(Json request) {
  simdjson::dom::object tables;
  if (request["RequestItems"].get(tables) != simdjson::SUCCESS || tables.size() == 0) {
    return validation("1 validation error detected: Value null at 'requestItems'");
  }
  if (tables.size() != 1) return validation("the simulator serves batches over one table");
  const auto only = *tables.begin();
  return OneTable{std::string(only.key), only.value};
}

}  // namespace

Answer DynamoDb::query(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  auto substitutes = substitutes_of(request);
  if (!substitutes) return substitutes.error();
  const auto condition = text(request, "KeyConditionExpression");
  if (!condition)
    return validation(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified");
  std::string after;
  if (const auto start = member(request, "ExclusiveStartKey")) {
    auto item = parse_item(*start);
    if (!item) return item.error();
    const auto key = (*table)->key_of(*item, true);
    if (!key) return key.error();
    after = *key;
  }
  // Pages are smaller than they must be, so that paging is always walked.
  const auto limit = static_cast<std::size_t>(
      integer(request, "Limit").value_or(1 + static_cast<std::int64_t>(prng_.below(40))));
  std::string items;
  std::size_t count = 0;
  const Item* newest = nullptr;
  std::string last;
  for (const auto& [key, item] : (*table)->items()) {
    if (!after.empty() && key <= after) continue;
    const auto held = holds(*condition, *item, *substitutes);
    if (!held) return held.error();
    if (!*held) continue;
    if (count == limit) {
      if (newest != nullptr)
        last = ",\"LastEvaluatedKey\":" + item_json((*table)->key_item(*newest));
      break;
    }
    items += (count++ > 0 ? "," : "") + item_json(*item, prng_);
    newest = item.get();
  }
  return R"({"Items":[)" + items + R"(],"Count":)" + std::to_string(count) + R"(,"ScannedCount":)" +
         std::to_string(count) + last + "}";
}

Answer DynamoDb::batch_get_item(Json request) {
  auto asked = one_table(request);
  if (!asked) return asked.error();
  auto table = active(asked->name);
  if (!table) return table.error();
  simdjson::dom::array keys;
  if (asked->content["Keys"].get(keys) != simdjson::SUCCESS || keys.size() == 0)
    return validation("no keys");
  if (keys.size() > 100) return validation("Too many items requested for the BatchGetItem call");
  const bool consistent = flag(asked->content, "ConsistentRead");
  std::set<std::string> seen;
  std::vector<std::pair<std::string, Item>> wanted;
  for (const Json one : keys) {
    auto item = parse_item(one);
    if (!item) return item.error();
    auto key = (*table)->key_of(*item, true);
    if (!key) return key.error();
    if (!seen.insert(*key).second)
      return validation("Provided list of item keys contains duplicates");
    wanted.emplace_back(*key, *item);
  }
  shuffle(wanted, prng_);
  std::string found;
  std::string left;
  for (const auto& [key, key_item] : wanted) {
    if (found.size() > kBatchBytesMax || world_.faults().strikes(Fault::unprocessed_keys)) {
      left += (left.empty() ? "" : ",") + shown(**table, key_item);
      continue;
    }
    const bool stale = !consistent && world_.faults().strikes(Fault::stale_read);
    const Item* item = stale ? (*table)->find_stale(key, 2s) : (*table)->find(key);
    if (item != nullptr) found += (found.empty() ? "" : ",") + shown(**table, *item);
  }
  const std::string name = base::to_json_string(asked->name);
  std::string rest;
  if (!left.empty()) {
    rest = name + R"(:{"Keys":[)" + left + R"(],"ConsistentRead":)" +
           (consistent ? "true}" : "false}");
  }
  if (!left.empty() && found.empty() && wanted.size() > 1 && prng_.chance(1, 2)) return kThroughput;
  return R"({"Responses":{)" + name + ":[" + found + R"(]},"UnprocessedKeys":{)" + rest + "}" +
         consumed(request, asked->name, wanted.size()) + "}";
}

Answer DynamoDb::batch_write_item(Json request) {
  auto asked = one_table(request);
  if (!asked) return asked.error();
  auto table = active(asked->name);
  if (!table) return table.error();
  simdjson::dom::array writes;
  if (asked->content.get(writes) != simdjson::SUCCESS || writes.size() == 0 || writes.size() > 25) {
    return validation("Too many items requested for the BatchWriteItem call");
  }
  struct One {
    Item key;
    std::optional<Item> item;
  };
  std::set<std::string> seen;
  std::vector<One> wanted;
  for (const Json one : writes) {
    const auto put = member(one, "PutRequest");
    const auto erase = member(one, "DeleteRequest");
    if (put.has_value() == erase.has_value())
      return validation("Supplied WriteRequest must contain exactly one request");
    const auto json = put ? member(*put, "Item") : member(*erase, "Key");
    if (!json) return validation("a request without an item or a key");
    auto item = parse_item(*json);
    if (!item) return item.error();
    auto key = (*table)->key_of(*item, !put);
    if (!key) return key.error();
    if (!seen.insert(*key).second)
      return validation("Provided list of item keys contains duplicates");
    if (is_too_large(*item)) return validation("Item size has exceeded the maximum allowed size");
    if ((*table)->refuses(*item)) return validation("Type mismatch for Index Key");
    wanted.push_back({(*table)->key_item(*item), put ? std::optional<Item>(*item) : std::nullopt});
  }
  shuffle(wanted, prng_);
  std::string left;
  std::size_t done = 0;
  for (const One& one : wanted) {
    if (world_.faults().strikes(Fault::unprocessed_items)) {
      left += (left.empty() ? "" : ",") +
              (one.item ? R"({"PutRequest":{"Item":)" + shown(**table, *one.item) + "}}"
                        : R"({"DeleteRequest":{"Key":)" + shown(**table, one.key) + "}}");
      continue;
    }
    ++done;
    if (one.item) {
      (*table)->put(*one.item);
    } else {
      (*table)->erase(one.key);
    }
  }
  if (done == 0) return kThroughput;
  const std::string rest =
      left.empty() ? "" : base::to_json_string(asked->name) + ":[" + left + "]";
  return R"({"UnprocessedItems":{)" + rest + "}" + consumed(request, asked->name, done) + "}";
}

}  // namespace dynamodb_replicator::sim

#include "sim/dynamodb.h"

#include "base/bytes.h"
#include "sim/expressions.h"
#include "sim/streams.h"

namespace dynamodb_replicator::sim {
namespace {

ServiceError not_found(std::string_view what) {
  return {"ResourceNotFoundException", "Requested resource not found: " + std::string(what)};
}

std::string literal(std::string_view text) { return base::to_json_string(text); }

// The one item that a request names, by `Key` or by `Item`.
Result<Item, ServiceError> item_in(Json request, std::string_view field) {
  const auto json = member(request, field);
  if (!json)
    return validation("Value null at '" + std::string(field) + "' failed to satisfy constraint");
  return parse_item(*json);
}

std::string consumed(Json request, const Table& table, std::size_t units) {
  const auto wanted = text(request, "ReturnConsumedCapacity");
  if (!wanted || *wanted == "NONE") return {};
  return R"(,"ConsumedCapacity":{"TableName":)" + literal(table.name()) + R"(,"CapacityUnits":)" +
         std::to_string(units) + ".0}";
}

// What some engines refuse in a condition.
bool compares_more_than_scalars(const Substitutes& substitutes) {
  for (const auto& [name, value] : substitutes.values) {
    if (type_of(value) != "S" && type_of(value) != "N") return true;
  }
  return false;
}

}  // namespace

Table& DynamoDb::create(const std::string& name, Schema schema) {
  Slot& slot = tables_[name];
  slot.table = std::make_unique<Table>(world_, name, std::move(schema));
  slot.created = world_.now();
  return *slot.table;
}

Table* DynamoDb::table(const std::string& name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second.table.get();
}

Answer DynamoDb::call(std::string_view operation, Json request) {
  using Method = Answer (DynamoDb::*)(Json);
  static const std::map<std::string_view, Method> kOperations{
      {"DescribeTable", &DynamoDb::describe_table},
      {"CreateTable", &DynamoDb::create_table},
      {"GetItem", &DynamoDb::get_item},
      {"PutItem", &DynamoDb::put_item},
      {"DeleteItem", &DynamoDb::delete_item},
      {"UpdateItem", &DynamoDb::update_item},
      {"Query", &DynamoDb::query},
      {"Scan", &DynamoDb::scan},
      {"BatchGetItem", &DynamoDb::batch_get_item},
      {"BatchWriteItem", &DynamoDb::batch_write_item},
      {"TransactWriteItems", &DynamoDb::transact_write_items},
  };
  const auto found = kOperations.find(operation);
  if (found == kOperations.end())
    return ServiceError{"UnknownOperationException", std::string(operation)};
  return (this->*found->second)(request);
}

Result<Table*, ServiceError> DynamoDb::active(std::string_view name) const {
  const auto found = tables_.find(std::string(name));
  if (found == tables_.end() || world_.now() < found->second.active_from) return not_found("Table");
  return found->second.table.get();
}

Result<Table*, ServiceError> DynamoDb::named(Json request) const {
  const auto name = text(request, "TableName");
  if (!name)
    return validation("The parameter 'TableName' is required but was not present in the request");
  return active(*name);
}

std::string DynamoDb::description(const Slot& slot) const {
  const Schema& schema = slot.table->schema();
  std::string keys = R"({"AttributeName":)" + literal(schema.hash.name) + R"(,"KeyType":"HASH"})";
  std::string attributes = R"({"AttributeName":)" + literal(schema.hash.name) +
                           R"(,"AttributeType":")" + schema.hash.type + R"("})";
  if (schema.range) {
    keys += R"(,{"AttributeName":)" + literal(schema.range->name) + R"(,"KeyType":"RANGE"})";
    attributes += R"(,{"AttributeName":)" + literal(schema.range->name) + R"(,"AttributeType":")" +
                  schema.range->type + R"("})";
  }
  const std::string& name = slot.table->name();
  std::string out =
      R"({"TableName":)" + literal(name) + R"(,"TableArn":")" + arn_of(name) +
      R"(","TableStatus":")" + (world_.now() < slot.active_from ? "CREATING" : "ACTIVE") +
      R"(","TableId":"sim-)" + name_ + "-" + name + R"(","CreationDateTime":)" +
      std::to_string(1893456000 + slot.created.count() / 1'000'000'000) +
      R"(.25,"ItemCount":0,"TableSizeBytes":0,"KeySchema":[)" + keys +
      R"(],"AttributeDefinitions":[)" + attributes +
      R"(],"ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":0,"NumberOfDecreasesToday":0},)" +
      R"("BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"})";
  if (slot.stream != nullptr) {
    out +=
        R"(,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"},"LatestStreamArn":)" +
        literal(slot.stream->arn()) + R"(,"LatestStreamLabel":)" + literal(slot.stream->label());
  }
  return out + "}";
}

Answer DynamoDb::describe_table(Json request) {
  const auto name = text(request, "TableName");
  if (!name) return validation("no TableName");
  const auto found = tables_.find(std::string(*name));
  if (found == tables_.end()) return not_found("Table: " + std::string(*name));
  return "{\"Table\":" + description(found->second) + "}";
}

Answer DynamoDb::create_table(Json request) {
  const auto name = text(request, "TableName");
  simdjson::dom::array keys;
  simdjson::dom::array attributes;
  if (!name || request["KeySchema"].get(keys) != simdjson::SUCCESS ||
      request["AttributeDefinitions"].get(attributes) != simdjson::SUCCESS) {
    return validation("TableName, KeySchema and AttributeDefinitions are required");
  }
  for (const std::string_view unknown : {"StreamSpecification", "GlobalSecondaryIndexes"}) {
    if (member(request, unknown))
      return validation("the simulator does not know " + std::string(unknown));
  }
  if (tables_.contains(std::string(*name))) {
    return ServiceError{"ResourceInUseException", "Table already exists: " + std::string(*name)};
  }
  std::map<std::string, std::string> types;
  for (const Json one : attributes) {
    types[std::string(text(one, "AttributeName").value_or(""))] =
        std::string(text(one, "AttributeType").value_or(""));
  }
  Schema schema;
  for (const Json one : keys) {
    const std::string attribute(text(one, "AttributeName").value_or(""));
    if (!types.contains(attribute))
      return validation("Some index key attributes are not defined in AttributeDefinitions");
    const KeyPart part{attribute, types[attribute]};
    if (text(one, "KeyType") == "HASH") {
      schema.hash = part;
    } else {
      schema.range = part;
    }
  }
  if (schema.hash.name.empty() || types.size() != (schema.range ? 2U : 1U)) {
    return validation(
        "Number of attributes in KeySchema does not exactly match number of attributes defined");
  }
  if (text(request, "BillingMode") != "PAY_PER_REQUEST" &&
      !member(request, "ProvisionedThroughput")) {
    return validation("No provisioned throughput specified for the table");
  }
  Table& table = create(std::string(*name), schema);
  if (watcher_) watcher_(table);
  Slot& slot = tables_.at(std::string(*name));
  slot.active_from = world_.now() + between(prng_, 100ms, 4s);
  return "{\"TableDescription\":" + description(slot) + "}";
}

Answer DynamoDb::get_item(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  auto item = item_in(request, "Key");
  if (!item) return item.error();
  const auto key = (*table)->key_of(*item, true);
  if (!key) return key.error();
  const bool stale = !flag(request, "ConsistentRead") && world_.faults().strikes(Fault::stale_read);
  const Item* found = stale ? (*table)->find_stale(*key, 2s) : (*table)->find(*key);
  std::string body = found == nullptr ? std::string() : ",\"Item\":" + item_json(*found, prng_);
  body += consumed(request, **table, 1);
  return body.empty() ? std::string("{}") : "{" + body.substr(1) + "}";
}

// Writes `next` (nullptr: deletes) if the request's condition holds.
Answer DynamoDb::conditionally(Json request, Table& table, const Item& key_item,
                               const std::string& key, const std::shared_ptr<const Item>& next) {
  const Item* current = table.find(key);
  if (const auto condition = text(request, "ConditionExpression")) {
    auto substitutes = substitutes_of(request);
    if (!substitutes) return substitutes.error();
    if (table.engine().refuses && compares_more_than_scalars(*substitutes))
      return validation("Invalid ConditionExpression: values of this type cannot be compared");
    static const Item kAbsent;
    const auto held = holds(*condition, current == nullptr ? kAbsent : *current, *substitutes);
    if (!held) return held.error();
    if (!*held) {
      ServiceError error{"ConditionalCheckFailedException", "The conditional request failed"};
      if (text(request, "ReturnValuesOnConditionCheckFailure") == "ALL_OLD" && current != nullptr) {
        error.extra = ",\"Item\":" + item_json(*current, prng_);
      }
      return error;
    }
  }
  std::string body;
  if (text(request, "ReturnValues") == "ALL_OLD" && current != nullptr)
    body += ",\"Attributes\":" + item_json(*current, prng_);
  if (text(request, "ReturnValues") == "ALL_NEW" && next != nullptr)
    body += ",\"Attributes\":" + item_json(*next, prng_);
  if (next != nullptr) {
    if (is_too_large(*next)) return validation("Item size has exceeded the maximum allowed size");
    table.put(*next);
  } else {
    table.erase(key_item);
  }
  body += consumed(request, table, 1);
  return body.empty() ? std::string("{}") : "{" + body.substr(1) + "}";
}

Answer DynamoDb::put_item(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  auto item = item_in(request, "Item");
  if (!item) return item.error();
  const auto key = (*table)->key_of(*item, false);
  if (!key) return key.error();
  return conditionally(request, **table, (*table)->key_item(*item), *key,
                       std::make_shared<const Item>(*item));
}

Answer DynamoDb::delete_item(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  auto item = item_in(request, "Key");
  if (!item) return item.error();
  const auto key = (*table)->key_of(*item, true);
  if (!key) return key.error();
  return conditionally(request, **table, *item, *key, nullptr);
}

Answer DynamoDb::update_item(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  auto item = item_in(request, "Key");
  if (!item) return item.error();
  const auto key = (*table)->key_of(*item, true);
  if (!key) return key.error();
  auto substitutes = substitutes_of(request);
  if (!substitutes) return substitutes.error();
  const Item* current = (*table)->find(*key);
  Item next = current == nullptr ? *item : *current;
  if (const auto expression = text(request, "UpdateExpression")) {
    auto changed = updated(*expression, next, *substitutes);
    if (!changed) return changed.error();
    next = *changed;
  }
  if ((*table)->key_item(next) != *item)
    return validation("Cannot update attribute: this attribute is part of the key");
  return conditionally(request, **table, *item, *key, std::make_shared<const Item>(next));
}

}  // namespace dynamodb_replicator::sim

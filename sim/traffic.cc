#include "sim/traffic.h"

namespace dynamodb_replicator::sim {
namespace {

bool moves_items(const std::string& operation) {
  return operation == "BatchGetItem" || operation == "BatchWriteItem" ||
         operation == "TransactWriteItems";
}

// What `RequestItems` has for its only table.
std::optional<Json> asked_of(Json body) {
  simdjson::dom::object tables;
  if (body["RequestItems"].get(tables) != simdjson::SUCCESS || tables.size() == 0)
    return std::nullopt;
  return (*tables.begin()).value;
}

void note_key(const Table& table, std::vector<std::string>& keys, Json item) {
  const Schema& schema = table.schema();
  Item key;
  const auto take = [&](const std::string& name) {
    const auto value = member(item, name);
    if (!value) return;
    if (auto normal = normal_value(*value)) key[name] = *normal;
  };
  take(schema.hash.name);
  if (schema.range) take(schema.range->name);
  if (const auto canonical = table.key_of(key, true)) keys.push_back(*canonical);
}

}  // namespace

std::vector<std::string> keys_written(const Table& table, const std::string& operation, Json body) {
  std::vector<std::string> keys;
  const auto note_in = [&](Json one, std::string_view verb, std::string_view field) {
    const auto write = member(one, verb);
    const auto item = write ? member(*write, field) : std::nullopt;
    if (item) note_key(table, keys, *item);
  };
  simdjson::dom::array writes;
  if (operation == "BatchWriteItem") {
    const auto asked = asked_of(body);
    if (!asked || asked->get(writes) != simdjson::SUCCESS) return keys;
    for (const Json one : writes) {
      note_in(one, "PutRequest", "Item");
      note_in(one, "DeleteRequest", "Key");
    }
  } else if (operation == "TransactWriteItems" &&
             body["TransactItems"].get(writes) == simdjson::SUCCESS) {
    for (const Json one : writes) {
      note_in(one, "Put", "Item");
      note_in(one, "Delete", "Key");
    }
  }
  return keys;
}

void Traffic::sent(std::uint64_t number, const std::string& sender, const std::string& operation,
                   const async::HttpRequest& request, Duration /*deadline*/) {
  ++requests_;
  ++counts_[operation];
  Sender& from = senders_[sender];
  Open& open = open_[number];
  open.sender = sender;
  ++from.in_flight;
  world_.expect(Invariant::in_flight_bounded, from.in_flight <= kInFlightMax, [&] {
    return sender + " has " + std::to_string(from.in_flight) + " requests in flight";
  });
  Json body;
  if (!moves_items(operation) || parser_.parse(request.body).get(body) != simdjson::SUCCESS) return;
  items_ += items_in(operation, body);
  open.keys = keys_written(replica_, operation, body);
  for (const std::string& key : open.keys) {
    world_.expect(Invariant::in_flight_bounded, from.keys.insert(key).second,
                  [&] { return sender + " has two requests in flight that write " + key; });
  }
}

void Traffic::over(std::uint64_t number, bool /*heard*/) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  const auto from = senders_.find(found->second.sender);
  for (const std::string& key : found->second.keys) from->second.keys.erase(key);
  if (--from->second.in_flight == 0) senders_.erase(from);
  open_.erase(found);
}

std::size_t Traffic::items_in(const std::string& operation, Json body) const {
  simdjson::dom::array items;
  if (operation == "TransactWriteItems") {
    return body["TransactItems"].get(items) == simdjson::SUCCESS ? items.size() : 0;
  }
  const auto asked = asked_of(body);
  if (!asked) return 0;
  const auto list = operation == "BatchGetItem" ? member(*asked, "Keys") : asked;
  return list && list->get(items) == simdjson::SUCCESS ? items.size() : 0;
}

std::map<std::string, std::uint64_t> Traffic::take_counts() { return std::exchange(counts_, {}); }

}  // namespace dynamodb_replicator::sim

// TransactWriteItems: all actions or none, at one moment.
//
// Source: API reference of the operation: at most 100 actions, no two on one item, 4 MB in all; a
// cancelled transaction names a reason for each action, in order: ConditionalCheckFailed,
// TransactionConflict, or ValidationError where an item's key does not match its table. Twice the
// write units of plain writes; a check costs as much as a write.
#include <set>

#include "base/bytes.h"
#include "sim/dynamodb.h"
#include "sim/expressions.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::size_t kActionsMax = 100;

struct Action {
  enum class Kind { check, put, erase };
  Kind kind = Kind::check;
  Json content;
};

Result<Action, ServiceError> action_of(Json one) {
  simdjson::dom::object members;
  if (one.get(members) != simdjson::SUCCESS || members.size() != 1)
    return validation("TransactItems can only contain one of Check, Put, Update or Delete");
  const auto only = *members.begin();
  if (only.key == "ConditionCheck") return Action{Action::Kind::check, only.value};
  if (only.key == "Put") return Action{Action::Kind::put, only.value};
  if (only.key == "Delete") return Action{Action::Kind::erase, only.value};
  return validation("the simulator does not know the action " + std::string(only.key));
}

std::string reason(std::string_view code) {
  if (code == "None") return R"({"Code":"None"})";
  std::string_view message = "The conditional request failed";
  if (code == "TransactionConflict") message = "Transaction is ongoing for the item";
  if (code == "ValidationError") message = kKeyMismatch;
  return R"({"Code":")" + std::string(code) + R"(","Message":")" + std::string(message) + R"("})";
}

}  // namespace

// One action of a transaction, ready to be done.
struct DynamoDb::Prepared {
  Table* table = nullptr;
  std::string key;
  Item key_item;
  Action::Kind kind = Action::Kind::check;
  Item item;            // put
  bool allowed = true;  // by its condition
  bool conflict = false;
  bool invalid = false;  // its key does not match the table's schema

  [[nodiscard]] const char* code() const {
    if (conflict) return "TransactionConflict";
    if (invalid) return "ValidationError";
    return allowed ? "None" : "ConditionalCheckFailed";
  }
};

Result<DynamoDb::Prepared, ServiceError> DynamoDb::prepare(Json one) {
  auto action = action_of(one);
  if (!action) return action.error();
  auto table = named(action->content);
  if (!table) return table.error();
  const bool put = action->kind == Action::Kind::put;
  const auto json = member(action->content, put ? "Item" : "Key");
  if (!json) return validation("an action without an item or a key");
  auto item = parse_item(*json);
  if (!item) return item.error();
  auto key = (*table)->key_of(*item, !put);
  Prepared made;
  made.table = *table;
  if (!key && put && key.error().message == kKeyMismatch) {
    made.invalid = true;
    return made;
  }
  if (!key) return key.error();
  if (is_too_large(*item)) return validation("Item size has exceeded the maximum allowed size");
  made.key = *key;
  made.key_item = (*table)->key_item(*item);
  made.kind = action->kind;
  made.invalid = (*table)->refuses(*item);
  made.item = std::move(*item);
  const auto condition = text(action->content, "ConditionExpression");
  if (!condition) {
    if (made.kind == Action::Kind::check) return validation("a ConditionCheck needs a condition");
    return made;
  }
  auto substitutes = substitutes_of(action->content);
  if (!substitutes) return substitutes.error();
  const Item* current = made.table->find(made.key);
  const auto held = holds(*condition, current == nullptr ? Item{} : *current, *substitutes);
  if (!held) return held.error();
  made.allowed = *held;
  return made;
}

Answer DynamoDb::transact_write_items(Json request) {
  simdjson::dom::array actions;
  if (request["TransactItems"].get(actions) != simdjson::SUCCESS || actions.size() == 0 ||
      actions.size() > kActionsMax) {
    return validation(
        "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
        "Member must have length less than or equal to 100");
  }
  const std::string token(text(request, "ClientRequestToken").value_or(""));
  if (token.size() > 36) return validation("a token has at most 36 characters");
  const auto before = transactions_.find(token);
  if (!token.empty() && before != transactions_.end() && world_.now() - before->second < 10min)
    return std::string("{}");  // done already: nothing is written again
  std::vector<Prepared> all;
  all.reserve(actions.size());
  std::set<std::pair<std::string, std::string>> seen;
  for (const Json one : actions) {
    auto made = prepare(one);
    if (!made) return made.error();
    if (!made->invalid && !seen.emplace(made->table->name(), made->key).second)
      return validation("Transaction request cannot include multiple operations on one item");
    made->conflict = world_.faults().strikes(Fault::transaction_conflict);
    all.push_back(std::move(*made));
  }
  std::vector<const Item*> items;
  items.reserve(all.size());
  for (const Prepared& one : all) items.push_back(&one.item);
  if (are_too_large(items)) return validation("Transaction payload size cannot exceed 4MB");
  bool cancelled = false;
  std::string reasons;
  std::string codes;
  for (const Prepared& one : all) {
    const std::string_view code = one.code();
    cancelled = cancelled || code != "None";
    reasons += (reasons.empty() ? "" : ",") + reason(code);
    codes += (codes.empty() ? "" : ", ") + std::string(code);
  }
  if (cancelled) {
    ServiceError error{"TransactionCanceledException",
                       "Transaction cancelled, please refer cancellation reasons for specific "
                       "reasons [" +
                           codes + "]"};
    error.extra = ",\"CancellationReasons\":[" + reasons + "]";
    return error;
  }
  if (!token.empty()) transactions_[token] = world_.now();
  std::map<std::string, std::size_t> units;
  for (const Prepared& one : all) {
    units[one.table->name()] += 2;
    if (one.kind == Action::Kind::put) one.table->put(one.item);
    if (one.kind == Action::Kind::erase) one.table->erase(one.key_item);
  }
  const auto wanted = text(request, "ReturnConsumedCapacity");
  if (!wanted || *wanted == "NONE") return std::string("{}");
  std::string consumed;
  for (const auto& [table, count] : units) {
    consumed += (consumed.empty() ? "" : ",") + std::string(R"({"TableName":)") +
                base::to_json_string(table) + R"(,"CapacityUnits":)" + std::to_string(count) +
                ".0}";
  }
  return R"({"ConsumedCapacity":[)" + consumed + "]}";
}

}  // namespace dynamodb_replicator::sim

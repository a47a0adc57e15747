// The part of DynamoDB's expression language that the program uses; anything else is a
// ValidationException.
//   conditions: attribute_exists, attribute_not_exists, begins_with, = <> < <= > >=, AND, OR, NOT,
//   parentheses updates:    SET a = :v, b = if_not_exists(b, :w), c = c + :n  REMOVE d, e
#pragma once

#include <string_view>

#include "sim/value.h"

namespace dynamodb_replicator::sim {

// What #names and :values stand for; taken from a request.
struct Substitutes {
  std::map<std::string, std::string> names;
  std::map<std::string, std::string> values;  // normal
};
Result<Substitutes, ServiceError> substitutes_of(Json request);

// `item`: empty if there is none.
Result<bool, ServiceError> holds(std::string_view condition, const Item& item,
                                 const Substitutes& substitutes);
Result<Item, ServiceError> updated(std::string_view update, const Item& item,
                                   const Substitutes& substitutes);

}  // namespace dynamodb_replicator::sim

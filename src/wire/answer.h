// What all answers have in common: how one is refused that makes no sense.
#pragma once

#include <string>

#include "base/result.h"
#include "item/json.h"

namespace dynamodb_replicator::wire {

// An answer that cannot be used; `operation` is filled in by whoever asked. `what`: "the answer to
// X holds no Y".
inline Failure unusable(std::string what) {
  Failure failure;
  failure.kind = FailureKind::unusable_answer;
  failure.message = std::move(what);
  return failure;
}

// A write's answer has nothing that we need, but it must be one whole JSON object.
Result<void> decode_nothing(std::string body);

// Adds up a member ConsumedCapacity: {"TableName":..,"CapacityUnits":..}, or an array of them.
// False if it is neither.
bool add_units(item::json::Value value, double& units);

}  // namespace dynamodb_replicator::wire

// What a second writer (repair, one item) saw on the replica, as the condition of its write.
//
// "The replica still holds what I saw" can be said of the attributes that were seen: each is equal
// to what it was. That no other attribute was added cannot be said, nor can a value that went away
// and came back be told from one that stayed. So a guard narrows; what makes a write right is that
// the primary is read again after it (flow/refresh_guarded.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "item/key.h"

namespace dynamodb_replicator::core {

// An expression takes 300 operators and 4 KB (DynamoDB Developer Guide, "Quotas"): 150 equalities
// and the 149 ANDs between them are 299 operators in 2.2 KB.
inline constexpr std::size_t kGuardAttributesMax = 150;

struct Guard {
  std::string expression;  // empty: it cannot be said, the write is unconditional
  std::string names;       // ExpressionAttributeNames, JSON
  std::string values;      // ExpressionAttributeValues, JSON; empty: the expression has none
};

// `seen`: the replica's item in wire form; empty: it had none. Values go in as they stand. More
// than kGuardAttributesMax attributes beside the key, or an item that cannot be read: no
// expression. Attributes named aws:rep:* are the service's own and say nothing.
Guard guard_for(std::string_view seen, const item::KeySchema& schema);

}  // namespace dynamodb_replicator::core

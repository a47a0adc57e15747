// Keys out of a JSON object that somebody is already reading (an answer, a record), without a copy
// of its text.
#pragma once

#include <string>

#include "base/result.h"
#include "item/json.h"
#include "item/key.h"

namespace dynamodb_replicator::item {

enum class Others { refused, ignored };  // attributes that are not in the key schema

// Walks `object` to its end if it succeeds; else it may stop anywhere. Errors as in parse_key().
Result<KeyRef, std::string> read_key(json::Object object, const KeySchema& schema, Others others);

}  // namespace dynamodb_replicator::item

// What counts of an item when two tables are compared.
#pragma once

#include <string>

#include "base/digests.h"
#include "base/result.h"
#include "item/compare.h"
#include "item/key.h"

namespace dynamodb_replicator::flow {

struct ContentRules {
  item::Ignored ignored;
  std::string ttl;  // the attribute by which items expire; empty: the table has none, or it counts
};

struct Content {
  item::KeyRef key;
  base::Digest128 key_digest;
  base::Digest128 digest;  // of the canonical form; of the bytes, if the item has none
};

// `item`: raw JSON of a table with that key schema. The error: it has no such key
// (unusable_answer).
Result<Content> content_of(const std::string& item, const item::KeySchema& schema,
                           const ContentRules& rules);
base::Digest128 digest_of(const std::string& item, const ContentRules& rules);

}  // namespace dynamodb_replicator::flow

// The one canonical form of an item: two items are equal exactly when their canonical forms are
// equal bytes.
//
// Numbers by value, strings and binary by bytes, sets as sets, maps by name, lists in order; BOOL,
// NULL, "" and an absent attribute all differ. Attributes named aws:rep:* (2017 global tables' own)
// are left out.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dynamodb_replicator::item {

struct Malformed {
  std::string reason;  // the end of a sentence that begins "the item is malformed: "; no values
};

// `json`: one item in wire form. Nothing of it passes through a double.
Result<std::string, Malformed> canonical_item(std::string_view json);

// The same, attribute by attribute: name and canonical value, sorted by name.
using CanonicalFields = std::vector<std::pair<std::string, std::string>>;
Result<CanonicalFields, Malformed> canonical_fields(std::string_view json);

// Byte equality first, canonical form only if that fails. Malformed items are equal only to the
// same bytes.
bool same_item(std::string_view a, std::string_view b);

// The item without attributes named aws:rep:*, which the service refuses in writes; the input
// itself if there are none (the common case, found by one search).
Result<std::string, Malformed> writable_item(std::string_view json);

}  // namespace dynamodb_replicator::item

// The key of an item: which attributes it has, its one canonical form, and the text that goes into
// requests.
//
// Two spellings of one key ({"N":"1"} and {"N":"1.0"}, attributes in another order, binary as
// base64 or as the array that Node's Buffer prints) are one Key: equal canonical(), and so one
// turn, one batch entry, one row.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dynamodb_replicator::item {

enum class KeyType { string, number, binary };  // S, N, B

struct KeyAttribute {
  std::string name;
  KeyType type = KeyType::string;
  friend bool operator==(const KeyAttribute&, const KeyAttribute&) = default;
};

struct KeySchema {
  KeyAttribute hash;
  std::optional<KeyAttribute> range;
  friend bool operator==(const KeySchema&, const KeySchema&) = default;
};

// For messages: "id (S), range (N)".
std::string to_text(const KeySchema& schema);

class Key {
 public:
  // `canonical`: equal for equal keys, whatever their spelling; not for people. `wire`: a JSON
  // object in key-schema order, numbers as they were spelled, binary as base64.
  Key(std::string canonical, std::string wire)
      : canonical_(std::move(canonical)), wire_(std::move(wire)) {}
  [[nodiscard]] const std::string& canonical() const { return canonical_; }
  [[nodiscard]] const std::string& wire() const { return wire_; }
  friend bool operator==(const Key& a, const Key& b) { return a.canonical_ == b.canonical_; }

 private:
  std::string canonical_;
  std::string wire_;
};

// Keys are shared by records, turns and batches without copies.
using KeyRef = std::shared_ptr<const Key>;

// Reads `{"id":{"S":"a"}}`: exactly the schema's attributes with the schema's types, in any order;
// binary as base64, as [1,2,3] or as {"type":"Buffer","data":[1,2,3]}. The error is one sentence
// for a dead letter's reason; it never holds the key's value.
Result<KeyRef, std::string> parse_key(std::string_view json, const KeySchema& schema);

// The key of a whole item (wire form); other attributes are allowed and not looked at.
Result<KeyRef, std::string> key_of_item(std::string_view json, const KeySchema& schema);

}  // namespace dynamodb_replicator::item

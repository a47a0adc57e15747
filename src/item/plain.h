// Keys as people see and type them: one line of plain JSON in key-schema order.
//
// {"id":"abc","n":12345678901234567890,"b":"AQL/"}: strings escaped, numbers bare and exact (never
// through a double), binary as base64. What is printed here can be typed there: parsing what was
// printed gives the same key.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "item/key.h"

namespace dynamodb_replicator::item {

// A number stands as it was spelled, if that is a JSON number; else (`+5`, `.5`) as one of the same
// value.
std::string to_plain(const Key& key);

// A key in wire form, {"id":{"S":"abc"}}, or plain, {"id":"abc"}, where the schema says how a value
// is meant: S a string; N a bare number or a string of digits; B base64 (or a Buffer as Node prints
// it). The error is one sentence that names what is wrong and what is expected.
Result<KeyRef, std::string> parse_plain_or_wire_key(std::string_view text, const KeySchema& schema);

}  // namespace dynamodb_replicator::item

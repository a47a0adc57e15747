// Text forms of bytes: hex, base64, JSON string escapes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dynamodb_replicator::base {

std::string to_hex(std::string_view bytes);     // lower case
std::string to_base64(std::string_view bytes);  // RFC 4648 with padding
// nullopt if it is not strict RFC 4648 base64 with padding (bits that are thrown away must be
// zero).
std::optional<std::string> from_base64(std::string_view text);

// The text as a JSON string literal, quotes included. REQUIRES: valid UTF-8 (else bytes pass
// through as they are).
std::string to_json_string(std::string_view text);
void append_json_string(std::string& out, std::string_view text);

bool is_utf8(std::string_view text);

std::string to_lower(std::string_view text);  // of ASCII letters; other bytes stay
// Names of headers and such: ASCII letters are equal in either case.
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace dynamodb_replicator::base

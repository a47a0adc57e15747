// DynamoDB numbers as text: up to 38 significant digits, magnitude 1E-130 to 9.99E+125, or 0. Never
// a double.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dynamodb_replicator::item {

// The one spelling of a number's value: "0", or sign, digits without leading or trailing zeros,
// 'e', exponent of the first digit (12.30 -> "123e1", -0.05 -> "-5e-2"). nullopt if the service
// would not accept the text.
std::optional<std::string> canonical_number(std::string_view text);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace dynamodb_replicator::item

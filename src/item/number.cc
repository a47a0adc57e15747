#include "item/number.h"

#include <cstdint>

namespace dynamodb_replicator::item {
namespace {

constexpr std::size_t kDigitsMax = 38;
constexpr std::int64_t kExponentMin = -130;
constexpr std::int64_t kExponentMax = 125;
constexpr std::int64_t kExponentCap =
    1'000'000'000'000;  // far outside; keeps the sums below from overflowing

// The text behind 'e', to its end.
std::optional<std::int64_t> read_exponent(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    if (value < kExponentCap) value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

}  // namespace

std::optional<std::string> canonical_number(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  std::string digits;  // without leading zeros
  std::int64_t before_point =
      0;  // how many of the digits stand before the point; negative: zeros behind it
  bool any = false;
  bool point = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (point) return std::nullopt;
      point = true;
    } else if (is_digit(c)) {
      any = true;
      if (c == '0' && digits.empty()) {
        if (point) --before_point;
        continue;
      }
      digits.push_back(c);
      if (!point) ++before_point;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  std::int64_t exponent = before_point - 1;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    const auto given = read_exponent(text.substr(i + 1));
    if (!given) return std::nullopt;
    exponent += *given;
  }
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  if (digits.empty()) return "0";
  if (digits.size() > kDigitsMax || exponent < kExponentMin || exponent > kExponentMax)
    return std::nullopt;
  return (negative ? "-" : "") + digits + "e" + std::to_string(exponent);
}

}  // namespace dynamodb_replicator::item

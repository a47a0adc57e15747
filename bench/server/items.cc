#include "items.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace bench {

namespace {

constexpr size_t kFixedBytes =
    kItemBytesMin - 1;  // what append_item writes, without the text's characters
constexpr size_t kIdDigits = 12;
constexpr std::string_view kIdBegin = "item-";
constexpr size_t kAttributes = 8;
constexpr size_t kListOverheadBytes = 3;

void append_text(uint64_t seed, size_t length, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (uint64_t word = 0, count = 0; count < length; ++count) {
    if (count % 16 == 0) word = mixed(seed, count);
    out += kDigits[word & 15];
    word >>= 4;
  }
}

// Nine significant digits, the last of them no zero: always six bytes.
void append_number(uint64_t seed, std::string& out) {
  char text[16];
  const uint64_t value = 100'000'001 + seed % 89'999'999 * 10;
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_attribute(const Making& making, uint64_t number, bool changed, size_t which,
                      std::string& out) {
  const uint64_t seed = mixed(making.seed, number);
  const bool turned = making.shuffled && (mixed(seed, 77) & 1) != 0;
  switch (which) {
    case 0:
      out += R"("id":{"S":")" + id_of(number) + R"("})";
      break;
    case 1:
      out += R"("count":{"N":")";
      append_number(mixed(seed, 1), out);
      out += R"("})";
      break;
    case 2:
      out += (seed & 1) != 0 ? R"("ok":{"BOOL":true})" : R"("ok":{"BOOL":false})";
      break;
    case 3:
      out +=
          turned ? R"("tags":{"SS":["yellow","purple"]})" : R"("tags":{"SS":["purple","yellow"]})";
      break;
    case 4:
      out += turned ? R"("place":{"M":{"lon":{"N":")" : R"("place":{"M":{"lat":{"N":")";
      append_number(mixed(seed, turned ? 3 : 2), out);
      out += turned ? R"("},"lat":{"N":")" : R"("},"lon":{"N":")";
      append_number(mixed(seed, turned ? 2 : 3), out);
      out += R"("}}})";
      break;
    case 5:
      out += R"("list":{"L":[{"S":"abcd"},{"BOOL":true}]})";
      break;
    case 6:
      out += R"("none":{"NULL":true})";
      break;
    default:
      out += R"("text":{"S":")";
      append_text(mixed(seed, changed ? 5 : 4), making.bytes - kFixedBytes, out);
      out += R"("})";
  }
}

size_t number_bytes(std::string_view text) {
  const bool negative = text.starts_with('-');
  const size_t exponent = text.find_first_of("eE");
  std::string digits;
  for (const char c : text.substr(0, exponent)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return 1;
  const size_t count = digits.find_last_not_of('0') - first + 1;
  return (count + 1) / 2 + 1 + (negative ? 1 : 0);
}

size_t base64_bytes(std::string_view text) {
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  return text.size() / 4 * 3 - padding;
}

size_t value_bytes(simdjson::dom::element value) {
  const simdjson::dom::object wrapped = value.get_object();
  const simdjson::dom::key_value_pair pair = *wrapped.begin();
  const auto text_bytes = [kind = pair.key.back()](std::string_view text) {
    return kind == 'N' ? number_bytes(text) : kind == 'B' ? base64_bytes(text) : text.size();
  };
  if (pair.key == "NULL" || pair.key == "BOOL") return 1;
  if (pair.key == "M") {
    const simdjson::dom::object entries = pair.value.get_object();
    return kListOverheadBytes + item_bytes(entries) + entries.size();
  }
  if (pair.key == "L") {
    size_t sum = kListOverheadBytes;
    for (const auto element : pair.value.get_array()) sum += 1 + value_bytes(element);
    return sum;
  }
  if (pair.key.size() == 1) return text_bytes(pair.value.get_string());
  size_t sum = 0;
  for (const auto element : pair.value.get_array()) {
    const std::string_view text = element.get_string();
    sum += pair.key == "SS"   ? text.size()
           : pair.key == "NS" ? number_bytes(text)
                              : base64_bytes(text);
  }
  return sum;
}

}  // namespace

uint64_t mixed(uint64_t seed, uint64_t number) {
  uint64_t word = seed + 0x9e3779b97f4a7c15 * (number + 1);
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

std::string id_of(uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kIdBegin) + std::string(kIdDigits - std::min(kIdDigits, digits.size()), '0') +
         digits;
}

std::optional<uint64_t> number_of(std::string_view id) {
  if (!id.starts_with(kIdBegin) || id.size() != kIdBegin.size() + kIdDigits) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(id.data() + kIdBegin.size(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  return number;
}

void append_item(const Making& making, uint64_t number, bool changed, std::string& out) {
  std::array<size_t, kAttributes> order = {0, 1, 2, 3, 4, 5, 6, 7};
  if (making.shuffled) {
    uint64_t dice = mixed(making.seed ^ 0x5ca1ab1e, number);
    for (size_t last = kAttributes - 1; last > 0; --last, dice /= kAttributes)
      std::swap(order[last], order[dice % (last + 1)]);
  }
  out += '{';
  for (size_t place = 0; place < kAttributes; ++place) {
    if (place > 0) out += ',';
    append_attribute(making, number, changed, order[place], out);
  }
  out += '}';
}

size_t item_bytes(simdjson::dom::object item) {
  size_t sum = 0;
  for (const auto [name, value] : item) sum += name.size() + value_bytes(value);
  return sum;
}

}  // namespace bench

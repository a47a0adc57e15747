#include "sim/value.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace dynamodb_replicator::sim {

std::optional<Json> member(Json object, std::string_view name) {
  Json found;
  if (object[name].get(found) != simdjson::SUCCESS || found.is_null()) return std::nullopt;
  return found;
}

std::optional<std::string_view> text(Json object, std::string_view name) {
  std::string_view found;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::optional<std::string_view> scalar(Json item, std::string_view name, std::string_view type) {
  const auto value = member(item, name);
  return value ? text(*value, type) : std::nullopt;
}

std::optional<std::int64_t> integer(Json object, std::string_view name) {
  std::int64_t found = 0;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

bool flag(Json object, std::string_view name) {
  bool found = false;
  return object[name].get(found) == simdjson::SUCCESS && found;
}

namespace {

struct Decimal {
  std::string digits;  // without leading or trailing zeros; empty: zero
  long point = 0;      // value = 0.DIGITS * 10^point
  bool negative = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Optional sign and at most five digits.
std::optional<long> parse_exponent(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit))
    return std::nullopt;
  const long value = std::stol(std::string(text));
  return negative ? -value : value;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal out;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  long exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    const auto parsed = parse_exponent(text.substr(e + 1));
    if (!parsed) return std::nullopt;
    exponent = *parsed;
    text = text.substr(0, e);
  }
  const auto dot = text.find('.');
  const std::string whole(text.substr(0, dot));
  const std::string fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  out.digits = whole + fraction;
  if (out.digits.empty() || !std::all_of(out.digits.begin(), out.digits.end(), is_digit))
    return std::nullopt;
  out.point = static_cast<long>(whole.size()) + exponent;
  const auto first = out.digits.find_first_not_of('0');
  if (first == std::string::npos) return Decimal{};
  out.digits.erase(0, first);
  out.point -= static_cast<long>(first);
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  return out;
}

}  // namespace

std::optional<std::string> normal_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 38;
  const bool plain = !text.empty() && text.size() <= kDigitsMax && text[0] != '0' &&
                     std::all_of(text.begin(), text.end(), is_digit);
  if (plain) return std::string(text);
  const auto decimal = parse_decimal(text);
  if (!decimal) return std::nullopt;
  const std::string& digits = decimal->digits;
  if (digits.empty()) return "0";
  if (digits.size() > kDigitsMax || decimal->point > 126 || decimal->point < -129)
    return std::nullopt;
  std::string out = decimal->negative ? "-" : "";
  const auto size = static_cast<long>(digits.size());
  if (decimal->point <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-decimal->point), '0') + digits;
  } else if (decimal->point >= size) {
    out += digits + std::string(static_cast<std::size_t>(decimal->point - size), '0');
  } else {
    out += digits.substr(0, static_cast<std::size_t>(decimal->point)) + "." +
           digits.substr(static_cast<std::size_t>(decimal->point));
  }
  return out;
}

namespace {

using Value = Result<std::string, ServiceError>;

std::string wrap(std::string_view type, const std::string& json) {
  return "{\"" + std::string(type) + "\":" + json + "}";
}

Value scalar(std::string_view type, Json json) {
  std::string_view given;
  if (json.get(given) != simdjson::SUCCESS) {
    return ServiceError{"SerializationException", "expected a string in an attribute value"};
  }
  if (type == "N") {
    const auto number = normal_number(given);
    if (!number) return validation("The parameter cannot be converted to a numeric value");
    return "\"" + *number + "\"";
  }
  if (type == "B" && !base::from_base64(given)) {
    return ServiceError{"SerializationException", "not base64"};
  }
  return base::to_json_string(given);
}

Value set_of(std::string_view element_type, Json json) {
  simdjson::dom::array array;
  if (json.get(array) != simdjson::SUCCESS)
    return ServiceError{"SerializationException", "expected an array"};
  std::vector<std::string> elements;
  for (const Json element : array) {
    Value one = scalar(element_type, element);
    if (!one) return one;
    elements.push_back(*one);
  }
  if (elements.empty()) return validation("An set may not be empty");
  std::sort(elements.begin(), elements.end());
  if (std::adjacent_find(elements.begin(), elements.end()) != elements.end()) {
    return validation("Input collection contains duplicates");
  }
  std::string out = "[";
  for (const std::string& element : elements) out += (out.size() > 1 ? "," : "") + element;
  return out + "]";
}

Value list(Json json) {
  simdjson::dom::array array;
  if (json.get(array) != simdjson::SUCCESS)
    return ServiceError{"SerializationException", "expected an array"};
  std::string out = "[";
  for (const Json element : array) {
    Value one = normal_value(element);
    if (!one) return one;
    out += (out.size() > 1 ? "," : "") + *one;
  }
  return out + "]";
}

Value constant(std::string_view type, Json json) {
  bool value = false;
  if (json.get(value) != simdjson::SUCCESS)
    return ServiceError{"SerializationException", "expected a boolean"};
  if (type == "NULL" && !value)
    return validation("Null attribute value types must have the value of true");
  return std::string(value ? "true" : "false");
}

}  // namespace

Value normal_value(Json value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS || object.size() != 1) {
    return validation(
        "Supplied AttributeValue must contain exactly one of the supported datatypes");
  }
  const auto only = *object.begin();
  const std::string_view type = only.key;
  Value inner = validation("Supplied AttributeValue is empty");
  if (type == "S" || type == "N" || type == "B") inner = scalar(type, only.value);
  if (type == "SS" || type == "NS" || type == "BS") inner = set_of(type.substr(0, 1), only.value);
  if (type == "BOOL" || type == "NULL") inner = constant(type, only.value);
  if (type == "L") inner = list(only.value);
  if (type == "M") {
    auto members = parse_item(only.value);
    if (!members) return members.error();
    inner = item_json(*members);
  }
  if (!inner) return inner;
  return wrap(type, *inner);
}

Result<Item, ServiceError> parse_item(Json json) {
  simdjson::dom::object object;
  if (json.get(object) != simdjson::SUCCESS)
    return ServiceError{"SerializationException", "expected an object"};
  Item item;
  for (const auto field : object) {
    Value value = normal_value(field.value);
    if (!value) return value.error();
    item[std::string(field.key)] = *value;
  }
  return item;
}

std::string item_json(const Item& item) {
  std::string out = "{";
  for (const auto& [name, value] : item) {
    if (out.size() > 1) out += ',';
    base::append_json_string(out, name);
    out += ':';
    out += value;
  }
  return out + "}";
}

std::string item_json(const Item& item, base::Prng& order) {
  std::vector<const Item::value_type*> attributes;
  for (const auto& attribute : item) attributes.push_back(&attribute);
  for (std::size_t i = attributes.size(); i > 1; --i)
    std::swap(attributes[i - 1], attributes[order.below(i)]);
  std::string out = "{";
  for (const auto* attribute : attributes) {
    if (out.size() > 1) out += ',';
    base::append_json_string(out, attribute->first);
    out += ':';
    out += attribute->second;
  }
  return out + "}";
}

namespace {

constexpr std::size_t kItemSizeMax = 400 * 1024;
constexpr std::size_t kTransactionSizeMax = 4 * 1024 * 1024;
constexpr std::size_t kContainer = 3;  // a list or a map, and one byte for each element

std::size_t scalar_size(std::string_view type, std::string_view given) {
  if (type == "B") return base::from_base64(given).value_or("").size();
  if (type != "N") return given.size();
  const auto digits = static_cast<std::size_t>(std::count_if(given.begin(), given.end(), is_digit));
  return (digits + 1) / 2 + 1;
}

std::size_t value_size(Json value) {
  const auto only = *simdjson::dom::object(value).begin();
  const std::string_view type = only.key;
  std::string_view given;
  if (only.value.get(given) == simdjson::SUCCESS) return scalar_size(type, given);
  std::size_t size = type == "L" || type == "M" ? kContainer : 0;
  simdjson::dom::array array;
  simdjson::dom::object object;
  if (only.value.get(array) == simdjson::SUCCESS) {
    for (const Json element : array) {
      size += type == "L" ? 1 + value_size(element)
                          : scalar_size(type.substr(0, 1), std::string_view(element));
    }
    return size;
  }
  if (only.value.get(object) != simdjson::SUCCESS) return 1;  // BOOL, NULL
  for (const auto field : object) size += 1 + field.key.size() + value_size(field.value);
  return size;
}

// A value's JSON is never shorter than its size, and most items are far from any limit.
std::size_t size_at_most(const Item& item) {
  std::size_t size = 0;
  for (const auto& [name, value] : item) size += name.size() + value.size();
  return size;
}

std::size_t size_of(const Item& item) {
  std::size_t size = 0;
  simdjson::dom::parser parser;
  for (const auto& [name, value] : item) {
    Json json;
    INVARIANT(parser.parse(value).get(json) == simdjson::SUCCESS, "a normal value is JSON");
    size += name.size() + value_size(json);
  }
  return size;
}

}  // namespace

bool is_too_large(const Item& item) {
  return size_at_most(item) > kItemSizeMax && size_of(item) > kItemSizeMax;
}

bool are_too_large(const std::vector<const Item*>& items) {
  std::size_t at_most = 0;
  for (const Item* item : items) at_most += size_at_most(*item);
  if (at_most <= kTransactionSizeMax) return false;
  std::size_t size = 0;
  for (const Item* item : items) size += size_of(*item);
  return size > kTransactionSizeMax;
}

std::string_view type_of(std::string_view normal) {
  return normal.substr(2, normal.find('"', 2) - 2);
}

std::string_view scalar_text(std::string_view normal) {
  const auto start = normal.find(':') + 2;
  return normal.substr(start, normal.size() - 2 - start);
}

}  // namespace dynamodb_replicator::sim

#include "item/plain.h"

#include "base/bytes.h"
#include "base/invariant.h"
#include "item/json.h"
#include "item/number.h"

namespace dynamodb_replicator::item {
namespace {

using simdjson::ondemand::json_type;

// Takes the digits at the front of `text`; how many they were.
std::size_t take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count;
}

// RFC 8259: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = take_digits(text);
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (take_digits(text) == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (take_digits(text) == 0) return false;
  }
  return text.empty();
}

// REQUIRES: a number that the service accepts.
std::string plain_number(std::string_view text) {
  if (is_json_number(text)) return std::string(text);
  std::string canonical = canonical_number(text).value_or("0");  // sign, digits, 'e', exponent
  const std::size_t first = canonical.starts_with('-') ? 1 : 0;
  const std::size_t exponent = canonical.find('e');
  if (exponent != std::string::npos && exponent > first + 1) canonical.insert(first + 1, ".");
  return canonical;
}

// {"N":"1"} -> 1, {"S":"a"} -> "a", {"B":"AQ=="} -> "AQ==".
bool append_plain_value(std::string& out, json::Value typed) {
  return json::each_field(typed, [&](std::string_view type, json::Value value) {
    std::string_view text;
    if (!json::read(value, text)) return false;
    if (type == "N") {
      out += plain_number(text);
    } else {
      base::append_json_string(out, text);
    }
    return true;
  });
}

std::string expected(const KeySchema& schema) {
  const auto plain = [](const KeyAttribute& attribute) {
    std::string out = base::to_json_string(attribute.name) + ':';
    if (attribute.type == KeyType::string) return out + R"("text")";
    return out + (attribute.type == KeyType::number ? "123" : R"("base64")");
  };
  const auto wire = [](const KeyAttribute& attribute) {
    std::string out = base::to_json_string(attribute.name) + ':';
    if (attribute.type == KeyType::string) return out + R"({"S":"text"})";
    return out + (attribute.type == KeyType::number ? R"({"N":"123"})" : R"({"B":"base64"})");
  };
  std::string out = "expected {" + plain(schema.hash);
  if (schema.range) out += ',' + plain(*schema.range);
  out += "} or {" + wire(schema.hash);
  if (schema.range) out += ',' + wire(*schema.range);
  return out + '}';
}

// Is this the text of {"type":"Buffer","data":[..]}, and not of {"B":..}?
bool is_buffer(const std::string& raw) {
  bool buffer = false;
  json::Text text(raw);
  const bool whole = text.each_field([&](std::string_view name, json::Value) {
    if (name == "data") buffer = true;
    return true;
  });
  return whole && buffer;
}

// One attribute of a key as typed, put into wire form; its own type letter decides nothing yet.
struct Typed {
  std::string wire;
  const char* problem = nullptr;  // the end of a sentence that begins with the attribute
};

Typed to_wire(json::Value value, KeyType type) {
  json_type found{};
  std::string raw;
  if (value.type().get(found) || !json::read_raw(value, raw)) return {{}, "cannot be read as JSON"};
  const bool text = found == json_type::string;
  const bool object = found == json_type::object;
  switch (type) {
    case KeyType::string:
      if (object) return {raw};
      return text ? Typed{R"({"S":)" + raw + '}'} : Typed{{}, "is not a string"};
    case KeyType::number:
      if (object) return {raw};
      if (text) return {R"({"N":)" + raw + '}'};
      if (found == json_type::number) return {R"({"N":")" + raw + R"("})"};
      return {{}, "is not a number"};
    case KeyType::binary:
      if (object && !is_buffer(raw)) return {raw};
      if (text || object || found == json_type::array) return {R"({"B":)" + raw + '}'};
      return {{}, "is not base64"};
  }
  return {{}, "has no type"};
}

const KeyAttribute* attribute_named(const KeySchema& schema, std::string_view name) {
  if (name == schema.hash.name) return &schema.hash;
  if (schema.range && name == schema.range->name) return &*schema.range;
  return nullptr;
}

}  // namespace

std::string to_plain(const Key& key) {
  std::string out = "{";
  json::Text text(key.wire());
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (out.size() > 1) out += ',';
    base::append_json_string(out, name);
    out += ':';
    return append_plain_value(out, value);
  });
  INVARIANT(whole, "a key's own wire form cannot be read");
  return out + '}';
}

Result<KeyRef, std::string> parse_plain_or_wire_key(std::string_view text,
                                                    const KeySchema& schema) {
  std::string problem;
  std::string wire = "{";
  json::Text reader{std::string(text)};
  const bool whole = reader.each_field([&](std::string_view name, json::Value value) {
    const std::string subject = "key attribute " + base::to_json_string(name);
    const KeyAttribute* attribute = attribute_named(schema, name);
    if (attribute == nullptr) {
      problem = subject + " is not in the key schema";
      return false;
    }
    const Typed typed = to_wire(value, attribute->type);
    if (typed.problem != nullptr) {
      problem = subject + ' ' + typed.problem;
      return false;
    }
    if (wire.size() > 1) wire += ',';
    wire += base::to_json_string(attribute->name) + ':' + typed.wire;
    return true;
  });
  if (problem.empty() && !whole) problem = "the key is not one JSON object";
  if (problem.empty()) {
    auto key = parse_key(wire + '}', schema);
    if (key) return key;
    problem = std::move(key).error();
  }
  return problem + "; " + expected(schema);
}

}  // namespace dynamodb_replicator::item

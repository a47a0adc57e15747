#include "item/key.h"

#include <array>

#include "base/bytes.h"
#include "base/planted.h"
#include "item/key_reader.h"
#include "item/number.h"

namespace dynamodb_replicator::item {
namespace {

char letter(KeyType type) {
  switch (type) {
    case KeyType::string:
      return 'S';
    case KeyType::number:
      return 'N';
    case KeyType::binary:
      return 'B';
  }
  return '?';
}

// One key attribute as found.
struct Part {
  bool found = false;
  std::string canonical;  // the value, comparable by bytes
  std::string wire;       // the value's JSON literal
};

bool read_octets(json::Value value, std::string& out) {
  return json::each_element(value, [&](json::Value element) {
    std::int64_t octet = 0;
    if (!json::read(element, octet) || octet < 0 || octet > 255) return false;
    out.push_back(static_cast<char>(static_cast<unsigned char>(octet)));
    return true;
  });
}

// base64, as services spell it; [1,2,3], as Node 0.10 printed a Buffer;
// {"type":"Buffer","data":[...]}, as later ones do.
bool read_binary(json::Value value, std::string& out) {
  simdjson::ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type == simdjson::ondemand::json_type::string) {
    std::string_view text;
    if (!json::read(value, text)) return false;
    auto bytes = base::from_base64(text);
    if (bytes) out = std::move(*bytes);
    return bytes.has_value();
  }
  if (type == simdjson::ondemand::json_type::array) return read_octets(value, out);
  bool buffer = false;
  bool data = false;
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    std::string_view text;
    if (name == "type") return buffer = json::read(member, text) && text == "Buffer";
    if (name == "data" && !data) return data = read_octets(member, out);
    return false;
  });
  return whole && buffer && data;
}

// The value behind the type letter. The error is the end of a sentence.
Result<void, std::string> read_typed(json::Value value, KeyType type, Part& part) {
  if (type == KeyType::binary) {
    if (!read_binary(value, part.canonical))
      return std::string("is not binary in any known spelling");
    if (part.canonical.empty()) return std::string("is empty");
    part.wire = '"' + base::to_base64(part.canonical) + '"';
    return {};
  }
  std::string_view text;
  if (!json::read(value, text)) return std::string("is not a JSON string");
  if (text.empty()) return std::string("is empty");
  if (type == KeyType::string) {
    part.canonical.assign(text);
    part.wire = base::to_json_string(text);
    return {};
  }
  auto number = canonical_number(text);
  if (!number) return std::string("is not a number that DynamoDB accepts");
  part.canonical = base::planted(base::Bug::keys_by_text) ? std::string(text) : std::move(*number);
  part.wire = '"' + std::string(text) + '"';
  return {};
}

Result<void, std::string> read_part(json::Value value, const KeyAttribute& attribute, Part& part) {
  const std::string subject = "key attribute \"" + attribute.name + "\" ";
  if (part.found) return subject + "appears twice";
  part.found = true;
  std::string problem;
  int types = 0;
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (++types > 1) {
      problem = "has more than one type";
    } else if (name.size() != 1 || name.front() != letter(attribute.type)) {
      problem = std::string("is not of type ") + letter(attribute.type);
    } else if (auto typed = read_typed(member, attribute.type, part); !typed) {
      problem = std::move(typed).error();
    }
    return problem.empty();
  });
  if (!problem.empty()) return subject + problem;
  if (!whole || types == 0) return subject + "is not an attribute value";
  return {};
}

void append_canonical(std::string& out, KeyType type, const Part& part) {
  out += letter(type);
  out += std::to_string(part.canonical.size());
  out += ':';
  out += part.canonical;
}

void append_wire(std::string& out, const KeyAttribute& attribute, const Part& part) {
  base::append_json_string(out, attribute.name);
  out += ":{\"";
  out += letter(attribute.type);
  out += "\":";
  out += part.wire;
  out += '}';
}

Result<KeyRef, std::string> read_whole(std::string_view json, const KeySchema& schema,
                                       Others others) {
  json::Text text{std::string(json)};
  std::optional<Result<KeyRef, std::string>> key;
  const bool whole = text.with_object([&](json::Object object) {
    key = read_key(object, schema, others);
    return key->ok();
  });
  if (key && !key->ok()) return *std::move(key);
  if (!whole) return std::string("not a JSON object");
  return *std::move(key);
}

}  // namespace

std::string to_text(const KeySchema& schema) {
  std::string text = schema.hash.name + " (" + letter(schema.hash.type) + ")";
  if (schema.range) text += ", " + schema.range->name + " (" + letter(schema.range->type) + ")";
  return text;
}

Result<KeyRef, std::string> read_key(json::Object object, const KeySchema& schema, Others others) {
  Part hash;
  Part range;
  std::string problem;
  const bool whole = json::each_field(object, [&](std::string_view name, json::Value value) {
    Result<void, std::string> part;
    if (name == schema.hash.name) {
      part = read_part(value, schema.hash, hash);
    } else if (schema.range && name == schema.range->name) {
      part = read_part(value, *schema.range, range);
    } else if (others == Others::refused) {
      part = std::string("has an attribute that is not in the key schema");
    }
    if (!part) problem = std::move(part).error();
    return problem.empty();
  });
  if (!problem.empty()) return problem;
  if (!whole) return std::string("not a JSON object");
  if (!hash.found) return "key attribute \"" + schema.hash.name + "\" is missing";
  if (schema.range && !range.found)
    return "key attribute \"" + schema.range->name + "\" is missing";

  std::string canonical;
  std::string wire = "{";
  append_canonical(canonical, schema.hash.type, hash);
  append_wire(wire, schema.hash, hash);
  if (schema.range) {
    append_canonical(canonical, schema.range->type, range);
    wire += ',';
    append_wire(wire, *schema.range, range);
  }
  wire += '}';
  return std::make_shared<const Key>(std::move(canonical), std::move(wire));
}

Result<KeyRef, std::string> parse_key(std::string_view json, const KeySchema& schema) {
  return read_whole(json, schema, Others::refused);
}

Result<KeyRef, std::string> key_of_item(std::string_view json, const KeySchema& schema) {
  return read_whole(json, schema, Others::ignored);
}

}  // namespace dynamodb_replicator::item

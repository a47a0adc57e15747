#include "item/canonical.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "item/json.h"
#include "item/number.h"

namespace dynamodb_replicator::item {
namespace {

// The service allows 32 levels; more than twice that is no item, and recursion must end somewhere.
constexpr int kDepthMax = 80;
constexpr std::string_view kGlobalTablePrefix = "aws:rep:";

using Problem = std::optional<std::string>;  // a sentence, or all is well

void append_sized(std::string& out, char tag, std::string_view bytes) {
  out += tag;
  out += std::to_string(bytes.size());
  out += ':';
  out += bytes;
}

void append_list(std::string& out, char tag, const std::vector<std::string>& parts) {
  out += tag;
  out += std::to_string(parts.size());
  out += ':';
  for (const auto& part : parts) out += part;
}

Problem append_scalar(std::string& out, char tag, json::Value value) {
  std::string_view text;
  if (!json::read(value, text)) return "a scalar is not a JSON string";
  if (tag == 'S') return append_sized(out, tag, text), std::nullopt;
  if (tag == 'N') {
    const auto number = canonical_number(text);
    if (!number) return "a number is not one that DynamoDB accepts";
    return append_sized(out, tag, *number), std::nullopt;
  }
  const auto bytes = base::from_base64(text);
  if (!bytes) return "a binary value is not base64";
  return append_sized(out, tag, *bytes), std::nullopt;
}

Problem append_set(std::string& out, char element, json::Value value) {
  std::vector<std::string> parts;
  Problem problem;
  const bool whole = json::each_element(value, [&](json::Value member) {
    problem = append_scalar(parts.emplace_back(), element, member);
    return !problem;
  });
  if (problem) return problem;
  if (!whole) return "a set is not a JSON array";
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  append_list(out, static_cast<char>(element + ('a' - 'A')), parts);
  return std::nullopt;
}

Problem append_value(std::string& out, json::Value value, int depth);

Problem append_elements(std::string& out, json::Value value, int depth) {
  std::vector<std::string> parts;
  Problem problem;
  const bool whole = json::each_element(value, [&](json::Value member) {
    problem = append_value(parts.emplace_back(), member, depth);
    return !problem;
  });
  if (problem) return problem;
  if (!whole) return "a list is not a JSON array";
  append_list(out, 'L', parts);
  return std::nullopt;
}

// An item's fields, or those of a map inside of it, sorted by name.
template <class JsonObject>
Problem read_fields(CanonicalFields& fields, JsonObject object, int depth, bool top) {
  Problem problem;
  const bool whole = json::each_field(object, [&](std::string_view name, json::Value member) {
    if (top && name.starts_with(kGlobalTablePrefix)) return true;
    fields.emplace_back(name, std::string());
    problem = append_value(fields.back().second, member, depth);
    return !problem;
  });
  if (problem) return problem;
  if (!whole) return "a map is not a JSON object";
  std::sort(fields.begin(), fields.end());
  for (std::size_t i = 1; i < fields.size(); ++i) {
    if (fields[i - 1].first == fields[i].first) return "an attribute name appears twice";
  }
  return std::nullopt;
}

void append_fields(std::string& out, const CanonicalFields& fields) {
  out += 'M';
  out += std::to_string(fields.size());
  out += ':';
  for (const auto& [name, value] : fields) {
    append_sized(out, 'K', name);
    out += value;
  }
}

Problem append_map(std::string& out, json::Value value, int depth) {
  CanonicalFields fields;
  if (auto problem = read_fields(fields, value, depth, false)) return problem;
  append_fields(out, fields);
  return std::nullopt;
}

Problem append_constant(std::string& out, std::string_view type, json::Value value) {
  bool flag = false;
  if (!json::read(value, flag)) return "a BOOL or NULL is not true or false";
  if (type == "NULL") {
    if (!flag) return "a NULL is not true";
    out += 'Z';
  } else {
    out += flag ? 'T' : 'F';
  }
  return std::nullopt;
}

Problem append_typed(std::string& out, std::string_view type, json::Value value, int depth) {
  if (type == "S" || type == "N" || type == "B") return append_scalar(out, type.front(), value);
  if (type == "SS" || type == "NS" || type == "BS") return append_set(out, type.front(), value);
  if (type == "BOOL" || type == "NULL") return append_constant(out, type, value);
  if (type == "L") return append_elements(out, value, depth + 1);
  if (type == "M") return append_map(out, value, depth + 1);
  return "an attribute has an unknown type";
}

Problem append_value(std::string& out, json::Value value, int depth) {
  if (depth > kDepthMax) return "it is nested too deeply";
  int types = 0;
  Problem problem;
  const bool whole = json::each_field(value, [&](std::string_view type, json::Value member) {
    problem = ++types > 1 ? Problem("an attribute has more than one type")
                          : append_typed(out, type, member, depth);
    return !problem;
  });
  if (problem) return problem;
  if (!whole || types == 0) return "an attribute has no type";
  return std::nullopt;
}

}  // namespace

Result<CanonicalFields, Malformed> canonical_fields(std::string_view json) {
  json::Text text{std::string(json)};
  CanonicalFields fields;
  Problem problem;
  const bool whole = text.with_object([&](json::Object object) {
    problem = read_fields(fields, object, 1, true);
    return !problem;
  });
  if (problem) return Malformed{*std::move(problem)};
  if (!whole) return Malformed{"it is not a JSON object"};
  return fields;
}

Result<std::string, Malformed> canonical_item(std::string_view json) {
  const auto fields = canonical_fields(json);
  if (!fields) return fields.error();
  std::string out;
  out.reserve(json.size());
  append_fields(out, *fields);
  return out;
}

bool same_item(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = canonical_item(a);
  if (!left) return false;
  const auto right = canonical_item(b);
  return right.ok() && *left == *right;
}

Result<std::string, Malformed> writable_item(std::string_view json) {
  if (json.find(kGlobalTablePrefix) == std::string_view::npos) return std::string(json);
  json::Text text{std::string(json)};
  std::string out = "{";
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name.starts_with(kGlobalTablePrefix)) return true;
    std::string raw;
    if (!json::read_raw(value, raw)) return false;
    if (out.size() > 1) out += ',';
    base::append_json_string(out, name);
    out += ':';
    out += raw;
    return true;
  });
  if (!whole) return Malformed{"it is not a JSON object"};
  out += '}';
  return out;
}

}  // namespace dynamodb_replicator::item

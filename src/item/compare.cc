#include "item/compare.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/bytes.h"
#include "item/json.h"
#include "item/number.h"

namespace dynamodb_replicator::item {
namespace {

bool is_key_attribute(const KeySchema& schema, std::string_view name) {
  return name == schema.hash.name || (schema.range && name == schema.range->name);
}

void append_field(std::string& out, std::string_view name, std::string_view raw) {
  if (out.size() > 1) out += ',';
  base::append_json_string(out, name);
  out += ':';
  out += raw;
}

Result<CanonicalFields, Malformed> fields_that_count(std::string_view item,
                                                     const Ignored& ignored) {
  auto fields = canonical_fields(item);
  if (fields && !ignored.empty()) {
    std::erase_if(*fields, [&](const auto& field) { return ignored.holds(field.first); });
  }
  return fields;
}

// The whole seconds of a canonical number ("123e1" is 12.3); nullopt if it is negative or has more
// than 18 digits.
std::optional<std::int64_t> whole_seconds(std::string_view canonical) {
  if (canonical.starts_with('-')) return std::nullopt;
  const std::size_t mark = canonical.find('e');
  if (mark == std::string_view::npos) return 0;  // "0"
  const int exponent = std::atoi(std::string(canonical.substr(mark + 1)).c_str());
  if (exponent < 0) return 0;
  if (exponent >= 18) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(exponent); ++i)
    value = value * 10 + (i < mark ? canonical[i] - '0' : 0);
  return value;
}

// The text of the number in this attribute, if there is one.
std::optional<std::string> number_of(std::string_view item, std::string_view attribute) {
  std::optional<std::string> number;
  json::Text text{std::string(item)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name != attribute) return true;
    return json::each_field(value, [&](std::string_view type, json::Value member) {
      std::string found;
      if (type == "N" && json::read(member, found)) number = std::move(found);
      return true;
    });
  });
  return whole ? number : std::nullopt;
}

}  // namespace

bool Ignored::holds(std::string_view name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

Result<base::Digest128, Malformed> content_digest(std::string_view item, const Ignored& ignored) {
  const auto fields = fields_that_count(item, ignored);
  if (!fields) return fields.error();
  std::string content;
  content.reserve(item.size());
  for (const auto& [name, value] : *fields) {
    content += std::to_string(name.size());
    content += ':';
    content += name;
    content += value;
  }
  return base::digest128(content);
}

bool same_item(std::string_view a, std::string_view b, const Ignored& ignored) {
  if (a == b) return true;
  if (a.empty() || b.empty()) return false;
  const auto left = fields_that_count(a, ignored);
  if (!left) return false;
  const auto right = fields_that_count(b, ignored);
  return right.ok() && *left == *right;
}

Result<std::vector<FieldDifference>, Malformed> field_differences(std::string_view left,
                                                                  std::string_view right,
                                                                  const Ignored& ignored) {
  const auto a = fields_that_count(left, ignored);
  if (!a) return a.error();
  const auto b = fields_that_count(right, ignored);
  if (!b) return b.error();
  using Kind = FieldDifference::Kind;
  std::vector<FieldDifference> found;
  auto i = a->begin();
  auto j = b->begin();
  while (i != a->end() || j != b->end()) {
    if (j == b->end() || (i != a->end() && i->first < j->first)) {
      found.push_back({(i++)->first, Kind::only_left});
    } else if (i == a->end() || j->first < i->first) {
      found.push_back({(j++)->first, Kind::only_right});
    } else {
      if (i->second != j->second) found.push_back({i->first, Kind::different});
      ++i;
      ++j;
    }
  }
  return found;
}

Result<std::string, Malformed> with_kept(std::string_view wanted, std::string_view kept,
                                         const Ignored& ignored, const KeySchema& schema) {
  if (ignored.empty()) return std::string(wanted);
  std::string out = "{";
  const auto copy = [&](std::string_view item, bool theirs) {
    json::Text text{std::string(item)};
    return text.each_field([&](std::string_view name, json::Value value) {
      const bool keep = ignored.holds(name) && !is_key_attribute(schema, name);
      std::string raw;
      if (!json::read_raw(value, raw)) return false;
      if (keep == theirs) append_field(out, name, raw);
      return true;
    });
  };
  if (!copy(wanted, false) || (!kept.empty() && !copy(kept, true)))
    return Malformed{"it is not a JSON object"};
  return out + '}';
}

bool is_expired(std::string_view item, std::string_view attribute, WallTime now) {
  const auto text = number_of(item, attribute);
  if (!text) return false;
  const auto canonical = canonical_number(*text);
  if (!canonical) return false;
  const auto seconds = whole_seconds(*canonical);
  const std::int64_t today =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return seconds && *seconds<today&& * seconds> today - kTtlOldestSeconds;
}

}  // namespace dynamodb_replicator::item

#include "core/guard.h"

#include "base/bytes.h"
#include "item/json.h"

namespace dynamodb_replicator::core {
namespace {

namespace json = item::json;

constexpr std::string_view kGlobalTablePrefix = "aws:rep:";

void append_member(std::string& object, std::string_view name, std::string_view raw) {
  object += object.empty() ? '{' : ',';
  base::append_json_string(object, name);
  object += ':';
  object += raw;
}

// Only whether the item is there can be asked: by its hash key, which every item has.
Guard by_hash_key(const char* function, const item::KeySchema& schema) {
  Guard guard;
  guard.expression = std::string(function) + "(#k)";
  append_member(guard.names, "#k", base::to_json_string(schema.hash.name));
  guard.names += '}';
  return guard;
}

}  // namespace

Guard guard_for(std::string_view seen, const item::KeySchema& schema) {
  if (seen.empty()) return by_hash_key("attribute_not_exists", schema);
  Guard guard;
  std::size_t count = 0;
  json::Text text{std::string(seen)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    const bool key = name == schema.hash.name || (schema.range && name == schema.range->name);
    if (key || name.starts_with(kGlobalTablePrefix)) return true;
    std::string raw;
    if (++count > kGuardAttributesMax || !json::read_raw(value, raw)) return false;
    const std::string number = std::to_string(count);
    if (count > 1) guard.expression += " AND ";
    guard.expression += "#" + number + " = :" + number;
    append_member(guard.names, "#" + number, base::to_json_string(name));
    append_member(guard.values, ":" + number, raw);
    return true;
  });
  if (!whole) return {};
  if (count == 0) return by_hash_key("attribute_exists", schema);
  guard.names += '}';
  guard.values += '}';
  return guard;
}

}  // namespace dynamodb_replicator::core

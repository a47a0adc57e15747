// Reads single attribute values ({"S":"..."}, {"N":"..."}) of our own rows. False: it is not of
// that type, or cannot be read.
#pragma once

#include <charconv>
#include <functional>
#include <string>
#include <string_view>

#include "item/json.h"

namespace dynamodb_replicator::wire {

inline bool read_typed(item::json::Value value, std::string_view type,
                       const std::function<bool(item::json::Value)>& use) {
  bool found = false;
  const bool whole =
      item::json::each_field(value, [&](std::string_view name, item::json::Value member) {
        if (name != type) return true;
        found = true;
        return use(member);
      });
  return whole && found;
}

inline bool read_text(item::json::Value value, std::string& out) {
  return read_typed(value, "S",
                    [&](item::json::Value member) { return item::json::read(member, out); });
}

template <class Integer>
bool read_integer(item::json::Value value, Integer& out) {
  return read_typed(value, "N", [&](item::json::Value member) {
    std::string_view digits;
    if (!item::json::read(member, digits)) return false;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  });
}

}  // namespace dynamodb_replicator::wire

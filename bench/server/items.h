// Items that are functions of a number: any of a million can be made when it is asked for, and none
// is kept. Every item of a universe has the same size by AWS's rules, and no attribute has a size
// that depends on its number.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

constexpr size_t kItemBytesMin = 101;  // all attributes, and one character of text

// A hash of two words: the seed's and the number's bits, mixed. All that is random here comes from
// it.
uint64_t mixed(uint64_t seed, uint64_t number);

struct Making {
  uint64_t seed = 1;
  size_t bytes = 200;  // by AWS's rules
  bool shuffled =
      false;  // attributes, map entries and set elements stand in an order of the item's own
};

// `item-` and twelve digits.
std::string id_of(uint64_t number);
std::optional<uint64_t> number_of(std::string_view id);

// Appends item `number` in wire form. `changed`: one attribute has another value; the size stays.
void append_item(const Making& making, uint64_t number, bool changed, std::string& out);

// What AWS counts for an item in wire form: names and values,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
size_t item_bytes(simdjson::dom::object item);

}  // namespace bench

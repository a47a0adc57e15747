// Scan: pages, segments, and the order of whatever engine the table runs on.
//
// Source: API reference of Scan: an item lies in one segment of a given number; a page ends at
// Limit or at 1 MB and says where it ended; what changes meanwhile is shown or not. Other engines
// cut and order as they like (sim/table.h).
#include <algorithm>
#include <compare>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "sim/dynamodb.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::size_t kPageBytesMax = 1024 * 1024;
constexpr std::size_t kTotalSegmentsMax = 1'000'000;

// FNV-1a, and a last round so that neighbours part.
std::uint64_t scan_hash(std::string_view text, std::uint64_t salt) {
  std::uint64_t value = 0xcbf29ce484222325U ^ salt;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  value ^= value >> 31U;
  value *= 0x9e3779b97f4a7c15U;
  return value ^ (value >> 29U);
}

// Where an item stands in its table's order.
struct Place {
  std::uint64_t rank = 0;
  std::string key;
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.rank, a.key) < std::tie(b.rank, b.key);
  }
};

Place place_of(const Table& table, const std::string& key, const Item& key_item) {
  const Engine& engine = table.engine();
  if (engine.order == 0) return {0, key};
  const std::string& part = engine.scatters ? key : key_item.at(table.schema().hash.name);
  return {scan_hash(part, engine.order), key};
}

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t of = 1;
};

Result<Segment, ServiceError> segment_of(Json request) {
  const auto number = integer(request, "Segment");
  const auto of = integer(request, "TotalSegments");
  if (number.has_value() != of.has_value())
    return validation("Segment and TotalSegments are given together");
  if (!of) return Segment{};
  if (*of < 1 || *of > static_cast<std::int64_t>(kTotalSegmentsMax) || *number < 0 ||
      *number >= *of)
    return validation("Segment must be less than TotalSegments");
  return Segment{static_cast<std::uint64_t>(*number), static_cast<std::uint64_t>(*of)};
}

bool is_in(const Segment& segment, const Table& table, const std::string& key,
           const Item& key_item) {
  if (segment.of == 1) return true;
  const std::string& part = table.engine().scatters ? key : key_item.at(table.schema().hash.name);
  return scan_hash(part, table.engine().order + 1) % segment.of == segment.number;
}

struct Shown {
  Place place;
  const Item* item = nullptr;
};

// What a page may show, in order; `stale`: each item as it was within the last two seconds.
std::vector<Shown> all_of(const Table& table, const Segment& segment, bool stale) {
  std::vector<Shown> all;
  for (const auto& [key, versions] : table.histories()) {
    const Item* item = stale ? table.find_stale(key, 2s) : versions.back().item.get();
    if (item == nullptr || !is_in(segment, table, key, *item)) continue;
    all.push_back({place_of(table, key, *item), item});
  }
  std::sort(all.begin(), all.end(),
            [](const Shown& a, const Shown& b) { return a.place < b.place; });
  return all;
}

// A scan costs half a unit for each 4 KB unless it is consistent.
std::string scan_units(Json request, const Table& table, std::size_t bytes) {
  const auto wanted = text(request, "ReturnConsumedCapacity");
  if (!wanted || *wanted == "NONE") return {};
  const std::size_t blocks = 1 + bytes / 4096;
  const std::size_t halves = flag(request, "ConsistentRead") ? 2 * blocks : blocks;
  return R"(,"ConsumedCapacity":{"TableName":)" + base::to_json_string(table.name()) +
         R"(,"CapacityUnits":)" + std::to_string(halves / 2) + (halves % 2 == 1 ? ".5}" : ".0}");
}

// {"N":"5"} -> {"N":"5.0"}
std::string with_point(const std::string& value) {
  if (type_of(value) != "N") return value;
  const std::string_view digits = scalar_text(value);
  constexpr std::size_t kDigitsMax = 30;  // a number has 38
  if (digits.find('.') != digits.npos || digits.size() > kDigitsMax) return value;
  return R"({"N":")" + std::string(digits) + R"(.0"})";
}

Item spelled(const Table& table, Item item) {
  if (!table.engine().spells) return item;
  for (auto& [name, value] : item) value = with_point(value);
  return item;
}

}  // namespace

std::string DynamoDb::shown(const Table& table, const Item& item) {
  return item_json(table.engine().spells ? spelled(table, item) : item, prng_);
}

Answer DynamoDb::scan(Json request) {
  auto table = named(request);
  if (!table) return table.error();
  for (const std::string_view unknown : {"FilterExpression", "IndexName", "ScanFilter"}) {
    if (member(request, unknown))
      return validation("the simulator does not know " + std::string(unknown));
  }
  const auto segment = segment_of(request);
  if (!segment) return segment.error();
  std::optional<Place> after;
  if (const auto start = member(request, "ExclusiveStartKey")) {
    auto item = parse_item(*start);
    if (!item) return item.error();
    const auto key = (*table)->key_of(*item, true);
    if (!key) return key.error();
    if (!is_in(*segment, **table, *key, *item))
      return validation("The provided Exclusive start key is outside of the segment");
    after = place_of(**table, *key, *item);
  }
  const Engine& engine = (*table)->engine();
  auto limit = static_cast<std::size_t>(integer(request, "Limit").value_or(1'000'000));
  if (engine.order != 0) limit = std::min(limit, 1 + prng_.below(engine.page));
  const bool stale = engine.order != 0 && !flag(request, "ConsistentRead") &&
                     world_.faults().strikes(Fault::stale_read);
  std::string items;
  std::size_t count = 0;
  std::string last;
  for (const Shown& one : all_of(**table, *segment, stale)) {
    if (after && !(*after < one.place)) continue;
    items += (count++ > 0 ? "," : "") + shown(**table, *one.item);
    if (count == limit || items.size() > kPageBytesMax) {
      last = ",\"LastEvaluatedKey\":" + item_json(spelled(**table, (*table)->key_item(*one.item)));
      break;
    }
  }
  return R"({"Items":[)" + items + R"(],"Count":)" + std::to_string(count) + R"(,"ScannedCount":)" +
         std::to_string(count) + last + scan_units(request, **table, items.size()) + "}";
}

}  // namespace dynamodb_replicator::sim

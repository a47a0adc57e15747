#include "table.h"

#include <array>
#include <bit>
#include <charconv>
#include <functional>
#include <stdexcept>
#include <utility>

namespace bench {

namespace {

constexpr uint64_t kRounds = 4;

uint64_t parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument("no number: " + std::string(text));
  return value;
}

uint64_t segment_of(std::string_view id, uint64_t segments) {
  return std::hash<std::string_view>()(id) % segments;
}

}  // namespace

TableSpec parse_spec(std::string_view text) {
  TableSpec spec;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t sign = part.find('=');
    if (sign == std::string_view::npos)
      throw std::invalid_argument("no name=value: " + std::string(part));
    const std::string_view name = part.substr(0, sign), value = part.substr(sign + 1);
    if (name == "name")
      spec.name = value;
    else if (name == "items")
      spec.items = parse_number(value);
    else if (name == "bytes")
      spec.making.bytes = parse_number(value);
    else if (name == "seed")
      spec.making.seed = parse_number(value);
    else if (name == "side")
      spec.replica = value == "replica";
    else if (name == "planted")
      spec.planted = parse_number(value);
    else if (name == "order")
      spec.order_seed = parse_number(value);
    else if (name == "shuffled")
      spec.making.shuffled = parse_number(value) != 0;
    else if (name == "empty")
      spec.empty = parse_number(value) != 0;
    else
      throw std::invalid_argument("no such property of a table: " + std::string(name));
  }
  if (spec.name.empty()) throw std::invalid_argument("a table needs a name");
  if (spec.making.bytes < kItemBytesMin)
    throw std::invalid_argument("an item has at least " + std::to_string(kItemBytesMin) + " bytes");
  if (spec.planted * 3 > spec.items)
    throw std::invalid_argument("more planted differences than items");
  return spec;
}

Table::Table(TableSpec spec) : spec_(std::move(spec)) {
  half_bits_ = static_cast<unsigned>(std::bit_width(spec_.items) + 1) / 2;
}

uint64_t Table::count_roughly() const {
  const uint64_t generated = spec_.empty ? written_.size() : spec_.items - spec_.planted;
  return generated + others_.size();
}

char Table::planted_kind(uint64_t number) const {
  if (spec_.planted == 0) return 0;
  const uint64_t stride = spec_.items / spec_.planted;
  if (number / stride >= spec_.planted) return 0;
  const uint64_t place = number % stride;
  return place == 0 ? 'm' : place == stride / 3 ? 'd' : place == stride * 2 / 3 ? 'e' : 0;
}

size_t Table::append_number(uint64_t number, std::string& out) const {
  if (!written_.empty()) {
    const auto found = written_.find(number);
    if (found != written_.end()) {
      out += found->second.json;
      return found->second.bytes;
    }
  }
  const char kind = planted_kind(number);
  if (spec_.empty || kind == (spec_.replica ? 'm' : 'e')) return 0;
  append_item(spec_.making, number, spec_.replica && kind == 'd', out);
  return spec_.making.bytes;
}

// A Feistel network on twice half_bits_ bits; outside of the universe it is walked again until it
// is inside.
uint64_t Table::walk(uint64_t word, bool forward) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  do {
    uint64_t left = word >> half_bits_, right = word & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      if (forward) {
        left = std::exchange(right, left ^ (mixed(*spec_.order_seed + round, right) & mask));
      } else {
        right = std::exchange(
            left, right ^ (mixed(*spec_.order_seed + kRounds - 1 - round, left) & mask));
      }
    }
    word = left << half_bits_ | right;
  } while (!in_universe(word));
  return word;
}

uint64_t Table::number_at(uint64_t place) const {
  return spec_.order_seed ? walk(place, true) : place;
}

uint64_t Table::place_of(uint64_t number) const {
  return spec_.order_seed ? walk(number, false) : number;
}

Table::Page Table::scan(uint64_t segment, uint64_t segments, std::optional<std::string_view> after,
                        uint64_t limit, std::string& out) const {
  Page page;
  std::string last;
  // Adds what `append` appends, if there is room for it.
  const auto add = [&](const std::string& id, auto append) {
    const size_t before = out.size();
    if (page.count > 0) out += ',';
    const size_t bytes = append();
    if (bytes == 0 || (page.count > 0 && page.bytes + bytes > kPageBytesMax)) {
      out.resize(before);
      return bytes == 0;
    }
    page.bytes += bytes;
    ++page.count;
    last = id;
    return page.count < limit;
  };
  const auto full = [&] {
    if (!last.empty()) page.last_id = last;
    return page;
  };
  const std::optional<uint64_t> after_number = after ? number_of(*after) : std::nullopt;
  const bool in_others = after && !(after_number && in_universe(*after_number));
  if (!in_others) {
    uint64_t place = after ? place_of(*after_number) + 1 : spec_.items * segment / segments;
    for (const uint64_t end = spec_.items * (segment + 1) / segments; place < end; ++place) {
      const uint64_t number = number_at(place);
      if (!add(id_of(number), [&] { return append_number(number, out); })) return full();
    }
  }
  for (auto other = in_others ? others_.upper_bound(*after) : others_.begin();
       other != others_.end(); ++other) {
    if (segment_of(other->first, segments) != segment) continue;
    const bool more =
        add(other->first, [&] { return out += other->second.json, other->second.bytes; });
    if (!more) return full();
  }
  return page;
}

size_t Table::get(std::string_view id, std::string& out) const {
  const std::optional<uint64_t> number = number_of(id);
  if (number && in_universe(*number)) return append_number(*number, out);
  const auto found = others_.find(id);
  if (found == others_.end()) return 0;
  out += found->second.json;
  return found->second.bytes;
}

size_t Table::put(std::string_view id, std::string json, size_t bytes) {
  std::string old;
  const size_t old_bytes = get(id, old);
  const std::optional<uint64_t> number = number_of(id);
  Stored stored{std::move(json), bytes};
  if (number && in_universe(*number)) {
    written_.insert_or_assign(*number, std::move(stored));
  } else if (bytes == 0) {
    others_.erase(std::string(id));
  } else {
    others_.insert_or_assign(std::string(id), std::move(stored));
  }
  return old_bytes;
}

size_t Table::erase(std::string_view id) { return put(id, "", 0); }

}  // namespace bench

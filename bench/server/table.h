// A table of generated items, with what was written since laid over them.
//
// Primary and replica are two views of one universe of numbers. With `planted` K they differ in 3 K
// of them: K are missing on the replica, K are different there, K are only there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "items.h"

namespace bench {

constexpr size_t kPageBytesMax = 1 << 20;  // a Scan ends before the item that would pass 1 MB

struct TableSpec {
  std::string name;
  uint64_t items = 0;  // numbers in the universe
  Making making;
  bool replica = false;
  bool empty = false;    // none of the universe is there until it is written
  uint64_t planted = 0;  // of each kind
  std::optional<uint64_t>
      order_seed;  // scan order is a random one of the whole table; else by number
};

// `name=N,items=I[,bytes=B][,seed=S][,side=replica][,planted=K][,order=SEED][,shuffled=1][,empty=1]`;
// throws if it is not that.
TableSpec parse_spec(std::string_view text);

class Table {
 public:
  struct Page {
    size_t bytes = 0;
    uint64_t count = 0;
    std::optional<std::string> last_id;  // where to go on, if it is not the segment's end
  };

  explicit Table(TableSpec spec);
  const TableSpec& spec() const { return spec_; }
  uint64_t count_roughly() const;

  // Appends a page of items, separated by commas, to `out`.
  Page scan(uint64_t segment, uint64_t segments, std::optional<std::string_view> after,
            uint64_t limit, std::string& out) const;
  // Appends the item. Its size, 0 if there is none.
  size_t get(std::string_view id, std::string& out) const;
  // Each gives the size of what was there.
  size_t put(std::string_view id, std::string json, size_t bytes);
  size_t erase(std::string_view id);

 private:
  struct Stored {
    std::string json;
    size_t bytes = 0;  // 0: deleted
  };

  bool in_universe(uint64_t number) const { return number < spec_.items; }
  char planted_kind(uint64_t number) const;  // m, d, e or 0
  size_t append_number(uint64_t number, std::string& out) const;
  uint64_t number_at(uint64_t place) const;
  uint64_t place_of(uint64_t number) const;
  uint64_t walk(uint64_t word, bool forward) const;

  TableSpec spec_;
  unsigned half_bits_ = 0;                             // of the permutation's words
  std::unordered_map<uint64_t, Stored> written_;       // numbers of the universe
  std::map<std::string, Stored, std::less<>> others_;  // every other id; scanned after the universe
};

}  // namespace bench

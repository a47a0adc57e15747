// All that an interrupted comparison needs to go on, at one instant: what a resume file holds. The
// window and the findings themselves are bytes in the spill beside it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digests.h"
#include "core/window.h"

namespace dynamodb_replicator::core {

// Where the scan of a segment stands.
struct SegmentCursor {
  std::array<std::string, 2> after;  // by index_of(side); raw JSON; empty: at the beginning
  std::array<bool, 2> done{};
};

// A piece of the spill.
struct SpillPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

inline constexpr std::size_t kFindings = 4;

// Every leftover of the window ends as one of these.
struct Outcomes {
  std::array<std::uint64_t, kFindings> found{};  // missing, different, extraneous, changing
  std::uint64_t settled = 0;                     // equal when they were read again
  std::uint64_t expired = 0;                     // the TTL of what would count has passed
  std::uint64_t elsewhere = 0;  // in another segment of the primary: that one's run reports it
  std::array<std::uint64_t, 2> sides{};  // how many of them were scanned on each side
  [[nodiscard]] std::uint64_t differences() const {
    return found[0] + found[1] + found[2] + found[3];
  }
  [[nodiscard]] std::uint64_t ended() const {
    return differences() + settled + expired + elsewhere;
  }
};

struct CompareState {
  // How the tables are cut: fixed when the first run began.
  int segments = 1;
  std::vector<int> chosen;
  // The scan. Segments before `next` (of `chosen`) are done, but for those that have a cursor.
  std::size_t next = 0;
  std::map<int, SegmentCursor> cursors;
  Tally tally;
  std::vector<SpillPlace> runs;
  bool scanned = false;  // to its end: what follows is about the leftovers
  // Leftovers up to this key have their outcomes.
  std::optional<base::Digest128> settled_to;
  std::uint64_t candidates = 0;
  Outcomes outcomes;
  std::vector<SpillPlace> findings;
  std::array<double, 2> units{};
  double seconds = 0;  // of all runs
};

}  // namespace dynamodb_replicator::core

// The window of a comparison: what was seen on one side and not yet on the other.
//
// Two scans bring items in any order. A sighting that meets its equal of the other side cancels it;
// a key that both sides have with different content stays. What is left when both scans have ended
// is exactly what differs, whatever the order was: order only keeps the window small. Beyond its
// ceiling the window is drained into a sorted run (bytes that somebody keeps on disk), and at the
// end the runs are merged by key. Digests are 128 bits: among 10^9 items a collision has odds of
// 10^-21.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digests.h"
#include "base/result.h"

namespace dynamodb_replicator::core {

enum class Side : std::uint8_t { primary, replica };
inline constexpr std::size_t index_of(Side side) { return side == Side::primary ? 0 : 1; }

struct Sighting {
  base::Digest128 key;        // of the canonical key
  base::Digest128 content;    // of the canonical content
  std::string_view key_text;  // the key's wire form: candidates are read by it
};

// A key that did not cancel: the content last seen on each side.
struct Leftover {
  base::Digest128 key;
  std::array<std::optional<base::Digest128>, 2> content;  // by index_of(side)
  std::string key_text;
};

// scanned(side) = equal + again(side) + leftovers that the side has.
struct Tally {
  std::array<std::uint64_t, 2> scanned{};
  std::array<std::uint64_t, 2> again{};  // a key that its own side showed before: the table moved
  std::uint64_t equal = 0;
  friend bool operator==(const Tally&, const Tally&) = default;
};

class ScanWindow {
 public:
  // Memory of the entries, by the arithmetic below; 32 MiB hold about 180,000 keys of 40 bytes.
  static constexpr std::size_t kBytesMax = 32U << 20U;
  // A node of the map (112 with its malloc header), its bucket (8), the text's own header (17).
  static constexpr std::size_t kEntryBytes = 137;

  explicit ScanWindow(std::size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  void add(Side side, int segment, const Sighting& sighting);
  [[nodiscard]] bool full() const { return bytes_ > bytes_max_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t entries() const { return entries_.size(); }
  // How many items this side of the segment has shown since its last one that met the other side:
  // who is further ahead waits.
  [[nodiscard]] std::uint64_t ahead(Side side, int segment) const;
  [[nodiscard]] const Tally& tally() const { return tally_; }
  Tally& tally() { return tally_; }

  // Everything that is held, as a run, in pieces of about 1 MB; the window is empty afterwards.
  void drain(const std::function<void(std::string_view piece)>& use);

 private:
  struct Entry {
    std::array<base::Digest128, 2> content;
    std::string key_text;
    std::uint64_t ordinal = 0;
    std::int32_t segment = 0;
    Side bringer = Side::primary;  // whose the ordinal and the segment are
    std::array<bool, 2> seen{};
  };
  struct Low {
    std::size_t operator()(const base::Digest128& digest) const noexcept {
      return static_cast<std::size_t>(digest.low);
    }
  };
  struct Progress {
    std::array<std::uint64_t, 2> shown{};
    std::array<std::uint64_t, 2> met{};  // ordinal of the furthest that met the other side
  };
  void meet(Side side, int segment, std::uint64_t ordinal);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  Tally tally_;
  std::unordered_map<base::Digest128, Entry, Low> entries_;
  std::unordered_map<int, Progress> progress_;
};

// A run's bytes, in order.
class RunSource {
 public:
  virtual ~RunSource() = default;
  // The next piece of any length; empty: the end.
  virtual Result<std::string> more() = 0;
};

// Merges runs into leftovers, by ascending key digest, each key once. Runs in the order in which
// they were drained: the newest sighting of a side counts.
class RunMerge {
 public:
  // `tally` gets what still cancels here. REQUIRES: it outlives this.
  RunMerge(std::vector<std::unique_ptr<RunSource>> runs, Tally& tally);
  ~RunMerge();
  // nullopt: the end. The error: a run cannot be read.
  Result<std::optional<Leftover>> next();

 private:
  class Run;
  Result<void> fill();
  std::vector<std::unique_ptr<Run>> runs_;
  std::vector<std::size_t> heap_;  // runs that have a record, the least key on top
  Tally& tally_;
  bool begun_ = false;
};

}  // namespace dynamodb_replicator::core

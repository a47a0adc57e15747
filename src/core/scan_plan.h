// How a table is cut for a scan, and how many pieces are scanned at once.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace dynamodb_replicator::core {

// A segment ends with a page that is rounded up to half a unit and with one that may be empty: at 8
// MB a segment (1,024 eventually consistent units) that is a thousandth.
inline constexpr std::int64_t kSegmentBytes = 8'000'000;
inline constexpr int kSegmentsMax = 4096;  // our own ceiling; the service's is 1,000,000
// The service's estimate of a table's size is up to six hours old; a table without one gets this
// many.
inline constexpr int kSegmentsUnknown = 4;
// Pages in flight are what memory goes by: 8 segments x 2 sides x about 3 MB (1 MB of items in
// JSON, once as received and once as items) is 48 MB.
inline constexpr unsigned kScanConcurrencyMax = 8;
inline constexpr unsigned kScanConcurrencyAskedMax = 256;

// For a table of `bytes` (0: unknown), of which `concurrency` segments (0: not asked) are scanned
// at once and `fraction` is looked at.
int segments_for(std::int64_t bytes, unsigned concurrency, double fraction);

// All of them, or as many as the fraction asks for (at least one), in random order: neighbours
// share a partition, and a partition has its own ceiling. `roll` is uniform over 64 bits.
std::vector<int> choose_segments(int segments, double fraction, std::uint64_t roll);

// So many segments keep the processor busy while pages are on their way, but not more.
class ScanPace {
 public:
  // A page took `latency` from asking to its answer, and `work` until it was compared.
  void page(Duration latency, Duration work);
  [[nodiscard]] unsigned wanted() const { return wanted_; }

 private:
  Duration latency_{};  // the least of late: waiting for our own processor is no latency
  Duration work_{};     // smoothed
  unsigned wanted_ = 4;
};

}  // namespace dynamodb_replicator::core

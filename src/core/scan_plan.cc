#include "core/scan_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/prng.h"

namespace dynamodb_replicator::core {

int segments_for(std::int64_t bytes, unsigned concurrency, double fraction) {
  auto segments = bytes <= 0 ? static_cast<std::int64_t>(kSegmentsUnknown) : bytes / kSegmentBytes;
  segments = std::max(segments, static_cast<std::int64_t>(concurrency));
  if (fraction < 1) {
    // As many as the fraction needs to be met.
    segments = std::max(segments, static_cast<std::int64_t>(std::ceil(1 / fraction)));
  }
  return static_cast<int>(std::clamp<std::int64_t>(segments, 1, kSegmentsMax));
}

std::vector<int> choose_segments(int segments, double fraction, std::uint64_t roll) {
  std::vector<int> all(static_cast<std::size_t>(segments));
  std::iota(all.begin(), all.end(), 0);
  base::Prng prng(roll);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[prng.below(i)]);
  const double wanted = std::ceil(fraction * segments - 1e-9);
  all.resize(std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, all.size()));
  return all;
}

void ScanPace::page(Duration latency, Duration work) {
  // The least is forgotten slowly, so that a service that becomes slower is noticed.
  latency_ = latency_ == Duration{0} ? latency : std::min(latency, latency_ + latency_ / 50);
  work_ = work_ == Duration{0} ? work : (work_ * 7 + work) / 8;
  const double pair = std::max(base::seconds(work_) * 2, 1e-6);  // a page of either side
  const double segments = std::ceil(base::seconds(latency_) / pair) + 1;
  wanted_ =
      static_cast<unsigned>(std::clamp(segments, 2.0, static_cast<double>(kScanConcurrencyMax)));
}

}  // namespace dynamodb_replicator::core

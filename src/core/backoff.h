// How long to wait before trying again, and how much to have in flight.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "dynamodb_replicator/failure.h"

namespace dynamodb_replicator::core {

// Full jitter (uniform from zero to the bound): spreads the retries of many workers best (AWS
// Architecture Blog, "Exponential Backoff And Jitter"). Bound: base * 2^failures, at most 20 s, the
// SDKs' cap.
//   transient 50 ms · throttled 250 ms · things that a person must mend 5 s (they may be mended
//   while we run)
// `roll` is uniform over 64 bits. REQUIRES: failures >= 1.
Duration retry_after(FailureKind kind, unsigned failures, std::uint64_t roll);

// Will it be the same until somebody changes something outside? Then /readyz says so and a log line
// repeats.
bool needs_operator(FailureKind kind);

// How many batches may be in flight: plus one for each window of clean ones, times 0.7 when
// throttled, at most once in `kCutEvery`, so that one burst of throttled answers is one cut
// (additive increase, multiplicative decrease).
class Window {
 public:
  static constexpr Duration kCutEvery = 500ms;
  explicit Window(unsigned max) : size_(max), max_(max) {}
  void clean() { size_ = size_ + 1 / size_ > max_ ? max_ : size_ + 1 / size_; }
  void throttled(Instant now);
  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(size_); }

 private:
  double size_;
  double max_;
  Instant last_cut_ = Instant::min();
};

// A ceiling in capacity units a second: charge what was consumed, then wait until the debt is paid.
class Budget {
 public:
  explicit Budget(double units_per_second) : rate_(units_per_second) {}
  void charge(double units, Instant now);
  // When the next request may start; in the past if at once.
  [[nodiscard]] Instant ready_at() const { return ready_at_; }

 private:
  double rate_;  // 0: no ceiling
  Instant ready_at_{};
};

}  // namespace dynamodb_replicator::core

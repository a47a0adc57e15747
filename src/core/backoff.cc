#include "core/backoff.h"

#include <algorithm>

#include "base/invariant.h"

namespace dynamodb_replicator::core {

bool needs_operator(FailureKind kind) {
  switch (kind) {
    case FailureKind::denied:
    case FailureKind::credentials:
    case FailureKind::configuration:
    case FailureKind::not_found:
    case FailureKind::invalid:
      return true;
    default:
      return false;
  }
}

Duration retry_after(FailureKind kind, unsigned failures, std::uint64_t roll) {
  INVARIANT(failures >= 1, "there is nothing to wait for before the first failure");
  constexpr Duration cap = 20s;
  Duration base = 50ms;
  if (kind == FailureKind::throttled) base = 250ms;
  if (needs_operator(kind)) base = 5s;
  const unsigned doublings = std::min(failures - 1, 10U);
  const Duration bound = std::min<Duration>(base * (1LL << doublings), cap);
  return Duration(static_cast<Duration::rep>(roll % static_cast<std::uint64_t>(bound.count() + 1)));
}

void Window::throttled(Instant now) {
  if (last_cut_ != Instant::min() && now - last_cut_ < kCutEvery) return;
  last_cut_ = now;
  size_ = std::max(1.0, size_ * 0.7);
}

void Budget::charge(double units, Instant now) {
  if (rate_ <= 0) return;
  const auto cost =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(units / rate_));
  ready_at_ = std::max(ready_at_, now) + cost;
}

}  // namespace dynamodb_replicator::core

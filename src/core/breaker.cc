#include "core/breaker.h"

#include <algorithm>

namespace dynamodb_replicator::core {

Breaker::Step& Breaker::step(Instant now) {
  while (!steps_.empty() && now - steps_.front().from >= kSpan) {
    all_ -= steps_.front().all;
    bad_ -= steps_.front().bad;
    steps_.pop_front();
  }
  if (steps_.empty() || now - steps_.back().from >= kStep) steps_.push_back({now, 0, 0});
  return steps_.back();
}

void Breaker::good(Instant now, std::uint64_t records) {
  step(now).all += records;
  all_ += records;
}

void Breaker::bad(Instant now) {
  Step& current = step(now);
  ++current.all;
  ++current.bad;
  ++all_;
  ++bad_;
}

bool Breaker::open() const { return bad_ > std::max(kFree, all_ / 100); }

}  // namespace dynamodb_replicator::core

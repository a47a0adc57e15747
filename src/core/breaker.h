// "Wrong stream": when more than max(10, 1 %) of the records of the last five minutes cannot be
// applied, the shard stops instead of filling the dead letters.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.h"

namespace dynamodb_replicator::core {

class Breaker {
 public:
  static constexpr Duration kSpan = 5min;
  static constexpr Duration kStep = 10s;  // counts are kept in steps: 30 of them at most
  static constexpr std::uint64_t kFree = 10;

  void good(Instant now, std::uint64_t records = 1);
  void bad(Instant now);
  [[nodiscard]] bool open() const;

 private:
  struct Step {
    Instant from{};
    std::uint64_t all = 0;
    std::uint64_t bad = 0;
  };
  Step& step(Instant now);
  std::deque<Step> steps_;
  std::uint64_t all_ = 0;
  std::uint64_t bad_ = 0;
};

}  // namespace dynamodb_replicator::core

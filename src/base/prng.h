// A small seeded generator (xoshiro256**, Blackman and Vigna 2018, public domain algorithm). Same
// seed, same numbers, on every machine; not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace dynamodb_replicator::base {

class Prng {
 public:
  explicit Prng(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // True with probability numerator/denominator.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace dynamodb_replicator::base

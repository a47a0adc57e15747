#include "base/prng.h"

#include <bit>

#include "base/invariant.h"

namespace dynamodb_replicator::base {

Prng::Prng(std::uint64_t seed) : state_{} {
  for (auto& word : state_) {  // splitmix64 spreads a small seed over the state
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Prng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Prng::below(std::uint64_t bound) {
  INVARIANT(bound > 0, "below(0)");
  const std::uint64_t limit = bound * (UINT64_MAX / bound);  // reject the uneven tail
  std::uint64_t x = next();
  while (x >= limit) x = next();
  return x % bound;
}

bool Prng::chance(std::uint64_t numerator, std::uint64_t denominator) {
  return below(denominator) < numerator;
}

}  // namespace dynamodb_replicator::base

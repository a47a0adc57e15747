#include "sim/invariants.h"

namespace dynamodb_replicator::sim {

std::string_view name_of(Invariant invariant) {
  constexpr std::array<std::string_view, kInvariants> kNames{
      "I1 equal at rest",
      "I2 every value was the primary's",
      "I3 versions never go back",
      "I4 checkpoints cover",
      "I5 checkpoints go forward",
      "I6 parents first",
      "I7 no stale fence",
      "I8 a loss is told",
      "I9 in flight bounded",
      "I10 quiet in the end",
      "I13 no secrets",
      "I14 bounded cost",
      "I15 leases kept",
      "I12 comparisons true",
      "I16 looked before written",
  };
  return kNames[static_cast<std::size_t>(invariant)];
}

}  // namespace dynamodb_replicator::sim

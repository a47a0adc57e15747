// Whole runs: the program is the real one.
#include "sim/run.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dynamodb_replicator::sim {
namespace {

RunResult run_seed(std::uint64_t seed, bool chaos, const Replicate& replicate) {
  return run({seed, false, chaos}, replicate);
}

async::Task<int> real(async::Doors& doors, app::ReplicateOptions options, app::Control& control) {
  return app::replicate(doors, std::move(options), control);
}

// Waits for the end and does nothing.
async::Task<int> idle(async::Doors&, app::ReplicateOptions, app::Control& control) {
  co_await control.stop.wait();
  co_return 0;
}

TEST(Run, TheSameSeedIsTheSameRun) {
  const RunResult first = run_seed(5, true, real);
  const RunResult second = run_seed(5, true, real);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_FALSE(first.failure) << *first.failure;
  EXPECT_GE(first.changes, 1000U);
  EXPECT_NE(first.digest, run_seed(6, true, real).digest);
}

TEST(Run, WithoutChaosNothingStrikesAndTheReplicaEqualsThePrimary) {
  const RunResult result = run_seed(1, false, real);
  EXPECT_FALSE(result.failure) << *result.failure;
  for (std::size_t i = 0; i < kFaults; ++i) {
    EXPECT_EQ(result.faults[i], 0U) << name_of(static_cast<Fault>(i));
  }
}

TEST(Run, EveryInvariantIsLookedAtSomewhere) {
  constexpr std::uint64_t kSeedsMax = 200;
  InvariantCounts sums{};
  for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    const RunResult result = run_seed(seed, true, real);
    EXPECT_FALSE(result.failure) << "seed " << seed << ": " << *result.failure;
    for (std::size_t i = 0; i < kInvariants; ++i) sums[i] += result.invariants[i];
    if (std::count(sums.begin(), sums.begin() + kInvariantsReplicating, 0U) == 0) return;
  }
  for (std::size_t i = 0; i < kInvariantsReplicating; ++i) {
    EXPECT_GT(sums[i], 0U) << name_of(static_cast<Invariant>(i));
  }
}

TEST(Run, AReplicatorThatDoesNothingIsFoundOut) {
  const RunResult result = run_seed(1, false, idle);
  ASSERT_TRUE(result.failure);
  EXPECT_NE(result.failure->find("the replica lacks"), std::string::npos) << *result.failure;
}

// What fast mode assumes and cannot know: with a write that lands later than anybody waits for it
// the replica may differ although all is checkpointed; the next change of the key repairs it.
TEST(Run, AWriteThatLandsBeyondDoubtIsRepairedByTheNextChangeOfItsKey) {
  constexpr std::uint64_t kFirst = 13;  // showed it when it was last looked up
  constexpr std::uint64_t kSeedsMax = 200;
  for (std::uint64_t seed = kFirst; seed < kFirst + kSeedsMax; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.late_beyond_doubt = true;
    const RunResult result = run(options, real);
    if (!result.differed) continue;
    EXPECT_TRUE(result.summary.starts_with("fast")) << result.summary;
    EXPECT_TRUE(result.repaired) << "seed " << seed;
    return;
  }
  FAIL() << "no seed showed it";
}

}  // namespace
}  // namespace dynamodb_replicator::sim

// Whole runs: the program is the real one.
#include "sim/run.h"

#include <gtest/gtest.h>

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
  EXPECT_GT(first.changes, 0U);
  EXPECT_NE(first.digest, run_seed(6, true, real).digest);
}

TEST(Run, WithoutChaosNothingStrikesAndTheReplicaEqualsThePrimary) {
  const RunResult result = run_seed(1, false, real);
  EXPECT_FALSE(result.failure) << *result.failure;
  for (std::size_t i = 0; i < kFaults; ++i) {
    EXPECT_EQ(result.faults[i], 0U) << name_of(static_cast<Fault>(i));
  }
}

TEST(Run, AReplicatorThatDoesNothingIsFoundOut) {
  const RunResult result = run_seed(1, false, idle);
  ASSERT_TRUE(result.failure);
  EXPECT_NE(result.failure->find("the replica lacks"), std::string::npos) << *result.failure;
}

}  // namespace
}  // namespace dynamodb_replicator::sim

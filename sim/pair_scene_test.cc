// Whole runs of a pair scene: the program is the real one, or one that does it wrong.
#include "sim/pair_scene.h"

#include <gtest/gtest.h>

#include <set>

namespace dynamodb_replicator::sim {
namespace {

async::Task<int> really_replicate(async::Doors& doors, app::ReplicateOptions options,
                                  app::Control& control) {
  return app::replicate(doors, std::move(options), control);
}

async::Task<int> really_compare(async::Doors& doors, app::DiffOptions options,
                                const app::Console& console, async::Gate& stop) {
  return app::diff_tables(doors, std::move(options), console, stop);
}

// Says that all is well, and has not looked.
async::Task<int> say_nothing(async::Doors&, app::DiffOptions, const app::Console&, async::Gate&) {
  co_return 0;
}

RunResult play(std::uint64_t seed, bool chaos, const Compare& compare) {
  return run_pair({seed, false, chaos}, {really_replicate, compare});
}

TEST(PairScene, TheSameSeedIsTheSameRun) {
  const RunResult first = play(3, true, really_compare);
  EXPECT_FALSE(first.failure) << *first.failure;
  EXPECT_EQ(first.digest, play(3, true, really_compare).digest);
  EXPECT_NE(first.digest, play(4, true, really_compare).digest);
}

TEST(PairScene, WithoutChaosNothingStrikes) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const RunResult result = play(seed, false, really_compare);
    EXPECT_FALSE(result.failure) << "seed " << seed << ": " << *result.failure;
    for (std::size_t i = 0; i < kFaults; ++i) EXPECT_EQ(result.faults[i], 0U);
  }
}

TEST(PairScene, ACommandThatDoesNothingIsFoundOut) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_TRUE(play(seed, false, say_nothing).failure) << "seed " << seed;
  }
}

TEST(PairScene, DrawsEveryTask) {
  std::set<PairDrawn::Task> tasks;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) tasks.insert(draw_pair(base::Prng(seed)).task);
  EXPECT_EQ(tasks.size(), 3U);
}

}  // namespace
}  // namespace dynamodb_replicator::sim

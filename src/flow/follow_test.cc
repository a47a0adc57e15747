// Several shards, several workers, one lease table.
#include "flow/follow.h"

#include <gtest/gtest.h>

#include "flow/fakes_test.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::key;

// One process that follows; destroying it is a kill.
struct Worker {
  Worker(fakes::World& world, fakes::Stream& stream, const std::string& name,
         std::optional<WallTime> until = {}, core::StartAt start = {})
      : process(world.driver, world.primary, world.replica, world.leases, name),
        follower(*process.context, stream, start, until),
        scope(world.driver.loop),
        driver(world.driver) {
    process.settings.worker = name;
    for (std::size_t i = 0; i < name.size() * 3 + static_cast<std::size_t>(name.back()); ++i)
      process.dice.roll();
  }
  void start() {
    scope.spawn([](Worker& self) -> Task<void> {
      const FollowEnd how = co_await self.follower.run();
      self.end = how;
      self.ended_at = self.driver.now;
    }(*this));
  }
  fakes::Process process;
  Follower follower;
  async::Scope scope;
  fakes::Driver& driver;
  std::optional<FollowEnd> end;
  Instant ended_at{};
};

struct FollowTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Leases& leases = world.leases;
  fakes::Stream stream{driver, true};

  std::unique_ptr<Worker> start(const std::string& name, std::optional<WallTime> until = {},
                                core::StartAt from = {}) {
    auto worker = std::make_unique<Worker>(world, stream, name, until, from);
    worker->start();
    return worker;
  }
  WallTime wall() { return fakes::Clock(driver).wall(); }
  int version = 0;
  void change(const std::string& shard, const std::string& name) {
    world.primary.put(name, ++version);
    stream.add(shard, key(name)).from_aws = true;
  }
  [[nodiscard]] bool equal() const { return world.primary.items == world.replica.items; }
  [[nodiscard]] std::map<std::string, int> held() const {
    std::map<std::string, int> counts;
    for (const auto& [shard, row] : leases.rows) {
      if (!row.finished) ++counts[row.owner];
    }
    return counts;
  }
};

TEST_F(FollowTest, CreatesRowsTakesThemAndReplicates) {
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto worker = start("one");
  driver.run_for(15s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(held(), (std::map<std::string, int>{{"one", 4}}));
  EXPECT_EQ(worker->process.metrics.takeovers, 0U) << "nobody had them before";
}

TEST_F(FollowTest, ParentsComeBeforeChildren) {
  change("p", "a");
  change("c", "b");
  stream.shards["p"].closed = true;
  stream.shards["c"].parents = {"p"};
  bool parent_finished = false;
  leases.stored = [&](const core::ShardRow& row) {
    if (row.shard == "p" && row.finished) parent_finished = true;
    EXPECT_TRUE(row.shard != "c" || row.owner.empty() || parent_finished);
  };
  auto worker = start("one");
  driver.run_for(15s);
  EXPECT_TRUE(parent_finished);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, AParentIsGoneOnlyWhenAnAnsweredListingSaysSo) {
  change("p", "a");
  change("c", "b");
  stream.shards["p"].closed = true;
  stream.shards["p"].listed = false;
  stream.shards["c"].parents = {"p"};
  auto worker = start("one");
  driver.run_for(3s);
  stream.list_failure = fakes::failure(FailureKind::transient);
  driver.run_for(60s);
  EXPECT_EQ(leases.rows["c"].owner, "") << "nobody has said for long that there is no parent";
  stream.list_failure.reset();
  stream.shards["p"].listed = true;
  driver.run_for(30s);
  EXPECT_TRUE(leases.rows["p"].finished);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, AParentThatNoListingShowsIsGone) {
  change("c", "b");
  stream.shards["c"].parents = {"long ago"};
  auto worker = start("one");
  driver.run_for(30s);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, AGapIsToldAlsoWhenNoListingWasAnsweredYet) {
  change("s", "a");
  auto worker = start("one");
  driver.run_for(15s);
  worker.reset();
  driver.run_for(30h);
  change("s", "b");
  stream.shards["s"].trimmed = 1;
  stream.list_failure = fakes::failure(FailureKind::throttled);
  worker = start("two");
  driver.run_for(60s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(worker->process.metrics.gaps, 1U);
}

TEST_F(FollowTest, ASplitInMidStreamIsFollowed) {
  change("p", "a");
  auto worker = start("one");
  driver.run_for(5s);
  stream.shards["p"].closed = true;
  change("c1", "b");
  change("c2", "c");
  stream.shards["c1"].parents = stream.shards["c2"].parents = {"p"};
  driver.run_for(20s);
  EXPECT_TRUE(equal());
  EXPECT_TRUE(leases.rows["p"].finished);
}

TEST_F(FollowTest, TwoWorkersShareEvenly) {
  for (int i = 0; i < 8; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto one = start("one");
  driver.run_for(500ms);
  auto two = start("two");
  driver.run_for(30s);
  const auto counts = held();
  EXPECT_EQ(counts.at("one") + counts.at("two"), 8);
  EXPECT_GE(counts.at("one"), 3);
  EXPECT_GE(counts.at("two"), 3);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, ADeadWorkersShardsGoOnWithinTheLeaseAndAFewSeconds) {
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto one = start("one");
  auto two = start("two");
  driver.run_for(20s);
  ASSERT_EQ(held().size(), 2U);
  one.reset();  // killed
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  driver.run_for(15s);
  EXPECT_TRUE(equal()) << "lease time plus five seconds";
  EXPECT_EQ(held(), (std::map<std::string, int>{{"two", 4}}));
  EXPECT_EQ(two->process.metrics.takeovers, 2U);
  driver.run_for(40s);
  for (const auto& [shard, row] : leases.rows) EXPECT_EQ(row.checkpoint, "1001") << shard;
}

TEST_F(FollowTest, ADeadWorkersLateWriteIsRepairedBeforeTheCheckpointPasses) {
  stream.shards["s"];
  auto one = start("one");
  driver.run_for(5s);
  auto two = start("two");
  int writes = 0;
  world.replica.writes = [&](const auto&) {
    // The first one's write lands 19 s later: 14 s after its deadline.
    return ++writes == 1 ? fakes::Table::WritePlan{1h, {}, 19s, {}} : fakes::Table::WritePlan{};
  };
  change("s", "a");
  driver.run_for(1500ms);
  ASSERT_EQ(writes, 1);
  one.reset();
  world.primary.put("a", 77);
  driver.run_for(16s);
  EXPECT_EQ(leases.rows["s"].owner, "two");
  EXPECT_TRUE(equal());
  driver.run_for(3s);
  EXPECT_FALSE(equal()) << "the late one has landed";
  EXPECT_EQ(leases.rows["s"].checkpoint, "");
  driver.run_for(15s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(leases.rows["s"].checkpoint, "1000");
}

TEST_F(FollowTest, ACleanStopLetsAnotherGoOnAtOnce) {
  change("s", "a");
  auto one = start("one");
  driver.run_for(10s);
  const Instant asked = driver.now;
  one->process.stop.open();
  driver.run_for(10s);
  ASSERT_EQ(one->end, FollowEnd::stopped);
  EXPECT_LE(one->ended_at, asked + 2s);
  EXPECT_EQ(leases.rows["s"].owner, "");
  EXPECT_TRUE(leases.rows["s"].clean);
  change("s", "b");
  auto two = start("two");
  driver.run_for(4s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(leases.rows["s"].checkpoint, "1001") << "nothing is in doubt";
  EXPECT_EQ(two->process.metrics.takeovers, 0U);
}

TEST_F(FollowTest, AStopIsOverInTimeWhateverHangs) {
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto worker = start("one");
  driver.run_for(10s);
  world.replica.writes = [](const auto&) { return fakes::Table::WritePlan{1h, {}, {}, {}}; };
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  leases.takes = 1h;
  leases.list_takes = 9s;
  driver.run_for(2s);
  const Instant asked = driver.now;
  worker->process.stop.open();
  driver.run_for(30s);
  ASSERT_EQ(worker->end, FollowEnd::stopped);
  EXPECT_LE(worker->ended_at, asked + 10s);
}

TEST_F(FollowTest, UntilEndsWhenEverythingUpToThenIsApplied) {
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto worker = start("one", wall());
  driver.run_for(60s);
  ASSERT_EQ(worker->end, FollowEnd::caught_up);
  EXPECT_TRUE(equal());
  for (const auto& [shard, row] : leases.rows) {
    EXPECT_EQ(row.checkpoint, "1000") << shard;
    EXPECT_EQ(row.owner, "") << shard;
  }
}

TEST_F(FollowTest, UntilWaitsForShardsThatOthersHold) {
  for (int i = 0; i < 4; ++i) change("s" + std::to_string(i), "k" + std::to_string(i));
  auto one = start("one");
  driver.run_for(2500ms);
  auto two = start("two", wall());
  driver.run_for(60s);
  EXPECT_EQ(two->end, FollowEnd::caught_up);
  EXPECT_FALSE(one->end);
}

TEST_F(FollowTest, AShardThatCannotGoOnStopsAlone) {
  change("good", "a");
  stream.add_junk("bad");
  auto worker = start("one");
  driver.run_for(100s);
  change("good", "b");
  driver.run_for(5s);
  EXPECT_FALSE(worker->end);
  EXPECT_TRUE(equal());
  EXPECT_FALSE(worker->process.metrics.shards["bad"].stopped.empty());
  EXPECT_GE(worker->process.log.count("a shard has stopped"), 3U) << "every 30 s";
  EXPECT_EQ(leases.rows["bad"].owner, "");
}

TEST_F(FollowTest, WhenEveryShardHasStoppedItEnds) {
  stream.add_junk("a");
  stream.add_junk("b");
  stream.shards["child"].parents = {"a"};  // waits for a shard that does not go on
  auto worker = start("one");
  driver.run_for(20s);
  EXPECT_EQ(worker->end, FollowEnd::all_stopped);
}

TEST_F(FollowTest, UntilDoesNotWaitForAShardThatHasStopped) {
  change("good", "a");
  stream.add_junk("bad");
  auto worker = start("one", wall());
  driver.run_for(60s);
  EXPECT_EQ(worker->end, FollowEnd::all_stopped);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, ADisabledStreamReadToItsEndIsCompleteAndTheProcessGoesOn) {
  change("s", "a");
  stream.shards["s"].closed = true;
  stream.ended = true;
  auto worker = start("one");
  driver.run_for(60s);
  EXPECT_EQ(worker->end, FollowEnd::complete);
  EXPECT_TRUE(equal());
  EXPECT_FALSE(worker->process.stop.is_open()) << "another stream may be followed after this one";
}

TEST_F(FollowTest, AStreamThatIsGoneIsLeft) {
  change("p", "a");
  change("c", "b");
  stream.shards["c"].parents = {"p"};
  auto worker = start("one");
  driver.run_for(3s);
  stream.shards.clear();
  stream.gone = true;
  driver.run_for(60s);
  EXPECT_EQ(worker->end, FollowEnd::complete);
  EXPECT_EQ(worker->process.metrics.gaps, 2U) << "one for each shard";
  EXPECT_FALSE(worker->process.stop.is_open()) << "another stream may be followed after this one";
}

TEST_F(FollowTest, ADisabledStreamIsCompleteWhenALaterListingShowsNothingMore) {
  change("p", "a");
  change("c", "b");
  stream.shards["p"].closed = stream.shards["c"].closed = true;
  stream.shards["c"].parents = {"p"};
  stream.shards["c"].listed = false;  // a listing lags
  stream.ended = true;
  auto worker = start("one");
  driver.run_for(8s);
  EXPECT_FALSE(worker->end.has_value()) << "all that is listed is read, but for how long?";
  stream.shards["c"].listed = true;
  driver.run_for(40s);
  EXPECT_EQ(worker->end, FollowEnd::complete);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, AnAcquisitionWhoseAnswerIsLostIsTakenAgain) {
  change("s", "a");
  int calls = 0;
  leases.fate = [&](const core::ShardRow&) {
    return ++calls == 1 ? fakes::Leases::Fate::answer_lost : fakes::Leases::Fate::served;
  };
  auto worker = start("one");
  driver.run_for(5s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(leases.rows["s"].owner, "one");
  driver.run_for(30s);
  EXPECT_EQ(leases.rows["s"].checkpoint, "1000");
}

TEST_F(FollowTest, ALeaseTableThatIsAwayIsSaidAndWaitedFor) {
  change("s", "a");
  leases.down = true;
  auto worker = start("one");
  driver.run_for(60s);
  EXPECT_FALSE(worker->end);
  EXPECT_GE(worker->process.log.count("cannot read the lease table"), 1U);
  leases.down = false;
  driver.run_for(10s);
  EXPECT_TRUE(equal());
}

TEST_F(FollowTest, ALeaseTableThatMayNotBeWrittenIsSaid) {
  change("s", "a");
  core::ShardRow row;
  row.stream = "stream";
  row.shard = "s";
  leases.rows["s"] = row;
  leases.fate = [](const core::ShardRow&) { return fakes::Leases::Fate::failed; };
  auto worker = start("one");
  driver.run_for(60s);
  EXPECT_GE(worker->process.log.count("cannot take a shard"), 1U);
  EXPECT_LE(leases.replaces, 100);
}

TEST_F(FollowTest, LosingALeaseIsNotTheEnd) {
  change("s", "a");
  auto worker = start("one");
  driver.run_for(5s);
  leases.down = true;
  driver.run_for(20s);
  EXPECT_EQ(worker->process.metrics.lease_losses, 1U);
  leases.down = false;
  change("s", "b");
  driver.run_for(20s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(leases.rows["s"].owner, "one");
}

// A worker that hangs for longer than its lease and wakes up: the one that took over is not
// disturbed.
TEST_F(FollowTest, AWorkerThatWakesUpLateWritesNothing) {
  change("s", "a");
  auto sleeper = std::make_unique<Worker>(world, stream, "sleeper");
  sleeper->start();
  driver.run_for(5s);
  ASSERT_EQ(leases.rows["s"].owner, "sleeper");
  // It cannot reach the lease table, but the replica it can: the rival sees a counter that stands
  // still.
  leases.fate = [](const core::ShardRow& row) {
    return row.owner == "sleeper" ? fakes::Leases::Fate::failed : fakes::Leases::Fate::served;
  };
  auto rival = start("rival");
  driver.run_for(13s);
  ASSERT_EQ(leases.rows["s"].owner, "rival");
  const std::size_t before = world.replica.issued.size();
  change("s", "b");
  driver.run_for(5s);
  EXPECT_EQ(world.replica.issued.size(), before + 1) << "the rival's write alone";
  EXPECT_TRUE(equal());
}

// Changes go on while workers come and go; in the end both tables are equal and no checkpoint went
// back.
TEST_F(FollowTest, WorkersComeAndGoAndNothingIsLost) {
  for (int i = 0; i < 4; ++i) stream.shards["s" + std::to_string(i)];
  base::Prng prng(11);
  for (int i = 0; i < 3000; ++i) {
    driver.at(driver.now + i * 40ms, [this, &prng] {
      const std::string name = "k" + std::to_string(prng.below(40));
      change("s" + std::to_string(std::hash<std::string>{}(name) % 4), name);
    });
  }
  int writes = 0;
  world.replica.writes = [&](const auto&) {
    fakes::Table::WritePlan plan;
    if (++writes % 50 == 0) plan = {1h, {}, 9s, {}};  // times out here, lands four seconds later
    return plan;
  };
  std::map<int, std::unique_ptr<Worker>> workers;
  for (int i = 0; i < 12; ++i) {
    if (i >= 2) {
      if (i % 3 == 0) workers[i - 2]->process.stop.open(), driver.run_for(5s);
      workers.erase(i - 2);
    }
    workers[i] = start("w" + std::to_string(i));
    driver.run_for(15s);
  }
  driver.run_for(2min);
  EXPECT_TRUE(equal());
  for (const auto& [shard, row] : leases.rows) {
    EXPECT_EQ(row.checkpoint, stream.shards[shard].records.back().sequence);
  }
}

}  // namespace
}  // namespace dynamodb_replicator::flow

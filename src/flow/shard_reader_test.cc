// How a session reads: iterators that expire, data that retention has taken, the tip, and errors
// without end.
#include <gtest/gtest.h>

#include "flow/fakes_test.h"
#include "flow/shard_session.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::key;
using End = ShardSession::End;

struct ShardReaderTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  fakes::Leases& leases = world.leases;
  fakes::Stream stream{driver};
  fakes::Process process{driver, primary, replica, leases, "me"};
  Refresher refresher{*process.context};
  std::optional<ShardSession> session;
  std::optional<async::Scope> scope;
  core::ShardRow row;
  bool over = false;

  void SetUp() override {
    row.stream = "stream";
    row.shard = "s";
    row.nonce = "acquired";
    stream.shards["s"];
  }
  void start(Duration doubt = {}) {
    row.owner = "me";
    leases.rows["s"] = row;
    session.emplace(*process.context, refresher, stream, row, driver.now, doubt);
    scope.emplace(driver.loop);
    scope->spawn(refresher.run());
    scope->spawn([](ShardReaderTest& self) -> Task<void> {
      co_await self.session->run();
      self.over = true;
    }(*this));
  }
  void change(const std::string& name) {
    primary.put(name, 1);
    stream.add("s", key(name));
  }
  [[nodiscard]] bool equal() const { return primary.items == replica.items; }
  WallTime wall() { return process.clock.wall(); }
};

TEST_F(ShardReaderTest, ReadsBackToBackWhenBusyAndRarelyWhenIdle) {
  for (int i = 0; i < 100; ++i) change("k" + std::to_string(i));
  stream.limit = 2;
  start();
  driver.run_for(10s);
  EXPECT_GE(stream.reads, 40);
  EXPECT_LE(stream.reads, 50) << "five a second at most";
  driver.run_for(10s);
  const int before = stream.reads;
  driver.run_for(60s);
  EXPECT_LE(stream.reads - before, 60);
}

TEST_F(ShardReaderTest, KinesisIsReadBackToBackThroughEmptyTime) {
  stream.kinesis = true;
  stream.behind_at_tip = 1h;  // nothing here, more to come
  start();
  driver.run_for(10s);
  EXPECT_GE(stream.reads, 40);
}

TEST_F(ShardReaderTest, AnExpiredIteratorIsReplacedAfterTheLastFetchedRecord) {
  for (int i = 0; i < 6; ++i) change("k" + std::to_string(i));
  stream.limit = 2;
  int calls = 0;
  stream.pages = [&](const std::string&) -> std::optional<Failure> {
    if (++calls % 2 == 0) return failure(FailureKind::expired_iterator);
    return std::nullopt;
  };
  start();
  driver.run_for(10s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(process.metrics.records_read, 6U) << "none twice";
  ASSERT_GE(stream.opened.size(), 3U);
  EXPECT_EQ(stream.opened[1].sequence, "1001");
  EXPECT_EQ(stream.opened[2].sequence, "1003");
  EXPECT_EQ(process.metrics.gaps, 0U);
}

TEST_F(ShardReaderTest, TrimmedRecordsAreAGapAndItGoesOn) {
  for (int i = 0; i < 6; ++i) change("k" + std::to_string(i));
  stream.shards["s"].trimmed = 4;
  row.checkpoint = "1001";
  start();
  driver.run_for(10s);
  EXPECT_EQ(process.metrics.gaps, 1U);
  EXPECT_EQ(process.log.count("a gap"), 1U);
  EXPECT_EQ(leases.rows["s"].checkpoint, "1005");
  EXPECT_EQ(replica.items.size(), 2U);
}

TEST_F(ShardReaderTest, TrimmedWithoutEndIsTriedSlowly) {
  stream.opens = [](const auto&, const auto&) { return failure(FailureKind::trimmed); };
  row.checkpoint = "1001";
  start();
  driver.run_for(60s);
  EXPECT_LE(stream.opened.size(), 60U);
  EXPECT_EQ(process.metrics.gaps, 1U);
}

TEST_F(ShardReaderTest, NoErrorMakesItSpin) {
  for (const FailureKind kind :
       {FailureKind::expired_iterator, FailureKind::trimmed, FailureKind::not_found,
        FailureKind::throttled, FailureKind::transient, FailureKind::invalid, FailureKind::denied,
        FailureKind::unusable_answer}) {
    for (const bool opening : {true, false}) {
      stream.opens = nullptr;
      stream.pages = nullptr;
      if (opening) {
        stream.opens = [kind](const auto&, const auto&) { return failure(kind); };
      } else {
        stream.pages = [kind](const auto&) { return failure(kind); };
      }
      over = false;
      leases.history.clear();
      start();
      const std::size_t before = stream.opened.size() + static_cast<std::size_t>(stream.reads);
      driver.run_for(60s);
      const std::size_t calls =
          stream.opened.size() + static_cast<std::size_t>(stream.reads) - before;
      EXPECT_FALSE(over) << static_cast<int>(kind);
      EXPECT_GE(calls, 2U) << "goes on trying";
      EXPECT_LE(calls, 600U) << static_cast<int>(kind) << (opening ? " opening" : " reading");
      scope.reset();
      session.reset();
    }
  }
}

TEST_F(ShardReaderTest, ALastingTroubleIsSaid) {
  stream.pages = [](const auto&) {
    return failure(FailureKind::denied);
  };  // iterators are allowed, records not
  start();
  driver.run_for(10min);
  EXPECT_GE(process.log.count("cannot read a shard"), 5U);
}

TEST_F(ShardReaderTest, AShardThatIsGoneIsAGapAndFinished) {
  change("a");
  start();
  driver.run_for(3s);
  stream.shards.clear();
  driver.run_for(2min);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::finished);
  EXPECT_EQ(process.metrics.gaps, 1U);
  EXPECT_TRUE(leases.rows["s"].finished);
}

TEST_F(ShardReaderTest, AShardOfAStreamThatIsGoneIsFinishedAtOnce) {
  change("a");
  start();
  driver.run_for(3s);
  stream.shards.clear();
  stream.gone = true;
  driver.run_for(2s);
  ASSERT_TRUE(over) << "a stream does not come back";
  EXPECT_EQ(session->end(), End::finished);
  EXPECT_EQ(process.metrics.gaps, 1U);
}

TEST_F(ShardReaderTest, AGapIsNotFinishedWhileAFormerOwnersWritesMayLand) {
  stream.shards.clear();
  stream.gone = true;
  start(20s);
  driver.run_for(19s);
  EXPECT_EQ(process.metrics.gaps, 1U);
  EXPECT_FALSE(over) << "its children would write first";
  driver.run_for(2s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::finished);
}

TEST_F(ShardReaderTest, AShardThatIsOnlyNotFoundForAMomentIsNotGone) {
  change("a");
  start();
  driver.run_for(3s);
  const auto shards = stream.shards;
  stream.shards.clear();
  driver.run_for(3s);
  stream.shards = shards;
  change("b");
  driver.run_for(1min);
  EXPECT_FALSE(over);
  EXPECT_EQ(process.metrics.gaps, 0U);
  EXPECT_TRUE(equal());
}

TEST_F(ShardReaderTest, AStreamThatCannotBeListedIsNotGone) {
  start();
  driver.run_for(3s);
  stream.shards.clear();
  stream.list_failure = failure(FailureKind::not_found);
  driver.run_for(5min);
  EXPECT_FALSE(over);
  EXPECT_EQ(process.metrics.gaps, 0U);
}

// ---- what retention takes silently
// ----------------------------------------------------------------------------

TEST_F(ShardReaderTest, KinesisLongAwayIsAGapOnce) {
  stream.kinesis = true;
  for (int i = 0; i < 10; ++i) change("k" + std::to_string(i));
  stream.shards["s"].trimmed = 4;
  stream.limit = 1;
  stream.behind = 24h + 1min;
  row.checkpoint = "1001";
  row.read_through = wall() - 30h;
  start();
  driver.run_for(20s);
  EXPECT_EQ(process.metrics.gaps, 1U);
  EXPECT_EQ(leases.rows["s"].checkpoint, "1009");
}

TEST_F(ShardReaderTest, KinesisLongAwayBeforeItsFirstRecordIsAGapToo) {
  stream.kinesis = true;
  row.read_through = wall() - 30h;  // it was idle when we last looked, and had no record yet
  start();
  driver.run_for(20s);
  EXPECT_EQ(process.metrics.gaps, 1U);
}

TEST_F(ShardReaderTest, AGapIsToldByTheServicesClock) {
  stream.kinesis = true;
  stream.ahead = 20min;
  change("a");
  change("b");
  row.checkpoint = "1000";
  row.read_through = wall() - 23h - 50min;
  start();
  driver.run_for(20s);
  EXPECT_EQ(process.metrics.gaps, 1U);
  EXPECT_GT(leases.rows["s"].read_through, wall() + 19min) << "what is stored is its time too";
}

TEST_F(ShardReaderTest, KinesisFromTheOldestRecordIsNoGap) {
  stream.kinesis = true;
  for (int i = 0; i < 10; ++i) change("k" + std::to_string(i));
  stream.limit = 1;
  stream.behind = 24h + 1min;  // what is about to be dropped
  start();
  driver.run_for(20s);
  EXPECT_EQ(process.metrics.gaps, 0U);
}

TEST_F(ShardReaderTest, KinesisShortlyAwayIsNoGap) {
  stream.kinesis = true;
  change("a");
  change("b");
  row.checkpoint = "1000";
  row.read_through = wall() - 23h;
  start();
  driver.run_for(20s);
  EXPECT_EQ(process.metrics.gaps, 0U);
}

// ---- positions and the tip
// ------------------------------------------------------------------------------------

TEST_F(ShardReaderTest, LatestOnATableStreamPassesOverWhatIsOlder) {
  row.start = {core::StartAt::Kind::at_time, wall()};
  primary.put("old", 1);
  for (int i = 0; i < 20; ++i) stream.add("s", key("old")).at = wall() - 1h;
  stream.limit = 1;
  start();
  driver.run_for(10s);
  change("new");
  driver.run_for(5s);
  EXPECT_EQ(leases.rows["s"].checkpoint, "1020");
  EXPECT_FALSE(replica.items.contains("old")) << "also after the first checkpoint";
  EXPECT_TRUE(replica.items.contains("new"));
  EXPECT_EQ(stream.opened[0].kind, Position::Kind::trim_horizon);
}

TEST_F(ShardReaderTest, AStartTimeOnKinesisIsAPosition) {
  stream.kinesis = true;
  row.start = {core::StartAt::Kind::at_time, wall() - 1h};
  start();
  driver.run_for(1s);
  ASSERT_FALSE(stream.opened.empty());
  EXPECT_EQ(stream.opened[0].kind, Position::Kind::at_time);
  EXPECT_EQ(stream.opened[0].time, row.start.time);
}

TEST_F(ShardReaderTest, ATableStreamIsAtItsTipAfterTenQuietSeconds) {
  change("a");
  start();
  const WallTime began = wall();
  driver.run_for(5s);
  EXPECT_FALSE(process.metrics.shards["s"].caught_up);
  EXPECT_LT(session->progress().read_through, began) << "a record's time is rounded to a second";
  driver.run_for(10s);
  EXPECT_TRUE(process.metrics.shards["s"].caught_up);
  EXPECT_GT(session->progress().read_through, began);
  EXPECT_EQ(lag_seconds(process.metrics, wall()), 0.0);
}

TEST_F(ShardReaderTest, AShardThatHasAppliedNothingYetIsNotCaughtUp) {
  change("a");
  driver.run_for(60s);
  replica.writes = [](const std::vector<Write>&) {
    fakes::Table::WritePlan plan;
    plan.failure = failure(FailureKind::transient);
    return plan;
  };
  start();
  driver.run_for(120s);
  EXPECT_GE(lag_seconds(process.metrics, wall()), 180.0) << "since its first record";
  replica.writes = nullptr;
  driver.run_for(60s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(lag_seconds(process.metrics, wall()), 0.0);
}

TEST_F(ShardReaderTest, AStreamThatGivesNoAnswerIsNotCaughtUp) {
  stream.pages = [](const std::string&) { return failure(FailureKind::transient); };
  start();
  driver.run_for(120s);
  EXPECT_GE(lag_seconds(process.metrics, wall()), 120.0) << "since it was taken";
}

TEST_F(ShardReaderTest, KinesisSaysHowFarItIs) {
  stream.kinesis = true;
  const WallTime began = wall();
  start();
  driver.run_for(2s);
  EXPECT_GE(session->progress().read_through, began);
  EXPECT_TRUE(process.metrics.shards["s"].caught_up);
}

TEST_F(ShardReaderTest, ApplicationsRecordsOnKinesisAreVerifiedAndAwsOwnAreNot) {
  stream.kinesis = true;
  change("app");
  change("aws");
  stream.shards["s"].records[1].from_aws = true;
  start();
  driver.run_for(5s);
  EXPECT_EQ(primary.reads_of["app"], 2);
  EXPECT_EQ(primary.reads_of["aws"], 1);
}

TEST_F(ShardReaderTest, ReadsNoFurtherThanItsBacklogAllows) {
  for (int i = 0; i < 40'000; ++i) stream.add("s", key("k" + std::to_string(i % 50)));
  replica.writes = [](const auto&) {
    fakes::Table::WritePlan plan;
    plan.failure = failure(FailureKind::throttled);
    return plan;
  };
  start();
  driver.run_for(60s);
  EXPECT_EQ(process.metrics.records_read, 10'000U);
  EXPECT_FALSE(over);
}

}  // namespace
}  // namespace dynamodb_replicator::flow

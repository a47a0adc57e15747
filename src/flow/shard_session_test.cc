// One shard under a lease: what is checkpointed, what is set aside, and what happens when the lease
// is lost.
#include "flow/shard_session.h"

#include <gtest/gtest.h>

#include "flow/fakes_test.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::key;
using Fate = fakes::Leases::Fate;
using End = ShardSession::End;
using WritePlan = fakes::Table::WritePlan;

struct ShardSessionTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  fakes::Leases& leases = world.leases;
  fakes::Stream stream{driver};
  fakes::Process process{driver, primary, replica, leases, "me"};
  fakes::FencedTable fenced{replica, leases};
  Refresher refresher;
  std::optional<ShardSession> session;
  std::optional<async::Scope> scope;
  core::ShardRow first;  // the row before we take it
  Duration doubt{};
  bool over = false;
  Instant over_at{};

  explicit ShardSessionTest(bool in_fenced_mode = false)
      : refresher([&]() -> Context& {
          process.settings.stripes = 2;
          if (in_fenced_mode) process.context->fenced = &fenced;
          return *process.context;
        }()) {}
  void SetUp() override {
    first.stream = "stream";
    first.shard = "s";
    stream.shards["s"];
    process.settings.dead_letter = "dead.jsonl";
  }

  void start() {
    core::ShardRow row = first;
    row.owner = "me";
    row.nonce = "acquired";
    row.clean = false;
    leases.rows["s"] = row;
    session.emplace(*process.context, refresher, stream, row, driver.now, doubt);
    scope.emplace(driver.loop);
    scope->spawn(refresher.run());
    scope->spawn([](ShardSessionTest& self) -> Task<void> {
      co_await self.session->run();
      self.over = true;
      self.over_at = self.driver.now;
    }(*this));
  }
  void change(const std::string& name, int version) {
    primary.put(name, version);
    stream.add("s", key(name));
  }
  [[nodiscard]] const core::ShardRow& row() { return leases.rows["s"]; }
  [[nodiscard]] bool equal() const { return primary.items == replica.items; }
};

TEST_F(ShardSessionTest, ChecksPointsWhatIsApplied) {
  change("a", 1);
  change("b", 1);
  start();
  driver.run_for(3s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().checkpoint, "1001");
  EXPECT_EQ(row().owner, "me");
  change("c", 1);
  driver.run_for(3s);
  EXPECT_EQ(row().checkpoint, "1002");
}

TEST_F(ShardSessionTest, TheCheckpointStandsBeforeWhatIsNotApplied) {
  change("stuck", 1);
  change("b", 1);
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    for (const Write& one : writes) {
      if (one.key->canonical() == "stuck") plan.failure = failure(FailureKind::throttled);
    }
    return plan;
  };
  start();
  driver.run_for(60s);
  EXPECT_EQ(row().checkpoint, "");
  EXPECT_EQ(row().owner, "me") << "the lease is kept all the same";
}

TEST_F(ShardSessionTest, RenewsAnIdleLease) {
  start();
  driver.run_for(60s);
  EXPECT_FALSE(over);
  EXPECT_GE(leases.history.size(), 17U) << "every third of ten seconds";
  EXPECT_LE(leases.history.size(), 25U);
  EXPECT_TRUE(row().read_through) << "an idle shard is known to be read";
}

TEST_F(ShardSessionTest, GoesOnAfterItsCheckpoint) {
  change("a", 1);
  change("b", 1);
  first.checkpoint = "1000";
  start();
  driver.run_for(3s);
  EXPECT_FALSE(replica.items.contains("a"));
  EXPECT_TRUE(replica.items.contains("b"));
  ASSERT_FALSE(stream.opened.empty());
  EXPECT_EQ(stream.opened[0].kind, Position::Kind::after);
}

TEST_F(ShardSessionTest, IsFinishedOnlyWhenEverythingIsApplied) {
  change("a", 1);
  stream.shards["s"].closed = true;
  int calls = 0;
  replica.writes = [&](const auto&) {
    return ++calls == 1 ? WritePlan{1h, {}, {}, {}} : WritePlan{};
  };
  start();
  driver.run_for(15s);
  EXPECT_TRUE(equal());
  EXPECT_FALSE(over) << "the attempt that timed out may still land";
  EXPECT_FALSE(row().finished);
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::finished);
  EXPECT_TRUE(row().finished);
  EXPECT_TRUE(row().clean);
  EXPECT_EQ(row().owner, "");
  EXPECT_EQ(row().checkpoint, "1000");
}

// ---- the lease
// ------------------------------------------------------------------------------------------------

TEST_F(ShardSessionTest, KnowsItsOwnRenewalAfterALostAnswer) {
  bool lose = true;
  leases.fate = [&](const core::ShardRow&) {
    return std::exchange(lose, !lose) ? Fate::answer_lost : Fate::served;
  };
  change("a", 1);
  start();
  driver.run_for(60s);
  EXPECT_FALSE(over);
  EXPECT_EQ(row().checkpoint, "1000");
  EXPECT_EQ(process.metrics.lease_losses, 0U);
}

TEST_F(ShardSessionTest, AfterALostAnswerTheLeaseCountsFromTheFirstAttempt) {
  start();
  const Instant began = driver.now;
  driver.run_for(3s);
  leases.takes = 2900ms;  // slow, and the first answer is lost
  int calls = 0;
  leases.fate = [&](const core::ShardRow&) {
    return ++calls == 1 ? Fate::answer_lost : Fate::served;
  };
  driver.run_for(6500ms);
  ASSERT_GE(leases.history.size(), 1U);
  EXPECT_LE(session->hold().renewed, began + 4s);
  EXPECT_GE(session->hold().renewed, began + 3s);
}

TEST_F(ShardSessionTest, WhoCannotRenewWritesNothingAfterTwoThirdsAndEndsWithTheLease) {
  start();
  driver.run_for(1s);
  leases.down = true;
  const Instant until = session->hold().issue_until();
  const Instant end = session->hold().end();
  for (int i = 0; i < 200; ++i) {
    driver.at(driver.now + i * 100ms, [this, i] { change("k" + std::to_string(i), 1); });
  }
  driver.run_for(30s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::lost);
  EXPECT_LE(over_at, end);
  EXPECT_FALSE(replica.issued.empty());
  for (const auto& one : replica.issued) {
    EXPECT_LT(one.at, until);
    EXPECT_LE(one.deadline, end);
  }
  EXPECT_EQ(process.metrics.lease_losses, 1U);
}

TEST_F(ShardSessionTest, ARowTakenByAnotherEndsItAtOnceAndIsLeftAlone) {
  start();
  driver.run_for(1s);
  core::ShardRow theirs = row();
  theirs.owner = "other";
  theirs.nonce = "theirs";
  leases.rows["s"] = theirs;
  driver.run_for(3s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::lost);
  change("a", 1);
  driver.run_for(10s);
  EXPECT_TRUE(replica.issued.empty());
  EXPECT_EQ(row().owner, "other");
  EXPECT_EQ(row().nonce, "theirs");
}

TEST_F(ShardSessionTest, ATakeoverIsCheckedBeforeTheCheckpointPasses) {
  doubt = 15s;
  change("a", 2);
  start();
  driver.at(driver.now + 10s, [&] { replica.put("a", 1); });  // the former owner's late write
  driver.run_for(14s);
  EXPECT_EQ(row().checkpoint, "");
  EXPECT_FALSE(equal());
  driver.run_for(4s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().checkpoint, "1000");
}

// ---- junk
// -----------------------------------------------------------------------------------------------------

TEST_F(ShardSessionTest, JunkIsDurableBeforeTheCheckpointPassesIt) {
  change("a", 1);
  stream.add_junk("s");
  change("b", 1);
  process.files.broken = true;
  start();
  driver.run_for(30s);
  EXPECT_EQ(row().checkpoint, "1000");
  EXPECT_TRUE(equal()) << "the records after it are applied";
  process.files.broken = false;
  driver.run_for(30s);
  EXPECT_EQ(row().checkpoint, "1002");
  ASSERT_EQ(process.files.lines.size(), 1U);
  EXPECT_EQ(
      process.files.lines[0],
      R"({"stream":"stream","shard":"s","sequence":"1001","reason":"it is not JSON","raw":"cmF3MTAwMQ=="})");
  EXPECT_EQ(process.metrics.dead_lettered, 1U);
}

TEST_F(ShardSessionTest, ARecordWithManyBadEntriesIsOneDeadLetter) {
  primary.put("a", 1);
  stream.add_entries("s", {Junk{"first"}, key("a"), Junk{"second"}, NotOurs{}, Junk{"third"}});
  start();
  driver.run_for(5s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().checkpoint, "1000");
  ASSERT_EQ(process.files.lines.size(), 1U);
  EXPECT_NE(process.files.lines[0].find("first (and 2 more entries of this record)"),
            std::string::npos);
  EXPECT_EQ(process.metrics.records_skipped, 1U);
}

TEST_F(ShardSessionTest, WithoutADeadLetterFileTheShardStopsWithASentence) {
  process.settings.dead_letter.clear();
  for (int i = 0; i < 900; ++i) change("k" + std::to_string(i), 1);
  stream.add_junk("s");
  start();
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::stopped);
  EXPECT_NE(session->reason().find(
                "record 1900 can never be applied: it is not JSON. Give --dead-letter FILE"),
            std::string::npos)
      << session->reason();
  EXPECT_EQ(row().checkpoint, "1899") << "everything before it is applied";
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().owner, "");
  EXPECT_TRUE(process.files.lines.empty());
}

TEST_F(ShardSessionTest, AnItemThatTheReplicaRefusesIsJunkToo) {
  change("a", 1);
  change("poison", 1);
  change("b", 1);
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    for (const Write& one : writes) {
      if (one.key->canonical() == "poison") plan.failure = failure(FailureKind::invalid);
    }
    return plan;
  };
  start();
  driver.run_for(5s);
  EXPECT_EQ(row().checkpoint, "1002");
  EXPECT_EQ(process.files.lines.size(), 1U);
}

TEST_F(ShardSessionTest, TooMuchJunkIsTheWrongStream) {
  for (int i = 0; i < 30; ++i) stream.add_junk("s");
  start();
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::stopped);
  EXPECT_NE(session->reason().find("Is this the stream of the primary table?"), std::string::npos);
}

TEST_F(ShardSessionTest, TenBadRecordsAreNot) {
  for (int i = 0; i < 10; ++i) stream.add_junk("s");
  start();
  driver.run_for(10s);
  EXPECT_FALSE(over);
  EXPECT_EQ(row().checkpoint, "1009");
}

// ---- stopping
// -------------------------------------------------------------------------------------------------

TEST_F(ShardSessionTest, ACleanStopFinishesWhatIsReadAndGivesTheRowBack) {
  for (int i = 0; i < 300; ++i) change("k" + std::to_string(i), 1);
  replica.writes = [](const auto&) { return WritePlan{500ms, {}, {}, {}}; };
  start();
  driver.run_for(200ms);
  process.stop.open();
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(session->end(), End::drained);
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().checkpoint, "1299");
  EXPECT_EQ(row().owner, "");
  EXPECT_TRUE(row().clean);
}

TEST_F(ShardSessionTest, AStopWithinDoubtGivesTheRowBackUnclean) {
  change("a", 1);
  int calls = 0;
  replica.writes = [&](const auto&) {
    return ++calls == 1 ? WritePlan{1h, {}, {}, {}} : WritePlan{};
  };
  start();
  driver.run_for(7s);
  process.stop.open();
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(row().owner, "");
  EXPECT_FALSE(row().clean);
  EXPECT_EQ(row().checkpoint, "");
}

TEST_F(ShardSessionTest, AStopIsOverInTimeWhateverHangs) {
  change("a", 1);
  replica.writes = [](const auto&) { return WritePlan{1h, {}, {}, {}}; };
  start();
  driver.run_for(3s);
  const Instant asked = driver.now;
  process.stop.open();
  driver.run_for(20s);
  ASSERT_TRUE(over);
  EXPECT_LE(over_at, asked + 9s);
}

TEST_F(ShardSessionTest, NothingIsIssuedOnceTheRowIsGivenBack) {
  for (int i = 0; i < 9000; ++i) change("k" + std::to_string(i), 1);
  replica.writes = [](const auto&) { return WritePlan{1s, {}, {}, {}}; };
  Instant given_back = Instant::max();
  leases.stored = [&](const core::ShardRow& stored) {
    if (stored.owner.empty()) given_back = driver.now;
  };
  leases.takes = 500ms;
  start();
  driver.run_for(2500ms);
  const Instant asked = driver.now;
  process.stop.open();
  driver.run_for(20s);
  ASSERT_LT(given_back, Instant::max());
  EXPECT_LE(given_back, asked + 9s);
  EXPECT_FALSE(row().clean) << "not everything was done";
  for (const auto& one : replica.issued)
    EXPECT_LE(one.at + 1s, given_back) << "in flight when it was given back";
}

TEST_F(ShardSessionTest, APageThatArrivesAfterTheStopIsNotTaken) {
  change("a", 1);
  replica.writes = [](const auto&) { return WritePlan{4s, {}, {}, {}}; };
  start();
  driver.run_for(1100ms);
  stream.read_takes = 2s;
  change("b", 1);
  driver.run_for(900ms);
  process.stop.open();
  driver.run_for(10s);
  ASSERT_TRUE(over);
  EXPECT_EQ(row().checkpoint, "1000") << "what was in flight has been finished";
  EXPECT_TRUE(row().clean);
  EXPECT_FALSE(replica.items.contains("b"));
}

struct FencedSessionTest : ShardSessionTest {
  FencedSessionTest() : ShardSessionTest(true) {}
};

TEST_F(FencedSessionTest, NothingIsReadBeforeTheFenceIsRaised) {
  leases.fence_fate = [this](const core::Fence& fence) {
    EXPECT_EQ(primary.read_calls, 0);
    EXPECT_EQ(stream.reads, 0);
    return fence.stripe == 1 && driver.now < Instant{} + 1h + 2s ? Fate::failed : Fate::served;
  };
  first.counter = 40;
  doubt = 20s;
  change("a", 1);
  start();
  driver.run_for(1s);
  EXPECT_EQ(stream.reads, 0) << "one stripe is not raised yet";
  driver.run_for(4s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(row().checkpoint, "1000") << "no doubt to wait for";
  EXPECT_EQ(leases.fences[0].generation, 40U);
  EXPECT_EQ(leases.fences[1].generation, 40U);
}

TEST_F(FencedSessionTest, WhoIsFencedOutHasLostTheShardAndLeavesTheRowAlone) {
  start();
  driver.run_for(1s);
  for (auto& [stripe, stored] : leases.fences) stored.generation = 1000;
  leases.rows["s"].owner = "another";
  leases.rows["s"].nonce = "theirs";
  change("a", 1);
  driver.run_for(1s);
  EXPECT_TRUE(over);
  EXPECT_EQ(session->end(), End::lost);
  EXPECT_TRUE(replica.items.empty());
  EXPECT_EQ(row().owner, "another");
  EXPECT_EQ(row().checkpoint, "");
}

TEST_F(FencedSessionTest, ANewerOwnerThatRaisedFirstWins) {
  leases.fences[1] = {"stream", "s", 1, 1000, 0, "theirs"};
  change("a", 1);
  start();
  driver.run_for(1s);
  EXPECT_TRUE(over);
  EXPECT_EQ(session->end(), End::lost);
  EXPECT_EQ(session->fence_generation(), 1000U);
  EXPECT_EQ(stream.reads, 0);
}

}  // namespace
}  // namespace dynamodb_replicator::flow

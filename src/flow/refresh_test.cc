// The one function that writes the replica, against every way in which its reads and writes can go
// wrong.
#include "flow/refresh.h"

#include <gtest/gtest.h>

#include "flow/fakes_test.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::item;
using fakes::key;
using ReadPlan = fakes::Table::ReadPlan;
using WritePlan = fakes::Table::WritePlan;

struct Owner : ClaimOwner {
  [[nodiscard]] core::Hold hold() const override { return hold_; }
  [[nodiscard]] std::optional<Instant> takeover_until() const override { return takeover; }
  [[nodiscard]] std::shared_ptr<ShardFence> fence() const override { return nullptr; }
  void fenced_out() override {}
  void finished(core::Watermark::Slot slot) override {
    EXPECT_TRUE(done.insert(slot).second) << "finished twice";
    if (on_finished) on_finished(slot);
  }
  void refused(core::Watermark::Slot slot, const std::string& reason) override {
    poison[slot] = reason;
  }

  core::Hold hold_;
  std::optional<Instant> takeover;
  std::set<core::Watermark::Slot> done;
  std::map<core::Watermark::Slot, std::string> poison;
  std::function<void(core::Watermark::Slot)> on_finished;
};

struct RefresherTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  fakes::Process process{driver, primary, replica, world.leases, "me"};
  Owner owner;
  std::optional<Refresher> refresher;
  std::optional<async::Scope> scope;
  std::uint64_t session = 0;
  core::Watermark::Slot next_slot = 0;

  void SetUp() override { start(); }
  void start() {
    refresher.emplace(*process.context);
    scope.emplace(driver.loop);
    scope->spawn(refresher->run());
    owner.hold_ = {driver.now, 1h};
    session = refresher->enlist(owner);
    driver.run_for(0s);
  }
  core::Watermark::Slot arrive(const std::string& name, bool verify = false) {
    refresher->arrive(key(name), {session, next_slot, verify});
    refresher->poke();
    return next_slot++;
  }
  [[nodiscard]] bool equal() const { return primary.items == replica.items; }
};

TEST_F(RefresherTest, WritesWhatThePrimaryHasAndDeletesWhatItHasNot) {
  primary.put("a", 1);
  replica.put("b", 1);
  arrive("a");
  arrive("b");
  driver.run_for(1s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(replica.items.at("a"), item("a", 1)) << "the raw item, as it came";
  EXPECT_EQ(owner.done.size(), 2U);
  EXPECT_EQ(process.metrics.puts, 1U);
  EXPECT_EQ(process.metrics.deletes, 1U);
  EXPECT_EQ(process.metrics.records_applied, 2U);
}

TEST_F(RefresherTest, TwoRecordsOfOneKeyAreOneTurn) {
  primary.put("a", 2);
  arrive("a");
  arrive("a");
  driver.run_for(1s);
  EXPECT_EQ(owner.done.size(), 2U);
  EXPECT_EQ(replica.issued.size(), 1U);
  EXPECT_EQ(process.metrics.records_coalesced, 1U);
}

TEST_F(RefresherTest, ARecordThatArrivesDuringATurnIsReadAgain) {
  primary.put("a", 1);
  replica.writes = [](const auto&) { return WritePlan{1s, {}, {}, {}}; };
  arrive("a");
  driver.run_for(500ms);
  primary.put("a", 2);
  arrive("a");
  driver.run_for(700ms);
  EXPECT_EQ(owner.done.size(), 1U) << "the first record only";
  driver.run_for(1s);
  EXPECT_EQ(owner.done.size(), 2U);
  EXPECT_TRUE(equal());
}

TEST_F(RefresherTest, ManyKeysGoInBatchesOfTwentyFive) {
  for (int i = 0; i < 130; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  driver.run_for(5s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 130U);
  EXPECT_EQ(primary.read_calls, 2) << "100 keys a read";
  EXPECT_EQ(replica.issued.size(), 6U);
}

TEST_F(RefresherTest, BatchesAreCutByWireBytes) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = "k" + std::to_string(i);
    primary.items[name] =
        R"({"id":{"S":")" + name + R"("},"v":{"S":")" + std::string(1'000'000, 'x') + "\"}}";
    arrive(name);
  }
  driver.run_for(5s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(replica.issued.size(), 2U) << "14 of a little more than 1 MB, then 6";
  for (const auto& one : replica.issued) EXPECT_LE(one.writes.size(), 14U);
}

TEST_F(RefresherTest, UnprocessedKeysGoRoundAgain) {
  for (int i = 0; i < 20; ++i) primary.put("k" + std::to_string(i), i);
  int calls = 0;
  primary.reads = [&](std::span<const item::KeyRef> keys) {
    ReadPlan plan;
    if (++calls <= 3) {
      for (std::size_t i = 0; i < keys.size(); i += 2)
        plan.unprocessed.insert(keys[i]->canonical());
    }
    return plan;
  };
  for (int i = 0; i < 20; ++i) arrive("k" + std::to_string(i));
  driver.run_for(10s);
  EXPECT_TRUE(equal()) << "an unprocessed key is not an absent one";
  EXPECT_EQ(owner.done.size(), 20U);
}

TEST_F(RefresherTest, WhatDoesNotFitIntoOneAnswerIsNotThrottling) {
  for (int i = 0; i < 100; ++i) {
    const std::string name = "k" + std::to_string(i);
    primary.items[name] =
        R"({"id":{"S":")" + name + R"("},"v":{"S":")" + std::string(300'000, 'x') + "\"}}";
    arrive(name);
  }
  primary.reads = [](std::span<const item::KeyRef> keys) {
    ReadPlan plan;
    for (std::size_t i = 4; i < keys.size(); ++i) plan.unprocessed.insert(keys[i]->canonical());
    return plan;
  };
  driver.run_for(1s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 100U);
  EXPECT_EQ(primary.read_calls, 25);
}

TEST_F(RefresherTest, UnprocessedItemsGoRoundAgainAndAreInDoubt) {
  for (int i = 0; i < 20; ++i) primary.put("k" + std::to_string(i), i);
  bool first = true;
  replica.writes = [&](const std::vector<Write>& writes) {
    WritePlan plan;
    if (first) {
      for (std::size_t i = 0; i < writes.size(); i += 4)
        plan.unprocessed.insert(writes[i].key->canonical());
    }
    first = false;
    return plan;
  };
  for (int i = 0; i < 20; ++i) arrive("k" + std::to_string(i));
  driver.run_for(10s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 15U) << "five are in doubt for a while";
  driver.run_for(20s);
  EXPECT_EQ(owner.done.size(), 20U);
  EXPECT_EQ(process.metrics.unprocessed, 5U);
  EXPECT_EQ(process.metrics.rechecks, 5U);
  EXPECT_EQ(process.metrics.rechecks_repaired, 0U);
}

TEST_F(RefresherTest, OnePoisonItemIsFoundByBisection) {
  for (int i = 0; i < 25; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    for (const Write& one : writes) {
      if (one.key->canonical() == "k13") plan.failure = failure(FailureKind::invalid);
    }
    return plan;
  };
  driver.run_for(10s);
  EXPECT_EQ(owner.done.size(), 24U);
  ASSERT_EQ(owner.poison.size(), 1U);
  EXPECT_NE(owner.poison.at(13).find("the replica refuses this item"), std::string::npos);
  EXPECT_EQ(replica.items.size(), 24U);
  EXPECT_LE(replica.issued.size(), 11U) << "halves, not singles";
}

TEST_F(RefresherTest, OneKeyThatThePrimaryRefusesToReadIsFoundByBisection) {
  for (int i = 0; i < 25; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  primary.reads = [](std::span<const item::KeyRef> keys) {
    ReadPlan plan;
    for (const item::KeyRef& one : keys) {
      if (one->canonical() == "k13") plan.failure = failure(FailureKind::invalid);
    }
    return plan;
  };
  driver.run_for(10s);
  EXPECT_EQ(owner.done.size(), 24U);
  EXPECT_EQ(owner.poison.size(), 1U);
}

TEST_F(RefresherTest, ARequestTooLargeIsSplit) {
  for (int i = 0; i < 8; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    if (writes.size() > 2) plan.failure = failure(FailureKind::too_large);
    return plan;
  };
  driver.run_for(10s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 8U);
  EXPECT_TRUE(owner.poison.empty());
}

TEST_F(RefresherTest, FailuresAreTriedUntilTheyPass) {
  primary.put("a", 1);
  const Instant mended = driver.now + 3min;
  primary.reads = [&](auto) {
    ReadPlan plan;
    if (driver.now < mended) plan.failure = failure(FailureKind::transient);
    return plan;
  };
  arrive("a");
  driver.run_for(3min);
  EXPECT_TRUE(owner.done.empty());
  EXPECT_LT(primary.read_calls, 100) << "backs off";
  driver.run_for(21s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 1U);
}

TEST_F(RefresherTest, TroubleThatAPersonMustMendIsSaidAndEnds) {
  primary.put("a", 1);
  bool mended = false;
  replica.writes = [&](const auto&) {
    WritePlan plan;
    if (!mended) plan.failure = failure(FailureKind::denied);
    return plan;
  };
  arrive("a");
  driver.run_for(10s);
  EXPECT_FALSE(refresher->blocked().empty());
  EXPECT_EQ(process.log.count("trying again"), 1U);
  mended = true;
  driver.run_for(21s);
  EXPECT_TRUE(refresher->blocked().empty());
  EXPECT_TRUE(equal());
}

TEST_F(RefresherTest, TroubleOfReadingEndsWhenAReadPasses) {
  replica.put("a", 1);
  primary.put("a", 1);
  owner.takeover = driver.now + 15s;
  arrive("a");
  driver.run_for(10s);  // written, and to be rechecked at 15 s
  bool mended = false;
  primary.reads = [&](auto) {
    ReadPlan plan;
    if (!mended) plan.failure = failure(FailureKind::denied);
    return plan;
  };
  driver.run_for(10s);
  EXPECT_FALSE(refresher->blocked().empty());
  mended = true;
  driver.run_for(21s);
  EXPECT_TRUE(refresher->blocked().empty()) << "although nothing had to be written";
  EXPECT_EQ(owner.done.size(), 1U);
}

TEST_F(RefresherTest, ThrottledWritesShrinkTheWindowAndArePassedOn) {
  for (int i = 0; i < 500; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  const Instant mended = driver.now + 10s;
  replica.writes = [&](const auto&) {
    WritePlan plan;
    if (driver.now < mended) plan.failure = failure(FailureKind::throttled);
    return plan;
  };
  driver.run_for(60s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 500U);
  EXPECT_GT(process.metrics.throttles, 0U);
}

// ---- doubt
// ----------------------------------------------------------------------------------------------------

TEST_F(RefresherTest, ALateWriteIsRepairedBeforeItsRecordCounts) {
  primary.put("a", 1);
  int calls = 0;
  replica.writes = [&](const auto&) {
    // The first attempt times out after 5 s and lands 14 s later, over everything that was written
    // meanwhile.
    if (++calls == 1) return WritePlan{1h, {}, 19s, {}};
    return WritePlan{};
  };
  owner.on_finished = [&](auto) {
    EXPECT_TRUE(equal()) << "a record counts although the replica is behind";
  };
  arrive("a");
  driver.run_for(4s);
  primary.put("a", 2);
  arrive("a");
  driver.run_for(10s);
  EXPECT_TRUE(equal()) << "the second attempt read again";
  EXPECT_TRUE(owner.done.empty()) << "in doubt";
  driver.run_for(5500ms);  // 19.5 s
  EXPECT_EQ(replica.items.at("a"), item("a", 1)) << "the late one has landed";
  EXPECT_TRUE(owner.done.empty());
  driver.run_for(5s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 2U);
  EXPECT_EQ(process.metrics.rechecks_repaired, 1U);
}

TEST_F(RefresherTest, ATimedOutBatchIsHalvedAndDoesNotBecomeAStorm) {
  for (int i = 0; i < 1000; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  replica.writes = [&](const std::vector<Write>& writes) {
    return writes.size() > 3 ? WritePlan{1h, {}, {}, {}} : WritePlan{1s, {}, {}, {}};
  };
  driver.run_for(200s);
  EXPECT_EQ(owner.done.size(), 1000U);
  EXPECT_TRUE(equal());
  std::size_t most = 0;
  for (const auto& one : replica.issued) {
    const auto beside = std::count_if(
        replica.issued.begin(), replica.issued.end(),
        [&](const auto& other) { return other.at <= one.at && one.at < other.at + 1s; });
    most = std::max(most, static_cast<std::size_t>(beside));
  }
  EXPECT_LE(most, 2 * Refresher::kLanes * 4U) << "smaller batches, not more of them at a time";
}

TEST_F(RefresherTest, AfterATakeoverEveryKeyIsReadAgainOnBothSides) {
  owner.takeover = driver.now + 15s;
  primary.put("a", 2);
  primary.put("b", 2);
  arrive("a");
  arrive("b");
  driver.at(driver.now + 12s, [&] { replica.put("a", 1); });  // the former owner's late write
  driver.run_for(10s);
  EXPECT_TRUE(equal());
  EXPECT_TRUE(owner.done.empty());
  driver.run_for(10s);
  EXPECT_TRUE(equal());
  EXPECT_EQ(owner.done.size(), 2U);
  EXPECT_EQ(process.metrics.rechecks, 2U);
  EXPECT_EQ(process.metrics.rechecks_repaired, 1U);
  primary.put("c", 1);
  arrive("c");
  driver.run_for(100ms);
  EXPECT_EQ(owner.done.size(), 3U) << "the takeover is over";
}

// ---- leases
// ---------------------------------------------------------------------------------------------------

TEST_F(RefresherTest, NoWriteIsIssuedPastTwoThirdsOfTheLease) {
  owner.hold_ = {driver.now, 9s};
  primary.put("a", 1);
  driver.run_for(6s);
  arrive("a");
  driver.run_for(10s);
  EXPECT_TRUE(replica.issued.empty());
  EXPECT_EQ(process.metrics.retries, 0U) << "waiting for the renewal is no failure";
  owner.hold_.renewed = driver.now;
  driver.run_for(1s);
  EXPECT_EQ(owner.done.size(), 1U);
}

TEST_F(RefresherTest, AReadThatTakesLongDoesNotCarryAWriteOverTheLimit) {
  owner.hold_ = {driver.now, 9s};
  primary.put("a", 1);
  primary.reads = [](auto) { return ReadPlan{7s, {}, {}}; };
  arrive("a");
  driver.run_for(9s);
  EXPECT_TRUE(replica.issued.empty());
}

TEST_F(RefresherTest, EveryDeadlineLiesInsideTheLeaseOfEachKeyInTheBatch) {
  owner.hold_ = {driver.now, 6s};
  Owner longer;
  longer.hold_ = {driver.now, 60s};
  const std::uint64_t other = refresher->enlist(longer);
  primary.put("a", 1);
  primary.put("b", 1);
  driver.run_for(3s);
  arrive("a");
  refresher->arrive(key("b"), {other, 0});
  driver.run_for(1s);
  ASSERT_EQ(replica.issued.size(), 1U);
  EXPECT_EQ(replica.issued[0].deadline, owner.hold_.end()) << "the shortest of the batch";
  refresher->arrive(key("b"), {other, 1});
  refresher->poke();
  driver.run_for(1s);
  ASSERT_EQ(replica.issued.size(), 2U);
  EXPECT_EQ(replica.issued[1].deadline - replica.issued[1].at, Duration(Refresher::kWriteTimeout));
  refresher->dismiss(other);
}

TEST_F(RefresherTest, AKeyThatALiveSessionWantsIsWrittenUnderThatOne) {
  owner.hold_ = {driver.now - 1h, 1s};  // long over
  Owner live;
  live.hold_ = {driver.now, 60s};
  const std::uint64_t other = refresher->enlist(live);
  primary.put("a", 1);
  arrive("a");
  refresher->arrive(key("a"), {other, 0});
  driver.run_for(1s);
  EXPECT_EQ(live.done.size(), 1U);
  EXPECT_TRUE(equal());
  refresher->dismiss(other);
}

TEST_F(RefresherTest, ASessionThatHasEndedHearsNothingMore) {
  primary.put("a", 1);
  replica.writes = [](const auto&) { return WritePlan{2s, {}, {}, {}}; };
  arrive("a");
  driver.run_for(1s);
  refresher->dismiss(session);
  driver.run_for(10s);
  EXPECT_TRUE(owner.done.empty());
  EXPECT_EQ(replica.issued.size(), 1U);
  EXPECT_EQ(refresher->turns().keys(), 0U);
}

// ---- verify
// ---------------------------------------------------------------------------------------------------

TEST_F(RefresherTest, WhereAskedThePrimaryIsReadAgainUntilItHoldsStill) {
  primary.put("a", 1);
  replica.writes = [&](const auto&) {
    if (replica.issued.size() == 1) primary.put("a", 2);  // changes between read and write
    return WritePlan{};
  };
  owner.on_finished = [&](auto) { EXPECT_TRUE(equal()); };
  arrive("a", true);
  driver.run_for(1s);
  EXPECT_EQ(owner.done.size(), 1U);
  EXPECT_EQ(replica.issued.size(), 2U);
  EXPECT_EQ(process.metrics.verify_repeats, 1U);
}

TEST_F(RefresherTest, WithoutVerifyThePrimaryIsReadOnce) {
  primary.put("a", 1);
  arrive("a");
  driver.run_for(1s);
  EXPECT_EQ(primary.read_calls, 1);
}

TEST_F(RefresherTest, AVerifyThatFailsIsRepeatedBeforeTheRecordCounts) {
  primary.put("a", 1);
  int calls = 0;
  primary.reads = [&](auto) {
    ReadPlan plan;
    if (++calls == 2) plan.failure = failure(FailureKind::transient);
    return plan;
  };
  arrive("a", true);
  driver.run_for(1s);
  EXPECT_EQ(owner.done.size(), 1U);
  EXPECT_EQ(primary.read_calls, 4);
}

// A key that changes all the time, faster than read, write and read again take: its older records
// must pass, or the shard behind it stands still for as long as the key is hot. The newest record
// keeps the duty to verify.
TEST_F(RefresherTest, AHotKeyDoesNotHoldItsOlderRecordsUp) {
  int version = 1;
  primary.put("hot", version);
  for (int i = 0; i < 2000; ++i) {
    driver.at(driver.now + i * 5ms, [&] {
      primary.put("hot", ++version);
      arrive("hot", true);
    });
  }
  driver.run_for(9s);
  EXPECT_GT(owner.done.size(), 1500U);
  driver.run_for(2s);
  EXPECT_EQ(owner.done.size(), 2000U);
  EXPECT_TRUE(equal());
}

}  // namespace
}  // namespace dynamodb_replicator::flow

#include <gtest/gtest.h>

#include "flow/fakes_test.h"
#include "flow/refresh_guarded.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::item;
using fakes::key;
using Kind = Outcome::Kind;
using WritePlan = fakes::Table::WritePlan;

struct BackfillTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  fakes::Clock clock{driver};
  fakes::Dice dice;
  fakes::Files files{driver};
  item::Ignored ignored;
  std::unique_ptr<Journal> journal = std::make_unique<Journal>(driver.loop, files, "j", "a -> b");
  GuardedSettings settings;
  std::optional<std::vector<Outcome>> outcomes;
  std::unique_ptr<GuardedRefresher> refresher;
  std::optional<async::Scope> scope;

  void start(int count) {
    for (int i = 0; i < count; ++i) primary.put(name(i), 1);
    refresher = std::make_unique<GuardedRefresher>(
        SecondWriter{driver.loop, clock, dice, primary, replica, replica, replica, replica.schema,
                     ignored, journal.get()},
        settings);
    std::vector<Scanned> items;
    for (int i = 0; i < count; ++i) items.push_back({key(name(i)), primary.items.at(name(i))});
    scope.emplace(driver.loop);
    scope->spawn([](BackfillTest& test) -> Task<void> {
      Result<std::vector<item::KeyRef>> left = co_await test.journal->open(test.replica.schema);
      EXPECT_TRUE(left && left->empty());
    }(*this));
    driver.run_for(1ms);
    scope->spawn([](Task<std::vector<Outcome>> inner,
                    std::optional<std::vector<Outcome>>& out) -> Task<void> {
      std::vector<Outcome> result = co_await std::move(inner);
      out = std::move(result);
    }(refresher->backfill(std::move(items)), outcomes));
  }
  void backfill(int count) {
    start(count);
    driver.run_for(1h);
  }
  static std::string name(int i) { return "k" + std::to_string(i); }
  std::ptrdiff_t count_of(Kind kind) {
    return std::count_if(outcomes->begin(), outcomes->end(),
                         [kind](const Outcome& outcome) { return outcome.kind == kind; });
  }
};

TEST_F(BackfillTest, IsBatchesAndOneSecondLookAtEach) {
  backfill(60);
  EXPECT_EQ(count_of(Kind::repaired), 60);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_EQ(replica.issued.size(), 3U);
  EXPECT_EQ(primary.read_calls, 3);
  EXPECT_EQ(files.replaced + files.lines.size(), 2U);  // noted, and marked, all at once
  EXPECT_EQ(replica.read_calls, 0);
}

TEST_F(BackfillTest, UnprocessedItemsAreSentAgain) {
  replica.writes = [&](const std::vector<Write>&) {
    WritePlan plan;
    if (replica.issued.size() <= 3) plan.unprocessed = {"k3", "k4"};
    return plan;
  };
  backfill(10);
  EXPECT_EQ(count_of(Kind::repaired), 10);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_EQ(replica.issued.size(), 4U);
  EXPECT_EQ(replica.issued[1].writes.size(), 2U);
  EXPECT_EQ(refresher->totals().unprocessed, 6U);
}

TEST_F(BackfillTest, APoisonedItemFailsAlone) {
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    for (const Write& one : writes) {
      if (one.key->canonical() == "k7") plan.failure = failure(FailureKind::invalid);
    }
    return plan;
  };
  backfill(20);
  EXPECT_EQ(count_of(Kind::repaired), 19);
  EXPECT_EQ(outcomes->at(7).kind, Kind::failed);
  EXPECT_FALSE(outcomes->at(7).stops);
  EXPECT_EQ(replica.items.size(), 19U);
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(BackfillTest, WhereTheNextRunGoesOnBehindItAFailedItemIsKept) {
  settings.keep_failed = true;
  replica.writes = [](auto&) {
    WritePlan plan;
    plan.failure = failure(FailureKind::invalid);
    return plan;
  };
  backfill(2);
  EXPECT_EQ(count_of(Kind::failed), 2);
  EXPECT_EQ(journal->open_keys(), 2U);
}

TEST_F(BackfillTest, AJournalThatHasGrownWaitsForNoKey) {
  journal = std::make_unique<Journal>(driver.loop, files, "j", "a -> b", 300);
  replica.writes = [&](const std::vector<Write>&) {
    WritePlan plan;  // k3 is looked at again when its doubt is over, behind all batches
    if (replica.issued.size() == 1) plan.unprocessed = {"k3"};
    return plan;
  };
  backfill(2400);
  ASSERT_TRUE(outcomes.has_value());
  EXPECT_EQ(count_of(Kind::repaired), 2400);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_GE(files.replaced, 2U);
}

TEST_F(BackfillTest, BesideAReplicatorWhatChangedMeanwhileEndsNew) {
  replica.writes = [&](auto&) {
    if (replica.issued.size() == 1) {
      primary.put("k1", 2);
      replica.put("k1", 2);  // the replicator's write, which the batch puts an old value over
      primary.items.erase("k2");
      replica.items.erase("k2");
    }
    return WritePlan{};
  };
  backfill(10);
  EXPECT_EQ(count_of(Kind::repaired), 10);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_FALSE(replica.items.contains("k2"));
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(BackfillTest, BesideAReplicatorEachKeyIsInTheJournalUntilItIsKnown) {
  std::size_t open = 0;
  replica.writes = [&](auto&) {
    open = journal->open_keys();
    return WritePlan{};
  };
  backfill(10);
  EXPECT_EQ(open, 10U);
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(BackfillTest, BesideAReplicatorALateAttemptIsFoundWhenTheDoubtIsOver) {
  replica.writes = [&](auto&) {
    WritePlan plan;
    if (replica.issued.size() == 1) {
      plan.failure = failure(FailureKind::transient, true);
      plan.lands = 10s;  // over what the replicator writes at 5 s
      driver.at(driver.now + 5s, [this] {
        primary.put("k1", 2);
        replica.put("k1", 2);
      });
    }
    return plan;
  };
  start(3);
  driver.run_for(4s);
  EXPECT_FALSE(outcomes.has_value());
  driver.run_for(1h);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_EQ(replica.items["k1"], item("k1", 2));
}

TEST_F(BackfillTest, BesideAReplicatorUnprocessedItemsAreLookedAtAgainToo) {
  replica.writes = [&](auto&) {
    WritePlan plan;
    if (replica.issued.size() == 1) plan.unprocessed = {"k0"};
    return plan;
  };
  start(2);
  driver.run_for(10s);
  EXPECT_FALSE(outcomes.has_value());
  driver.run_for(1h);
  EXPECT_EQ(count_of(Kind::repaired), 2);
}

TEST_F(BackfillTest, WhereAttributesAreIgnoredTheReplicaKeepsItsOwn) {
  ignored = item::Ignored({"stamp"});
  replica.items["k0"] = R"({"id":{"S":"k0"},"stamp":{"S":"own"}})";
  backfill(2);
  EXPECT_EQ(replica.items["k0"], R"({"id":{"S":"k0"},"v":{"N":"1"},"stamp":{"S":"own"}})");
  EXPECT_EQ(replica.items["k1"], item("k1", 1));
}

TEST_F(BackfillTest, WhatAPersonMustMendFailsAll) {
  replica.writes = [](auto&) {
    WritePlan plan;
    plan.failure = failure(FailureKind::denied);
    return plan;
  };
  backfill(30);
  EXPECT_EQ(count_of(Kind::failed), 30);
  EXPECT_TRUE(outcomes->at(0).stops);
  EXPECT_EQ(journal->open_keys(), 0U);
}

}  // namespace
}  // namespace dynamodb_replicator::flow

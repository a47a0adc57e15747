// Second writers, against every way in which the two sides can move under them.
#include "flow/refresh_guarded.h"

#include <gtest/gtest.h>

#include "flow/fakes_test.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::item;
using fakes::key;
using Kind = Outcome::Kind;
using ReadPlan = fakes::Table::ReadPlan;
using WritePlan = fakes::Table::WritePlan;

struct GuardedTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  fakes::Clock clock{driver};
  fakes::Dice dice;
  fakes::Files files{driver};
  item::KeySchema schema = replica.schema;
  item::Ignored ignored;
  std::unique_ptr<Journal> journal = std::make_unique<Journal>(driver.loop, files, "j", "a -> b");
  std::unique_ptr<GuardedRefresher> refresher;
  std::optional<async::Scope> scope;
  std::optional<std::vector<Outcome>> outcomes;
  std::optional<Result<std::vector<item::KeyRef>>> left;
  std::string& text = files.contents["j.0"];

  void make(GuardedSettings settings = {}, core::Budget* reads = nullptr,
            core::Budget* writes = nullptr) {
    refresher = std::make_unique<GuardedRefresher>(
        SecondWriter{driver.loop, clock, dice, primary, replica, replica, replica, schema, ignored,
                     journal.get(), reads, writes},
        settings);
    scope.emplace(driver.loop);
    open();
  }
  // What interrupted runs have left open, by the journal's own file and those beside it.
  void open() {
    scope->spawn([](GuardedTest& test) -> Task<void> {
      Result<std::vector<item::KeyRef>> keys = co_await test.journal->open(test.schema);
      test.left.emplace(std::move(keys));
    }(*this));
    driver.run_for(1s);
  }
  void finish(Duration time = 1min) {
    make();
    ASSERT_TRUE(left && left->ok());
    start(refresher->finish(**left));
    driver.run_for(time);
  }
  void start(Task<std::vector<Outcome>> task) {
    outcomes.reset();
    scope->spawn([](Task<std::vector<Outcome>> inner,
                    std::optional<std::vector<Outcome>>& out) -> Task<void> {
      std::vector<Outcome> result = co_await std::move(inner);
      out = std::move(result);
    }(std::move(task), outcomes));
  }
  void refresh(const std::vector<std::string>& names, Duration time = 1h) {
    if (!refresher) make();
    std::vector<item::KeyRef> keys;
    for (const auto& name : names) keys.push_back(key(name));
    start(refresher->refresh(std::move(keys)));
    driver.run_for(time);
  }
  std::optional<Kind> kind(std::size_t i = 0) {
    return outcomes ? std::optional(outcomes->at(i).kind) : std::nullopt;
  }
  // k0 to k39, which the replica lacks.
  std::vector<std::string> forty_on_primary() {
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) primary.put(names.emplace_back("k" + std::to_string(i)), 1);
    return names;
  }
  // What the tables call a key that was read from the journal.
  static std::string read_key(const std::string& name) { return "S1:" + name; }
  // The n-th write (from 0) goes as `plan` says; `meanwhile` happens when it is issued.
  void nth_write(int n, WritePlan plan, std::function<void()> meanwhile = {}) {
    auto count = std::make_shared<int>(0);
    replica.writes = [=](const std::vector<Write>&) {
      if ((*count)++ != n) return WritePlan{};
      if (meanwhile) meanwhile();
      return plan;
    };
  }
};

TEST_F(GuardedTest, WhatIsEqualIsNotWritten) {
  primary.items["a"] = R"({"id":{"S":"a"},"v":{"N":"1.0"}})";
  replica.put("a", 1);
  refresh({"a", "absent"});
  EXPECT_EQ(kind(0), Kind::settled);
  EXPECT_EQ(kind(1), Kind::settled);
  EXPECT_TRUE(replica.issued.empty());
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(GuardedTest, KeysAreNotedTogetherNotEachWithAWaitForTheDisk) {
  const std::vector<std::string> names = forty_on_primary();
  refresh(names);
  EXPECT_EQ(files.replaced, 1U);  // the file is made with what is begun
  EXPECT_EQ(files.lines.size(), 1U);
  for (const std::string& name : names) primary.put(name, 2);
  refresh(names);
  EXPECT_EQ(files.lines.size(), 3U);
  EXPECT_EQ(replica.issued.size(), 80U);
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(GuardedTest, LanesKeepTheCeilingsTogether) {
  const std::vector<std::string> names = forty_on_primary();
  core::Budget writes(4);
  make({}, nullptr, &writes);
  const Instant began = driver.now;
  refresh(names);
  ASSERT_EQ(replica.issued.size(), 40U);
  for (std::size_t i = 0; i < replica.issued.size(); ++i)
    EXPECT_GE(replica.issued[i].at - began, 250ms * i) << i;

  for (const std::string& name : names) primary.put(name, 2);
  core::Budget reads(20);
  make({}, &reads, nullptr);
  const int before = primary.read_calls + replica.read_calls;
  refresh(names, 5s);
  EXPECT_LE(primary.read_calls + replica.read_calls - before, 101);
  EXPECT_FALSE(outcomes.has_value()) << "40 keys take 120 reads";
}

TEST_F(GuardedTest, AnEngineThatCallsEqualValuesDifferentIsWrittenWithoutTheGuard) {
  replica.compares = false;
  primary.put("a", 2);
  replica.put("a", 1);
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(replica.items["a"], item("a", 2));
  ASSERT_EQ(replica.guards.size(), 3U);
  EXPECT_FALSE(replica.guards[1].expression.empty());
  EXPECT_TRUE(replica.guards[2].expression.empty());
  EXPECT_EQ(primary.reads_of["a"], 4) << "it is read again after the write all the same";
}

TEST_F(GuardedTest, OneLostConditionOfAnAbsentItemDoesNotTakeTheGuardAway) {
  primary.put("a", 2);
  nth_write(0, {}, [&] { replica.put("a", 9); });
  replica.reads = [&](auto) {  // somebody else's item came and went
    if (replica.reads_of["a"] == 2) replica.items.clear();
    return ReadPlan{};
  };
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  ASSERT_EQ(replica.guards.size(), 2U);
  EXPECT_EQ(replica.guards[1].expression, "attribute_not_exists(#k)");
}

TEST_F(GuardedTest, UnitsAreCountedBySide) {
  primary.put("a", 2);
  replica.put("a", 1);
  refresh({"a"});
  EXPECT_EQ(refresher->totals().read_units, (std::array<double, 2>{2, 1}));
  EXPECT_EQ(refresher->totals().write_units, 1);
}

TEST_F(GuardedTest, PutsOnTheConditionOfWhatWasSeenAndReadsThePrimaryAgain) {
  primary.put("a", 2);
  replica.put("a", 1);
  primary.put("b", 1);
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(replica.items["a"], item("a", 2));
  ASSERT_EQ(replica.guards.size(), 1U);
  EXPECT_EQ(replica.guards[0].values, R"({":1":{"N":"1"}})");
  EXPECT_EQ(primary.reads_of["a"], 2);
  refresh({"b"});
  EXPECT_EQ(replica.guards[1].expression, "attribute_not_exists(#k)");
  EXPECT_EQ(replica.items["b"], item("b", 1));
}

TEST_F(GuardedTest, ANewerValueThatOthersWroteIsNotWrittenOver) {
  primary.put("a", 2);
  replica.put("a", 1);
  nth_write(0, {}, [&] {  // the primary moves on and its replicator is faster than we are
    primary.put("a", 3);
    replica.put("a", 3);
  });
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::settled);
  EXPECT_EQ(replica.landed, 0);
  EXPECT_EQ(replica.items["a"], item("a", 3));
  EXPECT_EQ(refresher->totals().lost, 1U);
}

TEST_F(GuardedTest, AChangeOfThePrimaryBetweenReadAndWriteIsSeenAfterIt) {
  primary.put("a", 2);
  replica.put("a", 1);
  nth_write(0, {}, [&] { primary.put("a", 3); });
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(replica.items["a"], item("a", 3));
  EXPECT_EQ(replica.issued.size(), 2U);
}

TEST_F(GuardedTest, DeletesWhatThePrimaryLacksTwice) {
  replica.put("a", 1);
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_TRUE(outcomes->at(0).deleted);
  EXPECT_TRUE(replica.items.empty());
  EXPECT_EQ(primary.reads_of["a"], 3);  // twice before, once after
}

TEST_F(GuardedTest, DeletesNothingThatThePrimaryHasAtTheSecondLook) {
  replica.put("a", 1);
  primary.reads = [&](auto) {
    if (primary.reads_of["a"] == 2) primary.put("a", 1);
    return ReadPlan{};
  };
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::settled);
  EXPECT_TRUE(replica.issued.empty());
}

TEST_F(GuardedTest, AnInsertBetweenTheLookAndTheDeleteIsPutBack) {
  replica.put("a", 1);
  nth_write(0, {}, [&] { primary.put("a", 2); });
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(replica.items["a"], item("a", 2));
}

TEST_F(GuardedTest, AnAttemptThatLandsLateIsFoundWhenTheDoubtIsOver) {
  primary.put("a", 1);
  WritePlan late;
  late.failure = failure(FailureKind::transient, true);
  late.lands = 12s;
  nth_write(0, late, [&] { primary.items.clear(); });  // both are without it, for 12 seconds
  refresh({"a"}, 5s);
  EXPECT_FALSE(outcomes.has_value());  // equal, and yet not known to stay so
  driver.run_for(1h);
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_TRUE(replica.items.empty());
  EXPECT_EQ(replica.landed, 2);  // the late put, and the delete that puts it right
}

TEST_F(GuardedTest, AfterAnUnknownOutcomeBothSidesAreReadAgainNotTheOldValueSent) {
  primary.put("a", 1);
  WritePlan lost;
  lost.failure = failure(FailureKind::transient, true);
  nth_write(0, lost, [&] { primary.put("a", 2); });
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  ASSERT_EQ(replica.issued.size(), 2U);
  EXPECT_EQ(replica.issued[1].writes[0].item, item("a", 2));
}

TEST_F(GuardedTest, WhatDoesNotHoldStillIsChangingAndStaysInTheJournal) {
  primary.put("a", 1);
  int version = 1;
  replica.writes = [&](auto&) {
    primary.put("a", ++version);
    return WritePlan{};
  };
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::changing);
  EXPECT_EQ(replica.issued.size(), GuardedSettings{}.rounds);
  EXPECT_EQ(journal->open_keys(), 1U);
}

TEST_F(GuardedTest, IgnoredAttributesAreNoDifferenceAndTheReplicaKeepsItsOwn) {
  ignored = item::Ignored({"stamp"});
  primary.items["a"] = R"({"id":{"S":"a"},"v":{"N":"2"},"stamp":{"S":"theirs"}})";
  replica.items["a"] = R"({"id":{"S":"a"},"v":{"N":"1"},"stamp":{"S":"own"}})";
  primary.items["b"] = R"({"id":{"S":"b"},"stamp":{"S":"theirs"}})";
  replica.items["b"] = R"({"id":{"S":"b"}})";
  refresh({"a", "b"});
  EXPECT_EQ(kind(0), Kind::repaired);
  EXPECT_EQ(kind(1), Kind::settled);
  EXPECT_EQ(replica.items["a"], R"({"id":{"S":"a"},"v":{"N":"2"},"stamp":{"S":"own"}})");
}

std::string wide(int version) {
  std::string text = R"({"id":{"S":"a"},"v":{"N":")" + std::to_string(version) + "\"}";
  for (int i = 0; i < 150; ++i) text += ",\"a" + std::to_string(i) + R"(":{"NULL":true})";
  return text + "}";
}

TEST_F(GuardedTest, MoreAttributesThanAConditionTakesAreWrittenWithoutAndVerified) {
  primary.items["a"] = wide(2);
  replica.items["a"] = wide(1);
  nth_write(0, {}, [&] { primary.items["a"] = wide(3); });
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(replica.guards[0].expression, "");
  EXPECT_EQ(replica.items["a"], wide(3));
}

TEST_F(GuardedTest, AnEngineThatCannotCompareIsWrittenToWithoutACondition) {
  primary.put("a", 2);
  replica.put("a", 1);
  WritePlan refused;
  refused.failure = failure(FailureKind::invalid);
  nth_write(0, refused);
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::repaired);
  ASSERT_EQ(replica.guards.size(), 2U);
  EXPECT_EQ(replica.guards[1].expression, "");
}

TEST_F(GuardedTest, AnItemThatIsRefusedHasFailedAndSaysWhy) {
  primary.put("a", 2);
  primary.put("b", 2);
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    if (writes[0].key->canonical() == "a") plan.failure = failure(FailureKind::invalid);
    return plan;
  };
  refresh({"a", "b"});
  EXPECT_EQ(kind(0), Kind::failed);
  EXPECT_NE(outcomes->at(0).reason.find("it failed"), std::string::npos);
  EXPECT_EQ(kind(1), Kind::repaired);
}

TEST_F(GuardedTest, ThrottlesBackOffAndAreBounded) {
  primary.put("a", 2);
  replica.writes = [&](auto&) {
    WritePlan plan;
    if (replica.issued.size() <= 5) plan.failure = failure(FailureKind::throttled);
    return plan;
  };
  const Instant began = driver.now;
  refresh({"a"}, 10min);
  EXPECT_EQ(kind(), Kind::repaired);
  EXPECT_EQ(refresher->totals().throttles, 5U);
  EXPECT_GT(replica.issued[5].at - began, 100ms);
  replica.items.clear();
  replica.writes = [](auto&) {
    WritePlan plan;
    plan.failure = failure(FailureKind::throttled);
    return plan;
  };
  refresh({"a"}, 3h);
  EXPECT_EQ(kind(), Kind::failed);
}

TEST_F(GuardedTest, WhatAPersonMustMendFailsAtOnce) {
  primary.put("a", 2);
  primary.reads = [](auto) {
    ReadPlan plan;
    plan.failure = failure(FailureKind::denied);
    return plan;
  };
  refresh({"a"}, 1s);
  EXPECT_EQ(kind(), Kind::failed);
}

TEST_F(GuardedTest, AnUnprocessedReadIsNoAbsence) {
  primary.put("a", 1);
  replica.put("a", 1);
  primary.reads = [&](auto) {
    ReadPlan plan;
    if (primary.reads_of["a"] <= 3) plan.unprocessed = {"a"};
    return plan;
  };
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::settled);
  EXPECT_TRUE(replica.issued.empty());
}

TEST_F(GuardedTest, TheJournalHasTheKeyBeforeItIsWritten) {
  primary.put("a", 1);
  replica.writes = [&](auto&) {
    EXPECT_EQ(journal->open_keys(), 1U);
    return WritePlan{};
  };
  refresh({"a"});
  EXPECT_EQ(replica.issued.size(), 1U);
  EXPECT_EQ(journal->open_keys(), 0U);
  journal->close();
  EXPECT_TRUE(files.contents.empty());
  EXPECT_TRUE(files.locked.empty());
}

TEST_F(GuardedTest, WithoutAJournalNothingIsWritten) {
  primary.put("a", 1);
  files.broken = true;
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::failed);
  EXPECT_TRUE(outcomes->at(0).stops);
  EXPECT_TRUE(replica.issued.empty());
}

constexpr const char* kBegunA = R"({"begin":[{"id":{"S":"a"}}]})";

TEST_F(GuardedTest, WhatAnInterruptedRunLeftIsFinished) {
  text = std::string(R"({"pair":"a -> b"})") + "\n" +
         R"({"begin":[{"id":{"S":"a"}},{"id":{"S":"b"}}]})" + "\n" +
         R"({"done":[{"id":{"S":"b"}}]})" + "\n" + kBegunA + "\n" + R"({"begin":[{"id":{"S)";
  primary.items[read_key("a")] = item("a", 2);
  replica.items[read_key("a")] = item("a", 1);
  primary.items[read_key("b")] = item("b", 2);
  finish();
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->size(), 1U);
  EXPECT_EQ(replica.items[read_key("a")], item("a", 2));
  EXPECT_FALSE(replica.items.contains(read_key("b")));
  journal->close();
  EXPECT_TRUE(files.contents.empty());
}

TEST_F(GuardedTest, ALateWriteOfAnInterruptedRunIsFoundToo) {
  text = kBegunA;
  driver.at(driver.now + 15s, [&] {
    replica.items[read_key("a")] = item("a", 1);
  });  // both are without it until then
  finish();
  EXPECT_TRUE(outcomes.has_value());
  EXPECT_TRUE(replica.items.empty());
}

TEST_F(GuardedTest, WhatCannotBeFinishedStaysOpenAndHoldsNothingUp) {
  text = R"({"begin":[{"id":{"S":"a"}},{"id":{"S":"b"}}]})";
  primary.items[read_key("a")] = item("a", 2);
  primary.items[read_key("b")] = item("b", 2);
  replica.writes = [](const std::vector<Write>& writes) {
    WritePlan plan;
    if (writes[0].key->canonical() == read_key("a")) plan.failure = failure(FailureKind::invalid);
    return plan;
  };
  finish();
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(kind(0), Kind::failed);
  EXPECT_FALSE(outcomes->at(0).stops);
  EXPECT_EQ(kind(1), Kind::repaired);
  EXPECT_EQ(journal->open_keys(), 1U);
  journal->close();
  EXPECT_NE(text.find(R"({"done":[{"id":{"S":"b"}}]})"), std::string::npos);
}

TEST_F(GuardedTest, AKeyThatWasOnlyRefusedIsNotLeftInTheJournal) {
  primary.put("a", 2);
  replica.writes = [](auto&) {
    WritePlan plan;
    plan.failure = failure(FailureKind::invalid);
    return plan;
  };
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::failed);
  EXPECT_EQ(journal->open_keys(), 0U);
}

TEST_F(GuardedTest, WhereTheNextRunGoesOnBehindThemFailedKeysAreKept) {
  primary.put("a", 2);
  primary.reads = [](auto) {
    ReadPlan plan;
    plan.failure = failure(FailureKind::throttled);
    return plan;
  };
  GuardedSettings settings;
  settings.keep_failed = true;
  make(settings);
  refresh({"a"});
  EXPECT_EQ(kind(), Kind::failed);
  EXPECT_EQ(journal->open_keys(), 1U);
  EXPECT_NE(text.find(R"({"begin":)"), std::string::npos);
}

TEST_F(GuardedTest, AJournalThatHasGrownIsWrittenAnewWithWhatIsOpen) {
  journal = std::make_unique<Journal>(driver.loop, files, "j", "a -> b", 300);
  const std::vector<std::string> names = forty_on_primary();
  std::size_t longest = 0;
  replica.writes = [&](const std::vector<Write>& writes) {
    longest = std::max(longest, text.size());
    WritePlan plan;  // this one stays open, and holds nothing up
    if (writes[0].key->canonical() == "k0") {
      plan.failure = failure(FailureKind::denied);
      plan.failure->maybe_applied = true;
    }
    return plan;
  };
  for (const std::string& name : names) refresh({name});
  EXPECT_EQ(replica.items.size(), 39U);
  EXPECT_GE(files.replaced, 5U);
  EXPECT_LT(longest, 1500U);
  EXPECT_EQ(journal->open_keys(), 1U);
  journal = std::make_unique<Journal>(driver.loop, files, "j", "a -> b");  // its process has ended
  open();
  ASSERT_TRUE(left && left->ok());
  ASSERT_EQ((*left)->size(), 1U);
  EXPECT_EQ((**left)[0]->wire(), R"({"id":{"S":"k0"}})");
}

TEST_F(GuardedTest, WhatALivingProcessIsAboutToWriteIsNobodyElses) {
  text = kBegunA;
  files.contents["j.1"] = R"({"begin":[{"id":{"S":"b"}}]})";
  files.contents["j.3"] = R"({"begin":[{"id":{"S":"c"}}]})";
  const auto held = files.lock("j.0.lock");
  make();
  ASSERT_TRUE(left && left->ok());
  ASSERT_EQ((*left)->size(), 2U);
  EXPECT_EQ(journal->path(), "j.1");
  EXPECT_FALSE(files.contents.contains("j.3"));
  EXPECT_EQ(text, kBegunA);
  EXPECT_NE(files.contents["j.1"].find(R"({"id":{"S":"c"}})"), std::string::npos);
  EXPECT_EQ(files.locked, (std::set<std::string>{"j.0.lock", "j.1.lock"}));
}

TEST_F(GuardedTest, AJournalOfOtherTablesIsRefused) {
  text = R"({"begin":[{"other":{"S":"a"}}]})";
  make();
  ASSERT_TRUE(left);
  ASSERT_FALSE(left->ok());
  EXPECT_NE(left->error().message.find("cannot have"), std::string::npos);
}

TEST_F(GuardedTest, KeysGoThroughAFewLanesAtOnce) {
  files.takes = 10us;  // the journal is one after the other
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) primary.put(names.emplace_back("k" + std::to_string(i)), 1);
  std::size_t most = 0;
  replica.writes = [&](auto&) {
    most = std::max(most, replica.in_flight.size());
    return WritePlan{};
  };
  refresh(names);
  EXPECT_EQ(most, 8U);
  EXPECT_EQ(replica.items, primary.items);
}

}  // namespace
}  // namespace dynamodb_replicator::flow

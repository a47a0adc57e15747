// The comparison over fake tables in virtual time: what is reported, what is not, and what it
// costs.
#include "flow/verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flow/fakes_test.h"

namespace dynamodb_replicator::flow {
namespace {

const item::KeySchema kSchema{{"id", item::KeyType::string}, std::nullopt};

std::string canonical(const std::string& name) {
  return (*item::key_of_item(fakes::item(name, 0), kSchema))->canonical();
}

// A table that is scanned too, in an order and by segments of its own.
struct Scanned : fakes::Table, TableScanner {
  using fakes::Table::Table;

  Task<Result<ScanPage>> scan(const ScanAsk& ask, Instant) override {
    asks.push_back(ask);
    co_await driver.loop.sleep_until(driver.now + 3ms);
    if (scans) {
      if (const auto failed = scans(ask)) co_return *failed;
    }
    ScanPage page;
    bool begun = ask.after.empty();
    for (const std::string& name : order()) {
      const auto place = base::digest128(salt + group(name)).high;
      if (place % static_cast<unsigned>(ask.segments) != static_cast<unsigned>(ask.segment))
        continue;
      if (begun && page.items.size() == page_items) {
        page.next = last;
        break;
      }
      if (begun) page.items.push_back(stale.contains(name) ? stale[name] : items[name]);
      if (name == ask.after) begun = true;
      last = name;
    }
    page.units = 1;
    co_return page;
  }

  // "a/1" and "a/2" are one partition.
  static std::string group(const std::string& name) { return name.substr(0, name.find('/')); }
  const std::vector<std::string>& order() {
    if (sorted.size() == items.size()) return sorted;
    sorted.clear();
    for (const auto& [name, item] : items) sorted.push_back(name);
    std::sort(sorted.begin(), sorted.end(), [this](const auto& a, const auto& b) {
      return std::pair(base::digest128(salt + group(a)), a) <
             std::pair(base::digest128(salt + group(b)), b);
    });
    return sorted;
  }

  void put(const std::string& name, int version) {
    items[canonical(name)] = fakes::item(name, version);
  }
  void erase(const std::string& name) { items.erase(canonical(name)); }

  std::string salt;
  std::size_t page_items = 10;
  std::map<std::string, std::string> stale;  // what scans show instead
  std::function<std::optional<Failure>(const ScanAsk&)> scans;
  std::vector<ScanAsk> asks;
  std::string last;
  std::vector<std::string> sorted;
};

struct Heard : Findings {
  Task<Result<void>> found(std::vector<Found> findings) override {
    for (const Found& one : findings) {
      EXPECT_TRUE(keys.emplace(one.key->wire(), one.what).second) << "a key twice";
    }
    co_return Result<void>{};
  }
  std::map<std::string, Finding> keys;
};

std::string wire(const std::string& name) { return R"({"id":{"S":")" + name + R"("}})"; }

// Keeps the state as a file would: only whole, and only what the spill had by then.
struct Keeper : StateKeeper {
  Task<Result<void>> keep(const core::CompareState& state) override {
    kept = state;
    durable = bytes.size();
    ++times;
    co_return Result<void>{};
  }
  // As after a kill: what was appended since is of no use, but there.
  Resuming again() { return {this, &spill, kept}; }
  std::string bytes;
  async::MemorySpill spill{&bytes};
  std::optional<core::CompareState> kept;
  std::size_t durable = 0;
  int times = 0;
};

struct VerifyTest : testing::Test {
  fakes::Driver driver;
  fakes::Clock clock{driver};
  fakes::Dice dice;
  fakes::Files files{driver};
  fakes::Log log;
  async::Gate stop{driver.loop};
  Scanned primary{driver};
  Scanned replica{driver};
  CompareSettings settings;
  Heard heard;
  Resuming resuming;
  std::optional<CompareContext> context;
  std::optional<PairScan> scan;
  std::optional<Result<void>> result;
  std::optional<async::Scope> scope;

  VerifyTest() { settings.schema = kSchema; }

  void both(const std::string& name, int version) {
    primary.put(name, version);
    replica.put(name, version);
  }
  void start() { start(stop); }
  void start(async::Gate& asked) {
    context.emplace(CompareContext{driver.loop,
                                   clock,
                                   dice,
                                   files,
                                   log,
                                   {&primary, &replica},
                                   {&primary, &replica},
                                   settings,
                                   asked,
                                   resuming});
    scan.emplace(*context);
    scope.emplace(driver.loop);
    scope->spawn([](VerifyTest& test) -> Task<void> {
      Result<void> ended = co_await verify(*test.context, *test.scan, test.heard);
      test.result.emplace(std::move(ended));
    }(*this));
  }
  void run(Duration time = 1h) {
    start();
    driver.run_for(time);
    ASSERT_TRUE(result.has_value()) << "it has not ended";
  }
  void run_well() {
    run();
    ASSERT_TRUE(result->ok()) << to_text(result->error());
  }
  [[nodiscard]] const Outcomes& outcomes() const { return context->progress.outcomes; }
  void segments(int count) {
    settings.segments = count;
    settings.chosen.clear();
    for (int i = 0; i < count; ++i) settings.chosen.push_back(i);
  }
};

TEST_F(VerifyTest, ReportsExactlyWhatDiffers) {
  for (int i = 0; i < 200; ++i) both("k" + std::to_string(i), i);
  replica.erase("k3");
  replica.put("k5", 99);
  primary.erase("k7");
  segments(4);
  run_well();
  EXPECT_EQ(heard.keys, (std::map<std::string, Finding>{{wire("k3"), Finding::missing},
                                                        {wire("k5"), Finding::different},
                                                        {wire("k7"), Finding::extraneous}}));
  EXPECT_EQ(context->progress.tally.equal, 197U);
  EXPECT_EQ(outcomes().differences(), 3U);
}

TEST_F(VerifyTest, AnyOrderAndATinyWindowGiveTheSameAnswer) {
  for (int i = 0; i < 300; ++i) both("k" + std::to_string(i), i);
  for (int i = 0; i < 20; ++i) primary.put("p" + std::to_string(i), 1);
  for (int i = 0; i < 30; ++i) replica.put("r" + std::to_string(i), 1);
  replica.salt = "another order and other segments";
  settings.window_bytes = 2000;
  segments(3);
  run_well();
  EXPECT_EQ(heard.keys.size(), 50U);
  EXPECT_GT(context->progress.spilled, 0U);
  EXPECT_EQ(outcomes().found[0], 20U);
  EXPECT_EQ(outcomes().found[2], 30U);
  EXPECT_EQ(context->progress.candidates, 50U) << "what cancels between runs is never read again";
}

TEST_F(VerifyTest, AStaleScanIsNoFinding) {
  for (int i = 0; i < 30; ++i) both("k" + std::to_string(i), 2);
  replica.stale[canonical("k4")] = fakes::item("k4", 1);
  run_well();
  EXPECT_TRUE(heard.keys.empty());
  EXPECT_EQ(outcomes().settled, 1U);
  EXPECT_EQ(primary.read_calls, 1) << "equal at the first look";
}

TEST_F(VerifyTest, WhatTheReplicatorPutsRightWithinTheSettleTimeIsNoFinding) {
  for (int i = 0; i < 30; ++i) both("k" + std::to_string(i), 2);
  primary.put("k4", 3);
  driver.at(driver.now + 4s, [this] { replica.put("k4", 3); });
  run_well();
  EXPECT_TRUE(heard.keys.empty());
  EXPECT_EQ(outcomes().settled, 1U);
}

TEST_F(VerifyTest, ADifferenceCountsOnlyAfterTheSettleTime) {
  both("k", 1);
  replica.put("k", 2);
  const Instant begun = driver.now;
  start();
  driver.run_for(4900ms);
  EXPECT_TRUE(heard.keys.empty());
  driver.run_for(1s);
  EXPECT_EQ(heard.keys.size(), 1U);
  EXPECT_GT(driver.now, begun + 5s);
}

TEST_F(VerifyTest, SettleZeroIsTwoLooksWithoutAWait) {
  both("k", 1);
  replica.put("k", 2);
  settings.settle = 0s;
  start();
  driver.run_for(100ms);
  EXPECT_EQ(heard.keys.size(), 1U);
  EXPECT_EQ(primary.read_calls, 2);
}

TEST_F(VerifyTest, WhatNeverHoldsStillIsChanging) {
  primary.put("k", 1);
  for (int i = 1; i < 100; ++i) {
    driver.at(driver.now + i * 1s, [this, i] { primary.put("k", i + 1); });
    driver.at(driver.now + i * 1s + 500ms, [this, i] { replica.put("k", i); });
  }
  run_well();
  EXPECT_EQ(heard.keys, (std::map<std::string, Finding>{{wire("k"), Finding::changing}}));
}

TEST_F(VerifyTest, ThrottlesAndUnprocessedKeysLoseNothing) {
  for (int i = 0; i < 50; ++i) both("k" + std::to_string(i), i);
  for (int i = 0; i < 12; ++i) primary.put("p" + std::to_string(i), i);
  int calls = 0;
  primary.scans = [&](const ScanAsk&) -> std::optional<Failure> {
    if (++calls % 2 == 0) return fakes::failure(FailureKind::throttled);
    return std::nullopt;
  };
  replica.reads = [&](std::span<const item::KeyRef> keys) {
    fakes::Table::ReadPlan plan;
    if (++calls % 3 == 0) plan.failure = fakes::failure(FailureKind::transient);
    if (keys.size() > 3) {
      for (std::size_t i = 3; i < keys.size(); ++i) plan.unprocessed.insert(keys[i]->canonical());
    }
    return plan;
  };
  run_well();
  EXPECT_EQ(heard.keys.size(), 12U);
}

TEST_F(VerifyTest, GivesUpAtOnceOnWhatAPersonMustMendAndLaterOnSilence) {
  both("k", 1);
  replica.scans = [](const ScanAsk&) { return fakes::failure(FailureKind::denied); };
  run();
  EXPECT_EQ(result->error().kind, FailureKind::denied);

  result.reset();
  replica.scans = [](const ScanAsk&) { return fakes::failure(FailureKind::transient); };
  start();
  driver.run_for(kPatience - 1s);
  EXPECT_FALSE(result.has_value());
  driver.run_for(1min);
  ASSERT_TRUE(result.has_value());
  EXPECT_GT(result->error().attempts, 10);
  EXPECT_GE(log.count("nothing is answered"), 8U);  // not silently, and not at each attempt
  EXPECT_LE(log.count("nothing is answered"), 11U);
}

TEST_F(VerifyTest, StopsWhenAskedTo) {
  for (int i = 0; i < 200; ++i) both("k" + std::to_string(i), i);
  replica.put("k5", 99);
  start();
  driver.at(driver.now + 20ms, [this] { stop.open(); });
  driver.run_for(1s);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().kind, FailureKind::cancelled);
}

// Killed at any moment, any number of times, and gone on from what was kept.
TEST_F(VerifyTest, ResumedRunsFindExactlyTheSame) {
  for (int i = 0; i < 400; ++i) both("k" + std::to_string(i), i);
  for (int i = 0; i < 15; ++i) primary.put("p" + std::to_string(i), i);
  for (int i = 0; i < 15; ++i) replica.put("r" + std::to_string(i), i);
  for (int i = 0; i < 15; ++i) replica.put("k" + std::to_string(i), 1000);
  replica.salt = "another order";
  segments(5);
  settings.read_units = 20;  // so that it takes some seconds
  settings.units_a_page = 1;
  settings.window_bytes = 8000;
  base::Prng prng(5);
  int all_kills = 0;
  for (int round = 0; round < 12; ++round) {
    Keeper keeper;
    resuming = {&keeper, &keeper.spill, std::nullopt};
    int kills = 0;
    for (result.reset();;) {
      heard.keys.clear();
      start();
      driver.run_for(std::chrono::milliseconds(500 + prng.below(15'000)));
      if (result || ++kills > 60) break;
      scope.reset();  // a kill
      resuming = keeper.again();
    }
    ASSERT_TRUE(result && result->ok()) << kills;
    EXPECT_EQ(heard.keys.size(), 45U) << kills;
    EXPECT_EQ(outcomes().differences(), 45U) << kills;
    all_kills += kills;
  }
  EXPECT_GT(all_kills, 12);
}

TEST_F(VerifyTest, AnInterruptedRunGoesOnWhereItStopped) {
  for (int i = 0; i < 300; ++i) both("k" + std::to_string(i), i);
  primary.put("p", 1);
  Keeper keeper;
  resuming = {&keeper, &keeper.spill, std::nullopt};
  start();
  driver.at(driver.now + 60ms, [this] { stop.open(); });
  driver.run_for(1s);
  ASSERT_TRUE(result && !result->ok());
  const std::size_t before = primary.asks.size();
  ASSERT_GT(before, 5U);
  ASSERT_TRUE(keeper.kept.has_value()) << to_text(result->error()) << keeper.times;
  ASSERT_EQ(keeper.kept->cursors.size(), 1U) << keeper.times;
  ASSERT_FALSE(keeper.kept->cursors.begin()->second.after[0].empty());
  scope.reset();
  resuming = keeper.again();
  settings.concurrency = 1;
  async::Gate open(driver.loop);
  result.reset();
  start(open);
  driver.run_for(1h);
  ASSERT_TRUE(result && result->ok());
  EXPECT_EQ(heard.keys.size(), 1U);
  EXPECT_LE(primary.asks.size(), 32U) << "it began again";
}

TEST_F(VerifyTest, SegmentsByHandReportEachKeyOnceThoughTheEnginesPlaceItemsOtherwise) {
  for (int i = 0; i < 100; ++i) both("k" + std::to_string(i), i);
  for (int i = 0; i < 9; ++i) primary.put("p" + std::to_string(i), i);
  for (int i = 0; i < 9; ++i) replica.put("r" + std::to_string(i), i);
  for (int i = 0; i < 9; ++i) replica.put("k" + std::to_string(i), 1000);
  replica.salt = "placed otherwise";
  settings.segments = 3;
  settings.whole = false;
  for (int i = 0; i < 3; ++i) {
    settings.chosen = {i};
    result.reset();
    run_well();
  }
  EXPECT_EQ(heard.keys.size(), 27U);
}

TEST_F(VerifyTest, WhatHasExpiredDoesNotCount) {
  settings.rules.ttl = "v";  // the items' number
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
  const auto past = static_cast<int>(seconds - 100);
  const auto future = static_cast<int>(seconds + 10'000);
  primary.put("old", past);
  replica.put("old too", past);
  primary.put("new", future);
  replica.put("new too", future);
  primary.put("ages ago", 10);
  run_well();
  EXPECT_EQ(heard.keys, (std::map<std::string, Finding>{{wire("new"), Finding::missing},
                                                        {wire("new too"), Finding::extraneous},
                                                        {wire("ages ago"), Finding::missing}}));
  EXPECT_EQ(outcomes().expired, 2U);
}

TEST_F(VerifyTest, AnExtraCollectionDoesNotPullTheSidesApartForGood) {
  for (int i = 0; i < 8'000; ++i) both("k" + std::to_string(i), 1);
  for (int i = 0; i < 10'000; ++i) primary.put("collection/" + std::to_string(i), 1);
  primary.page_items = replica.page_items = 1000;
  // Its own 10,000 stay; the replica reads on meanwhile, and by no more than that.
  settings.window_bytes = 24'000 * (core::ScanWindow::kEntryBytes + 50);
  run_well();
  EXPECT_EQ(heard.keys.size(), 10'000U);
  EXPECT_EQ(context->progress.spilled, 0U);
}

TEST_F(VerifyTest, TheSideThatIsAheadWaits) {
  for (int i = 0; i < 14'000; ++i) both("k" + std::to_string(i), 1);
  for (int i = 0; i < 15'000; ++i) primary.put("collection/" + std::to_string(i), 1);
  primary.page_items = 4000;
  replica.page_items = 200;  // as if its items were larger
  settings.window_bytes = 50'000 * (core::ScanWindow::kEntryBytes + 50);
  std::uint64_t most = 0;
  replica.scans = [&](const ScanAsk&) -> std::optional<Failure> {
    const auto& shown = context->progress.tally;
    if (shown.equal < 12'000) most = std::max(most, shown.scanned[0] - shown.equal);
    return std::nullopt;
  };
  run_well();
  EXPECT_LE(most, 15'000 + PairScan::kAheadMax + 4000);
}

TEST_F(VerifyTest, TheBudgetIsHeld) {
  for (int i = 0; i < 200; ++i) both("k" + std::to_string(i), i);
  settings.read_units = 2;  // 40 pages of one unit
  settings.units_a_page = 1;
  start();
  driver.run_for(19s);
  EXPECT_FALSE(result.has_value());
  const double units = context->progress.units[0] + context->progress.units[1];
  EXPECT_NEAR(units, 38, 4);
  driver.run_for(10s);
  EXPECT_TRUE(result.has_value());
}

TEST(SumsAddUp, ALostLeftoverIsNoticed) {
  CompareProgress progress;
  progress.tally.scanned = {5, 4};
  progress.tally.equal = 4;
  EXPECT_FALSE(sums_add_up(progress).ok());
  progress.outcomes.found[0] = 1;
  progress.candidates = 1;
  EXPECT_FALSE(sums_add_up(progress).ok()) << "whose was it?";
  progress.outcomes.sides = {1, 0};
  EXPECT_TRUE(sums_add_up(progress).ok());
}

}  // namespace
}  // namespace dynamodb_replicator::flow

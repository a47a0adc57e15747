// Fenced mode: the fence of a shard, and writing under it.
#include "flow/fence.h"

#include <gtest/gtest.h>

#include "flow/fakes_test.h"
#include "flow/refresh.h"

namespace dynamodb_replicator::flow {
namespace {

using fakes::failure;
using fakes::key;
using Fate = fakes::Leases::Fate;
using WritePlan = fakes::Table::WritePlan;

core::ShardRow row_of(const std::string& shard) {
  core::ShardRow row;
  row.stream = "stream";
  row.shard = shard;
  row.counter = 7;
  row.nonce = "mine";
  return row;
}

struct FenceTest : ::testing::Test {
  fakes::World world;
  fakes::Driver& driver = world.driver;
  fakes::Leases& leases = world.leases;
  fakes::FencedTable fenced{world.replica, leases};
  fakes::Process process{driver, world.primary, world.replica, leases, "me"};
  std::shared_ptr<ShardFence> fence;
  async::Scope scope{driver.loop};

  void SetUp() override {
    process.settings.stripes = 3;
    process.context->fenced = &fenced;
    fence = std::make_shared<ShardFence>(*process.context, row_of("a"));
  }
  // What a task of ours says within a minute; nullopt: it says nothing.
  std::optional<bool> said(Task<bool> task) {
    auto answer = std::make_shared<std::optional<bool>>();
    scope.spawn([](Task<bool> inner, std::shared_ptr<std::optional<bool>> out) -> Task<void> {
      *out = co_await std::move(inner);
    }(std::move(task), answer));
    driver.run_for(1min);
    return *answer;
  }
  std::optional<bool> raise() { return said(fence->raise()); }
  unsigned take() {
    auto stripe = std::make_shared<std::optional<unsigned>>();
    scope.spawn([](ShardFence& of, std::shared_ptr<std::optional<unsigned>> out) -> Task<void> {
      *out = co_await of.take();
    }(*fence, stripe));
    driver.run_for(0s);
    return stripe->value_or(99);
  }
};

TEST_F(FenceTest, EveryStripeIsRaisedToTheGeneration) {
  leases.fences[1] = {"stream", "a", 1, 5, 9, "theirs"};
  EXPECT_EQ(raise(), true);
  ASSERT_EQ(leases.fences.size(), 3U);
  for (const auto& [stripe, stored] : leases.fences) {
    EXPECT_EQ(stored.generation, 7U);
    EXPECT_EQ(stored.bumps, 0U);
  }
}

TEST_F(FenceTest, ANewerOwnerIsNotRaisedOver) {
  leases.fences[2] = {"stream", "a", 2, 8, 0, "theirs"};
  EXPECT_EQ(raise(), false);
  EXPECT_EQ(leases.fences[2].generation, 8U);
  EXPECT_EQ(fence->highest(), 8U);
}

TEST_F(FenceTest, TheSameGenerationOfAnotherIsNotOurs) {
  leases.fences[0] = {"stream", "a", 0, 7, 0, "theirs"};
  EXPECT_EQ(raise(), false) << "the lease table was made anew, say";
}

TEST_F(FenceTest, ALostAnswerOfItsOwnIsRecognised) {
  int lost = 3;
  leases.fence_fate = [&lost](const core::Fence&) {
    return lost-- > 0 ? Fate::answer_lost : Fate::served;
  };
  EXPECT_EQ(raise(), true);
  lost = 1;
  const unsigned stripe = take();
  EXPECT_EQ(said(fence->bump(stripe)), true);
  EXPECT_EQ(leases.fences[stripe].bumps, 1U) << "once, not once for each attempt";
  EXPECT_EQ(fence->pass(stripe).bumps, 1U);
}

TEST_F(FenceTest, ABumpIsTriedUntilItIsKnown) {
  ASSERT_EQ(raise(), true);
  const unsigned stripe = take();
  leases.down = true;
  EXPECT_EQ(said(fence->bump(stripe)), std::nullopt);
  leases.down = false;
  driver.run_for(5s);
  EXPECT_EQ(leases.fences[stripe].bumps, 1U);
}

TEST_F(FenceTest, ABumpOfAFormerOwnerIsRefused) {
  ASSERT_EQ(raise(), true);
  const unsigned stripe = take();
  leases.fences[stripe].generation = 9;
  EXPECT_EQ(said(fence->bump(stripe)), false);
  EXPECT_EQ(leases.fences[stripe].bumps, 0U);
}

TEST_F(FenceTest, AStripeHasOneTaker) {
  EXPECT_EQ(take(), 0U);
  EXPECT_EQ(take(), 1U);
  EXPECT_EQ(take(), 2U);
  auto fourth = std::make_shared<std::optional<unsigned>>();
  scope.spawn([](ShardFence& of, std::shared_ptr<std::optional<unsigned>> out) -> Task<void> {
    *out = co_await of.take();
  }(*fence, fourth));
  driver.run_for(1s);
  EXPECT_FALSE(fourth->has_value());
  fence->give_back(1);
  driver.run_for(0s);
  EXPECT_EQ(*fourth, 1U);
}

TEST_F(FenceTest, NothingWaitsForAFenceThatIsClosed) {
  ASSERT_EQ(raise(), true);
  const unsigned stripe = take();
  leases.down = true;
  bool ended = false;
  scope.spawn([](ShardFence& of, unsigned which, bool& out) -> Task<void> {
    const bool ours = co_await of.bump(which);
    EXPECT_FALSE(ours);
    out = true;
  }(*fence, stripe, ended));
  driver.run_for(5s);
  fence->close();
  driver.run_for(5s);
  EXPECT_TRUE(ended);
}

struct FencedOwner : ClaimOwner {
  [[nodiscard]] core::Hold hold() const override { return hold_; }
  [[nodiscard]] std::optional<Instant> takeover_until() const override { return std::nullopt; }
  [[nodiscard]] std::shared_ptr<ShardFence> fence() const override { return fence_; }
  void fenced_out() override { ++outs; }
  void finished(core::Watermark::Slot slot) override { done.insert(slot); }
  void refused(core::Watermark::Slot slot, const std::string& reason) override {
    poison[slot] = reason;
  }
  core::Hold hold_;
  std::shared_ptr<ShardFence> fence_;
  int outs = 0;
  std::set<core::Watermark::Slot> done;
  std::map<core::Watermark::Slot, std::string> poison;
};

struct FencedRefresherTest : FenceTest {
  fakes::Table& primary = world.primary;
  fakes::Table& replica = world.replica;
  FencedOwner owner;
  std::optional<Refresher> refresher;
  std::optional<async::Scope> lanes;
  std::uint64_t session = 0;
  core::Watermark::Slot next_slot = 0;

  void SetUp() override {
    FenceTest::SetUp();
    ASSERT_EQ(raise(), true);
    owner.fence_ = fence;
    owner.hold_ = {driver.now, 1h};
    refresher.emplace(*process.context);
    lanes.emplace(driver.loop);
    lanes->spawn(refresher->run());
    session = refresher->enlist(owner);
    driver.run_for(0s);
  }
  void arrive(const std::string& name) {
    refresher->arrive(key(name), {session, next_slot++, false});
    refresher->poke();
  }
};

TEST_F(FencedRefresherTest, WritesGoInTransactionsUnderTheFence) {
  for (int i = 0; i < 250; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  driver.run_for(5s);
  EXPECT_EQ(primary.items, replica.items);
  EXPECT_EQ(owner.done.size(), 250U);
  ASSERT_FALSE(fenced.passes.empty());
  EXPECT_EQ(fenced.passes.size(), 3U) << "99 at a time, and never 99 and one more";
  for (const core::Fence& pass : fenced.passes) EXPECT_EQ(pass.generation, 7U);
  EXPECT_EQ(process.metrics.write_requests, fenced.passes.size());
}

TEST_F(FencedRefresherTest, ALateAttemptIsEndedByABumpBeforeTheKeyIsReadAgain) {
  primary.put("a", 1);
  bool first = true;
  replica.writes = [&first](const auto&) {
    if (!std::exchange(first, false)) return WritePlan{};
    return WritePlan{1h, {}, 30s, {}};  // lands long after its deadline
  };
  arrive("a");
  driver.run_for(4s);
  primary.put("a", 2);
  driver.run_for(10s);
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_EQ(owner.done.size(), 1U) << "no doubt to wait for";
  driver.run_for(1min);
  EXPECT_EQ(fenced.refused, 1) << "the late one, turned away";
  EXPECT_EQ(replica.items, primary.items);
  EXPECT_EQ(process.metrics.fence_bumps, 1U);
  EXPECT_EQ(process.metrics.rechecks, 0U);
}

TEST_F(FencedRefresherTest, WhileTheBumpIsNotKnownTheKeyIsNotWritten) {
  primary.put("a", 1);
  replica.writes = [](const auto&) {
    return WritePlan{5ms, failure(FailureKind::transient, true), {}, {}};
  };
  leases.down = true;
  arrive("a");
  driver.run_for(1min);
  EXPECT_EQ(replica.issued.size(), 1U);
  replica.writes = nullptr;
  leases.down = false;
  driver.run_for(5s);
  EXPECT_EQ(replica.issued.size(), 2U);
  EXPECT_EQ(replica.items, primary.items);
}

TEST_F(FencedRefresherTest, WhoIsFencedOutIsToldAndFinishesNothing) {
  primary.put("a", 1);
  for (auto& [stripe, stored] : leases.fences) stored.generation = 8;
  arrive("a");
  driver.run_for(100ms);
  EXPECT_EQ(owner.outs, 1);
  EXPECT_TRUE(owner.done.empty());
  EXPECT_TRUE(replica.items.empty());
}

TEST_F(FencedRefresherTest, OnePoisonItemIsFoundByBisection) {
  for (int i = 0; i < 30; ++i) {
    primary.put("k" + std::to_string(i), i);
    arrive("k" + std::to_string(i));
  }
  replica.writes = [](const std::vector<Write>& batch) {
    const bool poisoned = std::any_of(
        batch.begin(), batch.end(), [](const Write& one) { return one.key->canonical() == "k17"; });
    return poisoned ? WritePlan{5ms, failure(FailureKind::invalid), {}, {}} : WritePlan{};
  };
  driver.run_for(5s);
  EXPECT_EQ(owner.done.size(), 29U);
  EXPECT_EQ(owner.poison.size(), 1U);
  EXPECT_EQ(fenced.in_flight.size(), 0U);
}

TEST_F(FencedRefresherTest, AConflictIsTriedAgainWithoutABump) {
  primary.put("a", 1);
  int conflicts = 3;
  replica.writes = [&conflicts](const auto&) {
    return conflicts-- > 0 ? WritePlan{5ms, failure(FailureKind::conflict), {}, {}} : WritePlan{};
  };
  arrive("a");
  driver.run_for(10s);
  EXPECT_EQ(owner.done.size(), 1U);
  EXPECT_EQ(process.metrics.fence_bumps, 0U);
}

}  // namespace
}  // namespace dynamodb_replicator::flow

#include "core/backoff.h"

#include <gtest/gtest.h>

#include <limits>

namespace dynamodb_replicator::core {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// The largest wait that some roll gives; the rolls are spread over the range.
Duration longest(FailureKind kind, unsigned failures) {
  Duration most{};
  for (std::uint64_t i = 0; i < 1000; ++i)
    most = std::max(most, retry_after(kind, failures, kMost / 1000 * i));
  return most;
}

TEST(RetryAfter, GrowsByDoublingUpToTwentySeconds) {
  for (const auto& [kind, base] : {std::pair{FailureKind::transient, Duration(50ms)},
                                   std::pair{FailureKind::throttled, Duration(250ms)},
                                   std::pair{FailureKind::denied, Duration(5s)}}) {
    for (unsigned failures = 1; failures < 70; ++failures) {
      Duration bound = base;
      for (unsigned i = 1; i < failures && bound < 20s; ++i) bound *= 2;
      bound = std::min<Duration>(bound, 20s);
      EXPECT_LE(longest(kind, failures), bound);
      EXPECT_GE(longest(kind, failures), bound * 9 / 10) << failures;
    }
  }
}

TEST(RetryAfter, MayBeNothingAtAll) {
  EXPECT_EQ(retry_after(FailureKind::transient, 3, 0), Duration::zero());
}

TEST(RetryAfterDeath, IsForFailuresOnly) {
  EXPECT_DEATH(retry_after(FailureKind::transient, 0, 1), "");
}

TEST(NeedsOperator, OnlyWhatAPersonCanMend) {
  EXPECT_TRUE(needs_operator(FailureKind::denied));
  EXPECT_TRUE(needs_operator(FailureKind::credentials));
  EXPECT_TRUE(needs_operator(FailureKind::not_found));
  EXPECT_FALSE(needs_operator(FailureKind::throttled));
  EXPECT_FALSE(needs_operator(FailureKind::transient));
  EXPECT_FALSE(needs_operator(FailureKind::unusable_answer));
  EXPECT_FALSE(needs_operator(FailureKind::conflict));
}

TEST(Window, OneBurstOfThrottledAnswersIsOneCut) {
  Window window(8);
  Instant now{};
  for (int i = 0; i < 50; ++i) window.throttled(now += 1ms);
  EXPECT_EQ(window.size(), 5U);
  window.throttled(now += Window::kCutEvery);
  EXPECT_EQ(window.size(), 3U);
}

TEST(Window, NeverBelowOneAndGrowsBackToItsMaximum) {
  Window window(8);
  Instant now{};
  for (int i = 0; i < 50; ++i) window.throttled(now += Window::kCutEvery);
  EXPECT_EQ(window.size(), 1U);
  window.clean();
  EXPECT_EQ(window.size(), 2U) << "one more for each window of clean ones";
  for (int i = 0; i < 200; ++i) window.clean();
  EXPECT_EQ(window.size(), 8U);
}

TEST(Budget, ADebtIsPaidBeforeTheNextRequest) {
  Budget budget(10);
  const Instant start = Instant{} + 100s;
  EXPECT_LE(budget.ready_at(), start);
  budget.charge(25, start);
  EXPECT_EQ(budget.ready_at(), start + 2500ms);
  budget.charge(10, start + 1s);
  EXPECT_EQ(budget.ready_at(), start + 3500ms);
  budget.charge(10, start + 60s);
  EXPECT_EQ(budget.ready_at(), start + 61s) << "what was not used is not saved up";
}

TEST(Budget, WithoutACeilingNothingWaits) {
  Budget budget(0);
  budget.charge(1e9, Instant{} + 5s);
  EXPECT_LE(budget.ready_at(), Instant{});
}

}  // namespace
}  // namespace dynamodb_replicator::core

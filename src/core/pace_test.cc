#include "core/pace.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::core {
namespace {

TEST(Pace, ABusyShardIsReadALittleUnderFiveTimesASecond) {
  Pace pace;
  Instant now{};
  int reads = 0;
  while (now < Instant{} + 10s) {
    now = pace.next(now, 100);
    ++reads;
  }
  EXPECT_LE(reads, 50);
  EXPECT_GE(reads, 45);
}

TEST(Pace, AnIdleShardIsReadOnceASecondAndWakesAtOnce) {
  Pace pace;
  Instant now{};
  Duration before = Pace::kBusy;
  for (int i = 0; i < 20; ++i) {
    const Instant next = pace.next(now, 0);
    EXPECT_GE(next - now, before) << "slows down step by step";
    EXPECT_LE(next - now, Pace::kIdle);
    before = next - now;
    now = next;
  }
  EXPECT_EQ(before, Pace::kIdle);
  EXPECT_EQ(pace.next(now, 1) - now, Pace::kBusy);
}

TEST(TipDetector, FiveEmptyAnswersOverTenSeconds) {
  TipDetector tip;
  Instant now{};
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(tip.answer(now += 1s, 0)) << "not ten seconds yet";
  EXPECT_TRUE(tip.answer(now += 1s, 0));
  EXPECT_TRUE(tip.answer(now += 1s, 0)) << "stays there";
  EXPECT_FALSE(tip.answer(now += 1s, 1)) << "a record: not the tip";
  EXPECT_FALSE(tip.answer(now += 1s, 0));
}

TEST(TipDetector, LongWaitsAloneAreNotEnough) {
  TipDetector tip;
  Instant now{};
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(tip.answer(now += 10s, 0));
  EXPECT_TRUE(tip.answer(now += 10s, 0));
}

}  // namespace
}  // namespace dynamodb_replicator::core

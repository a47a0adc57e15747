#include "core/breaker.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::core {
namespace {

TEST(Breaker, TenAreAlwaysFree) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) breaker.bad(Instant{});
  EXPECT_FALSE(breaker.open());
  breaker.bad(Instant{});
  EXPECT_TRUE(breaker.open());
}

TEST(Breaker, OnePercentOfManyIsFree) {
  Breaker breaker;
  breaker.good(Instant{}, 4950);
  for (int i = 0; i < 50; ++i) breaker.bad(Instant{});
  EXPECT_FALSE(breaker.open()) << "50 of 5000";
  breaker.bad(Instant{});
  EXPECT_TRUE(breaker.open()) << "51 of 5001";
}

TEST(Breaker, ForgetsWhatIsOlderThanFiveMinutes) {
  Breaker breaker;
  Instant now{};
  for (int i = 0; i < 10; ++i) breaker.bad(now);
  now += Breaker::kSpan - 1s;
  breaker.bad(now);
  EXPECT_TRUE(breaker.open()) << "eleven within five minutes";
  now += 1s;
  breaker.bad(now);
  EXPECT_FALSE(breaker.open()) << "the first ten are older";
}

TEST(Breaker, GoodRecordsAreForgottenToo) {
  Breaker breaker;
  breaker.good(Instant{}, 1'000'000);
  const Instant later = Instant{} + Breaker::kSpan + Breaker::kStep;
  for (int i = 0; i < 11; ++i) breaker.bad(later);
  EXPECT_TRUE(breaker.open());
}

TEST(Breaker, SteadyOneInTwoHundredNeverOpensAndOneInFiftyDoes) {
  for (const auto& [every, opens] : {std::pair{200, false}, std::pair{50, true}}) {
    Breaker breaker;
    Instant now{};
    bool opened = false;
    for (int i = 1; i <= 100'000; ++i) {
      now += 10ms;
      if (i % every == 0) {
        breaker.bad(now);
      } else {
        breaker.good(now);
      }
      opened = opened || breaker.open();
    }
    EXPECT_EQ(opened, opens) << every;
  }
}

}  // namespace
}  // namespace dynamodb_replicator::core

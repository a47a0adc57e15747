// The executor seam: order, cancellation by destruction, deadlines. The driver here is ten lines:
// virtual time.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/gate.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"

namespace dynamodb_replicator::async {
namespace {

struct Driver {
  Loop loop;
  Instant now{};
  void run() {
    for (;;) {
      while (loop.ready() > 0) loop.run();
      const auto next = loop.next_timer();
      if (!next) return;
      now = *next;
      loop.fire(now);
    }
  }
};

Task<int> immediately(int value) { co_return value; }

TEST(Task, AMillionImmediateChildrenDoNotGrowTheStack) {
  Driver driver;
  long sum = 0;
  Task<void> root = [](long& out) -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) {
      const int one = co_await immediately(1);
      out += one;
    }
  }(sum);
  root.start();
  EXPECT_TRUE(root.done());
  EXPECT_EQ(sum, 1'000'000);
}

TEST(Loop, SleepersWakeInTheOrderOfTheirTimes) {
  Driver driver;
  std::string order;
  Scope scope(driver.loop);
  for (const int n : {3, 1, 2}) {
    scope.spawn([](Driver& d, int seconds, std::string& out) -> Task<void> {
      co_await d.loop.sleep_until(Instant{} + std::chrono::seconds(seconds));
      out += std::to_string(seconds);
    }(driver, n, order));
  }
  driver.run();
  EXPECT_EQ(order, "123");
  EXPECT_EQ(driver.now, Instant{} + 3s);
}

TEST(Loop, TheDriverMayPickAnyReadyHandler) {
  Driver driver;
  std::string order;
  Scope scope(driver.loop);
  for (const char c : {'a', 'b', 'c'}) {
    scope.spawn([](char name, std::string& out) -> Task<void> {
      out.push_back(name);
      co_return;
    }(c, order));
  }
  ASSERT_EQ(driver.loop.ready(), 3U);
  driver.loop.run(2);
  driver.loop.run(0);
  driver.loop.run(0);
  EXPECT_EQ(order, "cab");
}

struct Flag {
  bool& destroyed;
  ~Flag() { destroyed = true; }
};

TEST(Scope, DestroyingItDestroysWaitingChildrenAndTheirTimers) {
  Driver driver;
  bool destroyed = false;
  bool resumed = false;
  {
    Scope scope(driver.loop);
    scope.spawn([](Driver& d, bool& gone, bool& went_on) -> Task<void> {
      const Flag flag{gone};
      co_await d.loop.sleep_until(Instant{} + 1s);
      went_on = true;
    }(driver, destroyed, resumed));
    driver.loop.run();
  }
  EXPECT_TRUE(destroyed);
  driver.run();
  EXPECT_FALSE(resumed);
  EXPECT_FALSE(driver.loop.next_timer());
}

TEST(Scope, DestroyingItTakesReadyHandlersOffTheReadyList) {
  Driver driver;
  bool resumed = false;
  {
    Scope scope(driver.loop);
    scope.spawn([](bool& went_on) -> Task<void> {
      went_on = true;
      co_return;
    }(resumed));
    EXPECT_EQ(driver.loop.ready(), 1U);
  }
  EXPECT_EQ(driver.loop.ready(), 0U);
  EXPECT_FALSE(resumed);
}

TEST(Scope, JoinWaitsForAllAndJoinUntilSaysWhenItDidNot) {
  Driver driver;
  bool joined = false;
  std::optional<bool> early;
  Task<void> root = [](Driver& d, bool& out, std::optional<bool>& first) -> Task<void> {
    Scope scope(d.loop);
    for (int i = 1; i <= 3; ++i) {
      scope.spawn([](Driver& driver_, int n) -> Task<void> {
        co_await driver_.loop.sleep_until(Instant{} + std::chrono::seconds(n));
      }(d, i));
    }
    first = co_await scope.join_until(Instant{} + 2s + 1ms);
    EXPECT_EQ(scope.running(), 1U);
    co_await scope.join();
    out = true;
  }(driver, joined, early);
  root.start();
  driver.run();
  EXPECT_EQ(early, false);
  EXPECT_TRUE(joined);
}

TEST(Before, GivesTheValueOrNothingAtTheDeadline) {
  Driver driver;
  const auto slow = [](Driver& d, int n) -> Task<int> {
    co_await d.loop.sleep_until(Instant{} + std::chrono::seconds(n));
    co_return n;
  };
  std::optional<int> in_time;
  std::optional<int> late;
  Task<void> root = [](Driver& d, auto slow_, auto& a, auto& b) -> Task<void> {
    a = co_await before(d.loop, Instant{} + 2s, slow_(d, 1));
    b = co_await before(d.loop, Instant{} + 4s, slow_(d, 9));
  }(driver, slow, in_time, late);
  root.start();
  driver.run();
  EXPECT_EQ(in_time, 1);
  EXPECT_EQ(late, std::nullopt);
  EXPECT_EQ(driver.now, Instant{} + 4s);
}

TEST(Gate, OpensForAllAndStaysOpen) {
  Driver driver;
  Gate gate(driver.loop);
  int passed = 0;
  Scope scope(driver.loop);
  for (int i = 0; i < 2; ++i) {
    scope.spawn([](Gate& g, int& count) -> Task<void> {
      const bool once = co_await g.wait();
      const bool twice = co_await g.wait();
      count += (once ? 1 : 0) + (twice ? 1 : 0);
    }(gate, passed));
  }
  driver.run();
  EXPECT_EQ(passed, 0);
  gate.open();
  driver.run();
  EXPECT_EQ(passed, 4);
}

TEST(Signal, WakesThoseThatWaitNowAndHonoursDeadlines) {
  Driver driver;
  Signal signal(driver.loop);
  std::vector<bool> seen;
  Scope scope(driver.loop);
  scope.spawn([](Driver& d, Signal& s, std::vector<bool>& out) -> Task<void> {
    const bool first = co_await s.wait(Instant{} + 1s);
    const bool second = co_await s.wait(d.now + 5s);
    out = {first, second};
  }(driver, signal, seen));
  scope.spawn([](Driver& d, Signal& s) -> Task<void> {
    co_await d.loop.sleep_until(Instant{} + 2s);
    s.notify();
  }(driver, signal));
  driver.run();
  EXPECT_EQ(seen, (std::vector<bool>{false, true}));
}

}  // namespace
}  // namespace dynamodb_replicator::async

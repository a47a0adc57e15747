// The world itself: order by seed, time that only moves when nobody is ready, crashes that leave
// requests behind.
#include "sim/world.h"

#include <gtest/gtest.h>

#include "sim/process.h"

namespace dynamodb_replicator::sim {
namespace {

struct Echo : Service {
  int served = 0;
  async::HttpResponse handle(const async::HttpRequest& request) override {
    ++served;
    return {200, {}, request.body};
  }
};

struct Stage {
  World world;
  Network network;
  Machine machine;
  Process process;
  Echo echo;
  explicit Stage(std::uint64_t seed, bool chaos = false)
      : world({seed, false, chaos}),
        network(world, {}),
        machine{"m1", 1000s, 0s, {}, {}},
        process(world, machine, network, "p1") {
    network.connect("echo.sim", 80, echo);
  }
};

async::HttpRequest to_echo(std::string body) {
  async::HttpRequest request;
  request.host = "echo.sim";
  request.port = 80;
  request.body = std::move(body);
  return request;
}

async::Task<int> ask_once(async::Doors& doors, app::Control&) {
  auto answer = co_await doors.http.send(to_echo("hello"), doors.clock.now() + 5s);
  co_return answer.ok() && answer->body == "hello" ? 0 : 2;
}

TEST(World, ARequestIsServedAndTimeMovesOnlyAsFarAsNeeded) {
  Stage stage(1);
  stage.process.start(ask_once);
  stage.world.run_until(10s);
  EXPECT_EQ(stage.process.exit_status(), 0);
  EXPECT_EQ(stage.echo.served, 1);
  EXPECT_EQ(stage.world.now(), 10s);
}

TEST(World, ACrashLeavesTheRequestOnItsWay) {
  Stage stage(2);
  stage.process.start(ask_once);
  stage.process.crash();
  stage.world.run_until(10s);
  EXPECT_FALSE(stage.process.exit_status());
  EXPECT_EQ(stage.echo.served, 1);
  EXPECT_EQ(stage.network.in_flight(), 0U);
}

TEST(World, APausedProcessDoesNothingUntilItsTime) {
  Stage stage(3);
  stage.process.start(ask_once);
  stage.process.pause(7s);
  stage.world.run_until(6s);
  EXPECT_TRUE(stage.process.running());
  stage.world.run_until(8s);
  EXPECT_FALSE(stage.process.running());
}

async::Task<int> ask_often(async::Doors& doors, app::Control&) {
  int bad = 0;
  for (int i = 0; i < 300; ++i) {
    auto answer = co_await doors.http.send(to_echo(std::to_string(i)), doors.clock.now() + 2s);
    if (!answer.ok() || answer->status != 200 || answer->body != std::to_string(i)) ++bad;
  }
  co_return bad;
}

std::uint64_t digest_of(std::uint64_t seed) {
  Stage stage(seed, true);
  stage.process.start(ask_often);
  stage.world.run_until(2000s);
  EXPECT_TRUE(stage.process.exit_status());
  return stage.world.digest();
}

TEST(World, OneSeedIsOneRun) {
  EXPECT_EQ(digest_of(11), digest_of(11));
  EXPECT_NE(digest_of(11), digest_of(12));
}

TEST(World, EveryFaultOfAnExchangeStrikesSomewhere) {
  std::array<std::uint64_t, kFaults> sums{};
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Stage stage(seed, true);
    stage.process.start(ask_often);
    stage.world.run_until(2000s);
    for (std::size_t i = 0; i < kFaults; ++i) sums[i] += stage.world.faults().counts()[i];
    EXPECT_EQ(stage.network.in_flight(), 0U);
  }
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Fault::slow); ++i) {
    EXPECT_GT(sums[i], 0U) << name_of(static_cast<Fault>(i));
  }
}

async::Task<int> write_file(async::Doors& doors, app::Control&) {
  co_await doors.files.append_line("a", "one");
  co_await doors.files.append_line("a", "two");
  co_return 0;
}

TEST(Machine, WhatWasAwaitedSurvivesAPowerCut) {
  Stage stage(5);
  stage.process.start(write_file);
  stage.world.run_until(1s, [] { return true; });
  while (stage.machine.files["a"].durable.empty()) stage.world.run_until(stage.world.now() + 100us);
  stage.process.crash();
  base::Prng prng(1);
  stage.machine.lose_power(prng);
  EXPECT_TRUE(stage.machine.files["a"].durable.starts_with("one\n"));
  EXPECT_TRUE(stage.machine.files["a"].pending.empty());
}

}  // namespace
}  // namespace dynamodb_replicator::sim

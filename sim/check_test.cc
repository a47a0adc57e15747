// Each checker sees what it is there for: the events are made by hand, one of them wrong.
#include "sim/check.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::sim {
namespace {

Item key() { return {{"id", R"({"N":"1"})"}}; }
Item item(int value) {
  Item out = key();
  out["v"] = R"({"N":")" + std::to_string(value) + R"("})";
  return out;
}

struct Events : Service {
  World world{{1, false, false}};
  Network network{world, {}};
  Table primary{world, "primary", {{"id", "N"}, std::nullopt}};
  Table replica{world, "replica", {{"id", "N"}, std::nullopt}};
  Table leases{world, "leases", {{"stream", "S"}, KeyPart{"row", "S"}}};
  Machine machine;
  Checker checker;
  std::function<void()> todo;

  explicit Events(bool fenced = false)
      : checker(world, network, primary, replica, {&machine}, {"dead", true, fenced}) {
    checker.lease_table(leases);
    network.connect("leases.sim", 80, *this);
  }
  async::HttpResponse handle(const async::HttpRequest&) override {
    todo();
    return {200, {}, "{}"};
  }
  // Does something in the name of a process, as a request of it would.
  void by(const std::string& sender, std::function<void()> what) {
    todo = std::move(what);
    async::HttpRequest request;
    request.host = "leases.sim";
    request.port = 80;
    network.send(sender, std::move(request), world.now() + 1s);
    world.run_until(world.now() + 1s);
  }
  void row(const std::string& shard, const std::string& owner, const std::string& checkpoint,
           bool finished = false) {
    Item row{{"stream", R"({"S":"s"})"}, {"row", R"({"S":"shard#)" + shard + R"("})"}};
    if (!owner.empty()) row["owner"] = R"({"S":")" + owner + R"("})";
    if (!checkpoint.empty()) row["checkpoint"] = R"({"S":")" + checkpoint + R"("})";
    row["finished"] = finished ? R"({"BOOL":true})" : R"({"BOOL":false})";
    leases.put(row);
  }
  [[nodiscard]] std::string said() const { return world.failure().value_or(""); }
};

TEST(Checker, AValueThatThePrimaryNeverHad) {
  Events e;
  e.primary.put(item(1));
  e.replica.put(item(1));
  EXPECT_EQ(e.said(), "");
  e.replica.put(item(2));
  EXPECT_TRUE(e.said().starts_with("I2")) << e.said();
}

TEST(Checker, AStrangersValueIsNobodysFault) {
  Events e;
  e.checker.by_stranger([&] { e.replica.put(item(7)); });
  EXPECT_EQ(e.said(), "");
}

TEST(Checker, AVersionThatGoesBackIsCountedAndInFencedModeForbidden) {
  for (const bool fenced : {false, true}) {
    Events e(fenced);
    for (const int value : {1, 2, 1, 3}) e.primary.put(item(value));
    for (const int value : {1, 2, 1, 3}) e.replica.put(item(value));
    EXPECT_EQ(e.checker.regressions(), 0U);
    EXPECT_EQ(e.said(), "");
    e.replica.put(item(2));
    EXPECT_EQ(e.checker.regressions(), 1U);
    EXPECT_EQ(e.said().starts_with("I3"), fenced) << e.said();
  }
}

TEST(Checker, ACheckpointThatPassesWhatTheReplicaLacks) {
  Events e;
  e.primary.put(item(1));
  e.checker.emitted({"a", "100", R"({"N":"1"})", 1});
  e.by("one@101", [&] { e.row("a", "one@101/x", ""); });
  EXPECT_EQ(e.said(), "");
  e.by("one@101", [&] { e.row("a", "one@101/x", "100"); });
  EXPECT_TRUE(e.said().starts_with("I4")) << e.said();
}

TEST(Checker, JunkThatIsPassedWithoutADeadLetter) {
  for (const bool buried : {true, false}) {
    Events e;
    e.checker.emitted({"a", "100", "", 0});
    if (buried) e.machine.files["dead"].durable = "{\"shard\":\"a\",\"sequence\":\"100\"}\n";
    e.by("one@101", [&] { e.row("a", "one@101/x", ""); });
    e.by("one@101", [&] { e.row("a", "one@101/x", "100"); });
    EXPECT_EQ(e.said().empty(), buried) << e.said();
  }
}

TEST(Checker, ACheckpointThatGoesBack) {
  Events e;
  e.by("one@101", [&] { e.row("a", "one@101/x", ""); });
  e.by("one@101", [&] { e.row("a", "one@101/x", "100"); });
  EXPECT_EQ(e.said(), "");
  e.by("one@101", [&] { e.row("a", "one@101/x", "99"); });
  EXPECT_TRUE(e.said().starts_with("I5")) << e.said();
}

TEST(Checker, ACheckpointByAnotherHandThanItsOwners) {
  Events e;
  e.by("one@101", [&] { e.row("a", "one@101/x", ""); });
  e.by("two@101", [&] { e.row("a", "one@101/x", "100"); });
  EXPECT_TRUE(e.said().starts_with("I5")) << e.said();
  Events f;
  f.by("one@101", [&] { f.row("a", "one@101/x", ""); });
  f.by("one@101", [&] { f.row("a", "two@101/x", ""); });
  EXPECT_TRUE(f.said().starts_with("I5")) << f.said();
}

TEST(Checker, AChildBeforeItsParent) {
  Events e;
  e.checker.shard_born("child", {"a"});
  e.checker.page_read("child", "");
  EXPECT_TRUE(e.said().starts_with("I6")) << e.said();
  Events f;
  f.checker.shard_born("child", {"a"});
  f.by("one@101", [&] { f.row("a", "one@101/x", ""); });
  f.by("one@101", [&] { f.row("a", "", "", true); });
  f.by("one@101", [&] { f.row("child", "one@101/x", ""); });
  EXPECT_EQ(f.said(), "");
}

TEST(Checker, WhatIsTrimmedIsLostUnlessItsOwnerHasIt) {
  Events e;
  e.by("one@101", [&] { e.row("a", "one@101/x", ""); });
  e.by("one@101", [&] { e.row("a", "one@101/x", "50"); });
  e.checker.emitted({"a", "100", R"({"N":"1"})", 0});
  e.checker.emitted({"a", "200", R"({"N":"1"})", 0});
  e.by("one@101", [&] { e.checker.page_read("a", "100"); });
  e.checker.trimmed("a", "200");
  EXPECT_EQ(e.checker.lost(), 1U);
}

TEST(Checker, ADifferenceAtRest) {
  Events e;
  e.primary.put(item(1));
  e.checker.look_at_rest();
  EXPECT_TRUE(e.said().starts_with("I1")) << e.said();
  EXPECT_EQ(e.checker.differing().size(), 1U);
}

TEST(World, ASecretInALog) {
  World world({1, false, false});
  world.plant("hush");
  world.expect_no_secret("a line", "all is well");
  EXPECT_FALSE(world.failure());
  world.expect_no_secret("a line", "the key is hush!");
  EXPECT_TRUE(world.failure());
  EXPECT_EQ(world.looked()[static_cast<std::size_t>(Invariant::no_secrets)], 2U);
}

TEST(Machine, ADriftingClockShowsATimeWhenTheWorldSaysItDoes) {
  for (const std::int64_t drift : {-100, -7, 0, 33, 100}) {
    Machine machine;
    machine.boot = 12345ns;
    machine.drift = drift;
    for (std::int64_t t = 1; t < 4'000'000'000'000; t = t * 3 + 1) {
      const Instant when = Instant{} + machine.boot + Duration(t);
      const Duration world = machine.world_time(when);
      EXPECT_GE(machine.boottime(world), when);
      EXPECT_LT(machine.boottime(world - 2ns), when);
    }
  }
}

}  // namespace
}  // namespace dynamodb_replicator::sim

// The lease checker sees what it is there for.
#include "sim/leases.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::sim {
namespace {

struct LeaseWire {
  World world{{1, false, false}};
  Table replica{world, "replica", {{"id", "N"}, std::nullopt}};
  Table rows{world, "leases", {{"stream", "S"}, KeyPart{"row", "S"}}};
  LeaseChecker checker{world, replica};
  std::uint64_t numbers = 0;

  LeaseWire() { checker.lease_table(rows); }

  std::uint64_t send(const std::string& operation, const std::string& body, Duration deadline) {
    async::HttpRequest request;
    request.body = body;
    checker.sent(++numbers, "one@1", operation, request, deadline);
    return numbers;
  }
  // A write of the row of shard "s", of a lease of nine seconds. Heard: its sender was answered.
  void renew(const std::string& nonce, const std::string& owner, bool heard = true) {
    const std::string named = owner.empty() ? "" : R"(":owner":{"S":")" + owner + R"("},)";
    const std::uint64_t number =
        send("UpdateItem",
             R"({"Key":{"row":{"S":"shard#s"}},"ExpressionAttributeValues":{)" + named +
                 R"(":nonce":{"S":")" + nonce + R"("},":lease":{"N":"9000000"}}})",
             world.now() + 3s);
    Item row{{"stream", R"({"S":"t"})"}, {"row", R"({"S":"shard#s"})"}};
    if (!owner.empty()) row["owner"] = R"({"S":")" + owner + R"("})";
    rows.put(row);
    checker.applied(number, "UpdateItem", {}, {200, {}, "{}"});
    checker.over(number, heard);
  }
  // It holds the lease, and was given a record of the one key.
  void begin() {
    renew("a", "one@1/x");
    checker.given("one@1", "s", R"({"N":"1"})");
  }
  void look() {
    const std::uint64_t number = send("Query", "{}", world.now() + 10s);
    checker.applied(number, "Query", {}, {200, {}, R"({"Items":[]})"});
    checker.over(number, true);
  }
  void write(Duration deadline) {
    send("BatchWriteItem",
         R"({"RequestItems":{"replica":[{"DeleteRequest":{"Key":{"id":{"N":"1"}}}}]}})",
         world.now() + deadline);
  }
  void pass(Duration time) { world.run_until(world.now() + time); }
  [[nodiscard]] std::string said() const { return world.failure().value_or(""); }
  [[nodiscard]] bool says(const char* what) const { return said().find(what) != said().npos; }
};

TEST(LeaseChecker, AWriteForARecordThatWasGivenInsideOfTheLease) {
  LeaseWire wire;
  wire.begin();
  wire.pass(5s);
  wire.write(4s);
  EXPECT_EQ(wire.said(), "");
}

TEST(LeaseChecker, AWriteOfAKeyThatNobodyAskedFor) {
  LeaseWire wire;
  wire.renew("a", "one@1/x");
  wire.write(4s);
  EXPECT_TRUE(wire.says("no shard gave it a record")) << wire.said();
}

TEST(LeaseChecker, AWriteAfterTwoThirdsOfTheLease) {
  LeaseWire wire;
  wire.begin();
  wire.pass(6500ms);
  wire.write(1s);
  EXPECT_TRUE(wire.says("was renewed 6500 ms before")) << wire.said();
}

TEST(LeaseChecker, ADeadlinePastTheLease) {
  LeaseWire wire;
  wire.begin();
  wire.pass(5s);
  wire.write(5s);
  EXPECT_TRUE(wire.says("past its lease")) << wire.said();
}

TEST(LeaseChecker, AWriteAfterTheRowIsGivenBack) {
  LeaseWire wire;
  wire.begin();
  wire.renew("b", "");
  wire.write(1s);
  EXPECT_TRUE(wire.says("it gives s back")) << wire.said();
}

TEST(LeaseChecker, ALeaseThatIsCalledLostTooEarly) {
  LeaseWire wire;
  wire.renew("a", "one@1/x");
  wire.pass(9s);
  wire.checker.lost("one@1", "s");
  EXPECT_EQ(wire.said(), "");
  wire.renew("b", "one@1/x");
  wire.pass(4s);
  wire.checker.lost("one@1", "s");
  EXPECT_TRUE(wire.says("which nobody took")) << wire.said();
}

TEST(LeaseChecker, ARowOfOursThatIsSeenAndNotTaken) {
  LeaseWire wire;
  wire.renew("a", "one@1/x", false);
  wire.pass(1s);
  wire.look();
  wire.pass(1s);
  wire.look();
  EXPECT_TRUE(wire.says("did not take it")) << wire.said();
}

}  // namespace
}  // namespace dynamodb_replicator::sim

// The check of the fences sees a write of a former owner.
#include "sim/fences.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::sim {
namespace {

struct Fenced {
  World world{{1, false, false}};
  Table leases{world, "leases", {{"stream", "S"}, KeyPart{"row", "S"}}};
  FenceChecker checker{world, 2, "replica"};
  Fenced() { checker.lease_table(leases); }

  void store(const std::string& stripe, int generation) {
    leases.put({{"stream", R"({"S":"x"})"},
                {"row", R"({"S":"fence#shard-1#)" + stripe + R"("})"},
                {"generation", R"({"N":")" + std::to_string(generation) + R"("})"}});
  }
  // The service's answer to a write of one item under the fence of this generation.
  void write(int generation, int status = 200) {
    ask("TransactWriteItems",
        R"({"TransactItems":[{"ConditionCheck":{"TableName":"leases","Key":{"stream":{"S":"x"},
        "row":{"S":"fence#shard-1#0"}},"ExpressionAttributeValues":{":generation":{"N":")" +
            std::to_string(generation) +
            R"("}}}},{"Put":{"TableName":"replica","Item":{"id":{"N":"1"}}}}]})",
        status);
  }
  void ask(const std::string& operation, const std::string& body, int status = 200) {
    async::HttpRequest request;
    request.body = body;
    checker.applied(1, operation, request, {status, {}, "{}"});
  }
};

TEST(FenceChecker, AWriteOfAnOlderGenerationAfterTheFenceWasRaised) {
  Fenced f;
  f.store("0", 3);
  f.store("1", 3);
  f.write(3);
  f.store("0", 5);
  f.write(3);  // the new owner has not finished raising
  f.write(5);
  f.store("1", 5);
  f.write(3, 400);  // refused
  EXPECT_FALSE(f.world.failure());
  f.write(3);
  ASSERT_TRUE(f.world.failure());
  EXPECT_NE(f.world.failure()->find("was raised to 5"), std::string::npos) << *f.world.failure();
}

TEST(FenceChecker, AFenceThatGoesBack) {
  Fenced f;
  f.store("0", 4);
  f.store("0", 4);
  EXPECT_FALSE(f.world.failure());
  f.store("0", 3);
  EXPECT_TRUE(f.world.failure());
}

TEST(FenceChecker, AWriteWithoutAFence) {
  Fenced f;
  f.ask("BatchWriteItem", R"({"RequestItems":{"leases":[]}})");
  f.ask("TransactWriteItems", R"({"TransactItems":[{"ConditionCheck":{"TableName":"leases"}}]})");
  EXPECT_FALSE(f.world.failure());
  f.ask("TransactWriteItems", R"({"TransactItems":[{"Put":{"TableName":"replica","Item":{}}}]})");
  EXPECT_TRUE(f.world.failure());
  Fenced g;
  g.ask("BatchWriteItem", R"({"RequestItems":{"replica":[]}})");
  EXPECT_TRUE(g.world.failure());
}

}  // namespace
}  // namespace dynamodb_replicator::sim

// The checks on the wire see what they are there for.
#include "sim/traffic.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::sim {
namespace {

struct Wire {
  World world{{1, false, false}};
  Table replica{world, "replica", {{"id", "N"}, std::nullopt}};
  Traffic traffic{world, replica};
  std::uint64_t numbers = 0;

  std::uint64_t send(const std::string& sender, const std::string& operation,
                     const std::string& body) {
    async::HttpRequest request;
    request.body = body;
    traffic.sent(++numbers, sender, operation, request, world.now() + 5s);
    return numbers;
  }
};

const char* const kPutOne = R"({"RequestItems":{"replica":[
    {"PutRequest":{"Item":{"id":{"N":"1"},"v":{"S":"a"}}}},
    {"DeleteRequest":{"Key":{"id":{"N":"2"}}}}]}})";
// The same key in other words.
const char* const kPutOneAgain = R"({"TransactItems":[{"ConditionCheck":{"Key":{"row":{"S":"x"}}}},
    {"Delete":{"TableName":"replica","Key":{"id":{"N":"1.0"}}}}]})";

TEST(Traffic, TwoRequestsOfOneProcessNeverWriteOneKey) {
  Wire wire;
  wire.send("one@1", "BatchWriteItem", kPutOne);
  wire.send("two@1", "BatchWriteItem", kPutOne);
  EXPECT_FALSE(wire.world.failure());
  wire.send("one@1", "TransactWriteItems", kPutOneAgain);
  ASSERT_TRUE(wire.world.failure());
  EXPECT_NE(wire.world.failure()->find("two requests in flight that write"), std::string::npos);
}

TEST(Traffic, AKeyIsFreeWhenItsRequestIsAnsweredOrGivenUp) {
  Wire wire;
  const auto first = wire.send("one@1", "BatchWriteItem", kPutOne);
  wire.traffic.over(first, true);
  wire.send("one@1", "TransactWriteItems", kPutOneAgain);
  EXPECT_FALSE(wire.world.failure());
  EXPECT_EQ(wire.traffic.items(), 4U);
  EXPECT_EQ(wire.traffic.take_counts().at("BatchWriteItem"), 1U);
}

TEST(Traffic, ManyRequestsInFlightAreTooMany) {
  Wire wire;
  for (std::size_t i = 0; i < Traffic::kInFlightMax; ++i) wire.send("one@1", "GetRecords", "{}");
  EXPECT_FALSE(wire.world.failure());
  wire.send("one@1", "GetRecords", "{}");
  EXPECT_TRUE(wire.world.failure());
}

}  // namespace
}  // namespace dynamodb_replicator::sim

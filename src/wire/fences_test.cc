#include "wire/fences.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::wire {
namespace {

const core::Fence kFence{"arn:stream", "shard-1", 3, 12, 4, "me"};

TEST(Fence, RaisingGoesByGeneration) {
  EXPECT_EQ(
      raise_fence_request("leases", kFence),
      R"({"TableName":"leases","Key":{"stream":{"S":"arn:stream"},"row":{"S":"fence#shard-1#3"}},)"
      R"("UpdateExpression":"SET #generation = :generation, #holder = :holder, #bumps = :bumps",)"
      R"("ConditionExpression":"attribute_not_exists(#generation) OR #generation < :generation",)"
      R"("ExpressionAttributeNames":{"#generation":"generation","#holder":"holder","#bumps":"bumps"},)"
      R"("ExpressionAttributeValues":{":generation":{"N":"12"},":holder":{"S":"me"},":bumps":{"N":"4"}}})");
}

TEST(Fence, ABumpNamesWhatItEnds) {
  const std::string request = bump_fence_request("leases", kFence);
  EXPECT_NE(
      request.find(
          R"("ConditionExpression":"#generation = :generation AND #holder = :holder AND #bumps = :bumps")"),
      request.npos);
  EXPECT_NE(request.find(R"(":next":{"N":"5"})"), request.npos);
}

TEST(Fence, ComesBackAsItIsStored) {
  const auto stored = fence_from_item(
      kFence,
      R"({"stream":{"S":"arn:stream"},"row":{"S":"x"},"generation":{"N":"13"},"holder":{"S":"you"},"bumps":{"N":"0"},"y":{"BOOL":true}})");
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->generation, 13U);
  EXPECT_EQ(stored->bumps, 0U);
  EXPECT_EQ(stored->stripe, 3U);
  EXPECT_EQ(stored->holder, "you");
  for (const char* bad :
       {"{}", R"({"generation":{"N":"13"}})", R"({"generation":{"N":"13"},"bumps":{"N":"0"}})",
        R"({"generation":{"S":"13"},"bumps":{"N":"0"}})", "["})
    EXPECT_FALSE(fence_from_item(kFence, bad).ok()) << bad;
}

TEST(Transaction, ChecksTheFenceFirst) {
  const item::Key put("a", R"({"id":{"S":"a"}})");
  const item::Key erase("b", R"({"id":{"S":"b"}})");
  const std::vector<BatchWrite> writes{{&put, R"({"id":{"S":"a"},"n":{"N":"1.0"}})"}, {&erase, {}}};
  const auto request = transact_write_request("leases", kFence, "t", writes, "once");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(
      *request,
      R"({"TransactItems":[{"ConditionCheck":{"TableName":"leases",)"
      R"("Key":{"stream":{"S":"arn:stream"},"row":{"S":"fence#shard-1#3"}},)"
      R"("ConditionExpression":"#generation = :generation AND #holder = :holder AND #bumps = :bumps",)"
      R"("ExpressionAttributeNames":{"#generation":"generation","#holder":"holder","#bumps":"bumps"},)"
      R"("ExpressionAttributeValues":{":generation":{"N":"12"},":holder":{"S":"me"},":bumps":{"N":"4"}}}},)"
      R"({"Put":{"TableName":"t","Item":{"id":{"S":"a"},"n":{"N":"1.0"}}}},)"
      R"({"Delete":{"TableName":"t","Key":{"id":{"S":"b"}}}}],"ReturnConsumedCapacity":"TOTAL","ClientRequestToken":"once"})");
}

TEST(Transaction, UnitsOfBothTablesAddUp) {
  const auto units = decode_transact_write(
      R"({"ConsumedCapacity":[{"TableName":"t","CapacityUnits":4.0},{"TableName":"leases","CapacityUnits":2.0}]})");
  ASSERT_TRUE(units.ok());
  EXPECT_DOUBLE_EQ(*units, 6);
  EXPECT_DOUBLE_EQ(*decode_transact_write("{}"), 0);
  EXPECT_FALSE(decode_transact_write("<html>").ok());
}

}  // namespace
}  // namespace dynamodb_replicator::wire

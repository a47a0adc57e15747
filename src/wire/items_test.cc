#include "wire/items.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::wire {
namespace {

using item::KeyType;
const item::KeySchema kSchema{{"id", KeyType::string}, item::KeyAttribute{"n", KeyType::number}};

item::KeyRef key(const std::string& id, const std::string& n) {
  return *item::parse_key(R"({"id":{"S":")" + id + R"("},"n":{"N":")" + n + R"("}})", kSchema);
}

TEST(BatchGet, Request) {
  const std::vector<item::KeyRef> keys = {key("a", "1"), key("b", "2.0")};
  EXPECT_EQ(batch_get_request("t", keys),
            R"({"RequestItems":{"t":{"ConsistentRead":true,"Keys":[{"id":{"S":"a"},"n":{"N":"1"}},)"
            R"({"id":{"S":"b"},"n":{"N":"2.0"}}]}},"ReturnConsumedCapacity":"TOTAL"})");
}

TEST(BatchGet, ItemsAreRawSlices) {
  const std::string item =
      R"({"x":{"L":[ {"N":"12345678901234567890"} ]},"n" : {"N":"1"},"s":{"S":"\u00e9\"}"},"id":{"S":"a"}})";
  const auto answer = decode_batch_get(
      R"({"ConsumedCapacity":[{"TableName":"t","CapacityUnits":1.5},{"CapacityUnits":2}],"Responses":{"t":[)" +
          item +
          R"( , {"id":{"S":"b"},"n":{"N":"2"}}]},"UnprocessedKeys":{"t":{"Keys":[{"n":{"N":"3"},"id":{"S":"c"}}],"ConsistentRead":true}}})",
      "t", kSchema);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  ASSERT_EQ(answer->found.size(), 2u);
  EXPECT_EQ(answer->found[0].item, item);
  EXPECT_EQ(*answer->found[0].key, *key("a", "1"));
  EXPECT_EQ(answer->found[1].item, R"({"id":{"S":"b"},"n":{"N":"2"}})");
  ASSERT_EQ(answer->unprocessed.size(), 1u);
  EXPECT_EQ(*answer->unprocessed[0], *key("c", "3"));
  EXPECT_DOUBLE_EQ(answer->units, 3.5);
}

TEST(BatchGet, NothingFoundIsAnAnswer) {
  const auto answer =
      decode_batch_get(R"({"Responses":{"t":[]},"UnprocessedKeys":{}})", "t", kSchema);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->found.empty());
  EXPECT_TRUE(decode_batch_get(R"({"Responses":{}})", "t", kSchema).ok());
}

TEST(BatchGet, RefusesWhatMakesNoSense) {
  for (const char* body :
       {"", "{}", "null", R"({"Responses":null})", R"({"Responses":{"t":{}}})",
        R"({"UnprocessedKeys":{}})", R"({"Responses":{"other":[]}})",
        R"({"Responses":{"t":[{"id":{"S":"a"}}]}})", R"({"Responses":{"t":[7]}})",
        R"({"Responses":{"t":[]}} {)", R"({"Responses":{"t":[]})",
        R"({"Responses":{"t":[]},"UnprocessedKeys":{"other":{"Keys":[]}}})",
        R"({"Responses":{"t":[]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"S":"a"}}]}}})",
        R"({"Responses":{"t":[{"id":{"S":"a"},"n":{"N":"1"}])"}) {
    const auto answer = decode_batch_get(body, "t", kSchema);
    ASSERT_FALSE(answer.ok()) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::unusable_answer);
  }
}

TEST(BatchWrite, Request) {
  const auto a = key("a", "1");
  const auto b = key("b", "2");
  const std::vector<BatchWrite> writes = {{a.get(), R"({ "id":{"S":"a"}, "n":{"N":"1"}})"},
                                          {b.get(), {}}};
  EXPECT_EQ(
      *batch_write_request("t", writes),
      R"({"RequestItems":{"t":[{"PutRequest":{"Item":{ "id":{"S":"a"}, "n":{"N":"1"}}}},)"
      R"({"DeleteRequest":{"Key":{"id":{"S":"b"},"n":{"N":"2"}}}}]},"ReturnConsumedCapacity":"TOTAL"})");
}

TEST(BatchWrite, LeavesOutWhatTheServiceRefuses) {
  const auto a = key("a", "1");
  const std::vector<BatchWrite> writes = {
      {a.get(), R"({"id":{"S":"a"},"n":{"N":"1"},"aws:rep:deleting":{"BOOL":false}})"}};
  EXPECT_EQ(
      *batch_write_request("t", writes),
      R"({"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"a"},"n":{"N":"1"}}}}]},"ReturnConsumedCapacity":"TOTAL"})");
  const std::vector<BatchWrite> broken = {{a.get(), R"({"aws:rep:x)"}};
  EXPECT_EQ(batch_write_request("t", broken).error().kind, FailureKind::invalid);
}

TEST(BatchWrite, Unprocessed) {
  const auto answer = decode_batch_write(
      R"({"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"n":{"N":"1.0"},"x":{"S":""},"id":{"S":"a"}}}},)"
      R"({"DeleteRequest":{"Key":{"id":{"S":"b"},"n":{"N":"2"}}}}]},"ConsumedCapacity":[{"TableName":"t","CapacityUnits":7.0}],)"
      R"("ItemCollectionMetrics":{}})",
      "t", kSchema);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  ASSERT_EQ(answer->unprocessed.size(), 2u);
  EXPECT_EQ(*answer->unprocessed[0], *key("a", "1"));
  EXPECT_EQ(*answer->unprocessed[1], *key("b", "2"));
  EXPECT_DOUBLE_EQ(answer->units, 7);
  EXPECT_TRUE(decode_batch_write("{}", "t", kSchema).ok());
  EXPECT_TRUE(decode_batch_write(R"({"UnprocessedItems":{}})", "t", kSchema).ok());
  for (const char* body :
       {"", R"({"UnprocessedItems":{"u":[]}})", R"({"UnprocessedItems":{"t":[{}]}})",
        R"({"UnprocessedItems":{"t":[{"PutRequest":{}}]}})",
        R"({"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}})",
        R"({"UnprocessedItems":[]})", R"({"UnprocessedItems":{})"}) {
    EXPECT_FALSE(decode_batch_write(body, "t", kSchema).ok()) << body;
  }
}

TEST(Pages, OfItems) {
  const auto page = decode_items_page(
      R"({"Count":1,"Items":[{"id":{"S":"a"}}, {}],"LastEvaluatedKey":{"id":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":0.5}})");
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->items, (std::vector<std::string>{R"({"id":{"S":"a"}})", "{}"}));
  EXPECT_EQ(page->last_key, R"({"id":{"S":"a"}})");
  EXPECT_DOUBLE_EQ(page->units, 0.5);
  EXPECT_EQ(decode_items_page(R"({"Items":[],"Count":0})")->last_key, std::nullopt);
  EXPECT_FALSE(decode_items_page(R"({"Count":0})").ok());
  EXPECT_FALSE(decode_items_page(R"({"Items":[{})").ok());
  EXPECT_EQ(scan_request("t", 1), R"({"TableName":"t","Limit":1})");
}

TEST(Pages, AskedForBySegment) {
  EXPECT_EQ(scan_request({.table = "t", .after = ""}),
            R"({"TableName":"t","ReturnConsumedCapacity":"TOTAL"})");
  EXPECT_EQ(scan_request({.table = "t",
                          .after = R"({"id":{"S":"a"}})",
                          .consistent = true,
                          .segment = 2,
                          .segments = 7,
                          .limit = 10}),
            R"({"TableName":"t","ConsistentRead":true,"Segment":2,"TotalSegments":7,"Limit":10,)"
            R"("ExclusiveStartKey":{"id":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"})");
}

TEST(GetItem, RequestAndAnswer) {
  EXPECT_EQ(get_item_request("t", R"({"id":{"S":"a"}})"),
            R"({"TableName":"t","ConsistentRead":true,"Key":{"id":{"S":"a"}}})");
  EXPECT_EQ(**decode_get_item(R"({"Item": {"id":{"S":"a"}} })"), R"({"id":{"S":"a"}})");
  EXPECT_EQ(*decode_get_item("{}"), std::nullopt);
  EXPECT_FALSE(decode_get_item("").ok());
  EXPECT_FALSE(decode_get_item(R"({"Item":{"id)").ok());
}

TEST(WriteOne, PutAndDeleteCarryTheirCondition) {
  const item::Key key("k", R"({"id":{"S":"a"}})");
  const Condition condition{"#1 = :1", R"({"#1":"v"})", R"({":1":{"N":"1"}})"};
  const BatchWrite put{&key, R"({"id":{"S":"a"},"v":{"N":"2"},"aws:rep:t":{"N":"1"}})"};
  EXPECT_EQ(
      *write_one_request("t", put, condition),
      R"({"TableName":"t","ReturnConsumedCapacity":"TOTAL","Item":{"id":{"S":"a"},"v":{"N":"2"}},)"
      R"("ConditionExpression":"#1 = :1","ExpressionAttributeNames":{"#1":"v"},)"
      R"("ExpressionAttributeValues":{":1":{"N":"1"}}})");
  EXPECT_STREQ(write_one_operation(put), "PutItem");
  const BatchWrite erase{&key, {}};
  EXPECT_EQ(*write_one_request("t", erase, {"attribute_not_exists(#k)", R"({"#k":"id"})", {}}),
            R"({"TableName":"t","ReturnConsumedCapacity":"TOTAL","Key":{"id":{"S":"a"}},)"
            "\"ConditionExpression\":\"attribute_not_exists(#k)\",\"ExpressionAttributeNames\":{\"#"
            "k\":\"id\"}}");
  EXPECT_STREQ(write_one_operation(erase), "DeleteItem");
  EXPECT_EQ(*write_one_request("t", erase, {}),
            R"({"TableName":"t","ReturnConsumedCapacity":"TOTAL","Key":{"id":{"S":"a"}}})");
}

TEST(WriteOne, TheAnswerTellsUnits) {
  EXPECT_EQ(*decode_write_one(R"({"ConsumedCapacity":{"TableName":"t","CapacityUnits":2.5}})"),
            2.5);
  EXPECT_EQ(*decode_write_one("{}"), 0);
  EXPECT_FALSE(decode_write_one("<html>").ok());
}

}  // namespace
}  // namespace dynamodb_replicator::wire

// Tables: how they are made and described.
#include "wire/tables.h"
#include "contract/case.h"

namespace dynamodb_replicator::contract {
namespace {

class Tables : public Case {};

// API reference, DescribeTable, Errors: "ResourceNotFoundException".
TEST_F(Tables, AMissingOneIsNotFound) {
  const auto answer = services().ask(aws::Service::dynamodb, "DescribeTable",
                                     wire::describe_table_request(services().new_name("missing")));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "ResourceNotFoundException");
  EXPECT_EQ(answer.error().kind, FailureKind::not_found);
  EXPECT_EQ(refusal("GetItem", R"({"TableName":"no-such-table","Key":{"id":{"S":"a"}}})"),
            "ResourceNotFoundException");
  EXPECT_EQ(
      refusal("BatchGetItem", R"({"RequestItems":{"no-such-table":{"Keys":[{"id":{"S":"a"}}]}}})"),
      "ResourceNotFoundException");
}

// DynamoDB Local 1.25.1 deviates from TableDescription (no TableId), so the id is not looked at.
// API reference, CreateTable: the answer describes the table; DescribeTable shows the key schema.
TEST_F(Tables, ALeaseTableIsMadeAndDescribed) {
  const std::string table = services().new_name("leases");
  const auto made = wire::decode_create_table(
      dynamodb("CreateTable", wire::create_lease_table_request(table, {})));
  ASSERT_TRUE(made.ok()) << to_text(made.error());
  EXPECT_EQ(made->name, table);
  await_table(table);
  const auto described =
      wire::decode_describe_table(dynamodb("DescribeTable", wire::describe_table_request(table)));
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->name, table);
  const item::KeySchema schema{{"stream", item::KeyType::string},
                               item::KeyAttribute{"row", item::KeyType::string}};
  EXPECT_EQ(described->schema, schema);
  EXPECT_FALSE(described->stream_enabled);
  EXPECT_EQ(described->stream_view, "");
  EXPECT_EQ(described->capacity, (wire::Capacity{0, 0}));
  EXPECT_TRUE(described->arn.ends_with(":table/" + table)) << described->arn;
}

// API reference, CreateTable, Errors: "ResourceInUseException" where the table exists.
TEST_F(Tables, OneNameIsOneTable) {
  const std::string table = create_table();
  EXPECT_EQ(refusal("CreateTable", wire::create_lease_table_request(table, {})),
            "ResourceInUseException");
}

// API reference, TableDescription: StreamSpecification and LatestStreamArn while there is a stream.
TEST_F(Tables, AStreamIsDescribedWithItsTable) {
  const std::string table = services().new_name("streaming");
  services().create_streaming_table(table);
  const auto described =
      wire::decode_describe_table(dynamodb("DescribeTable", wire::describe_table_request(table)));
  ASSERT_TRUE(described.ok());
  EXPECT_TRUE(described->stream_enabled);
  EXPECT_EQ(described->stream_view, "KEYS_ONLY");
  EXPECT_TRUE(described->stream_arn.starts_with(described->arn + "/stream/"))
      << described->stream_arn;
}

// API reference, CreateTable, AttributeDefinitions: every key attribute is defined, and no other.
TEST_F(Tables, DefinitionsAndKeysMatch) {
  const auto create = [](const std::string& definitions) {
    return R"({"TableName":"unmatched","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],)"
           R"("BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[)" +
           definitions + "]}";
  };
  EXPECT_EQ(refusal("CreateTable", create(R"({"AttributeName":"x","AttributeType":"S"})")),
            "ValidationException");
  EXPECT_EQ(refusal("CreateTable", create(R"({"AttributeName":"id","AttributeType":"S"},)"
                                          R"({"AttributeName":"x","AttributeType":"S"})")),
            "ValidationException");
}

// API reference, Common Errors: an operation that is none.
TEST_F(Tables, AnUnknownOperationIsRefused) {
  EXPECT_EQ(refusal("LevitateTable", "{}"), "UnknownOperationException");
}

// API reference, Scan: Limit ends a page, LastEvaluatedKey goes on from it.
TEST_F(Tables, AScanWalksPages) {
  const std::string table = create_table("N");
  for (int i = 0; i < 7; ++i) put(table, R"({"id":{"N":")" + std::to_string(i) + R"("}})");
  std::map<std::string, int> seen;
  std::string start;
  for (int page = 0; page < 20; ++page) {
    const std::string answer =
        dynamodb("Scan", R"({"TableName":")" + table + R"(","ConsistentRead":true,"Limit":3)" +
                             (start.empty() ? "" : ",\"ExclusiveStartKey\":" + start) + "}");
    for (int i = 0; i < 3; ++i) {
      const std::string item = at(answer, "/Items/" + std::to_string(i));
      if (item != "nothing") ++seen[item];
    }
    EXPECT_EQ(at(answer, "/Items/3"), "nothing");
    start = at(answer, "/LastEvaluatedKey");
    if (start == "nothing") break;
  }
  EXPECT_EQ(start, "nothing");
  EXPECT_EQ(seen.size(), 7U);
  for (const auto& [item, times] : seen) EXPECT_EQ(times, 1) << item;
}

}  // namespace
}  // namespace dynamodb_replicator::contract

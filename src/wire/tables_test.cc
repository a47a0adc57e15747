#include "wire/tables.h"

#include <gtest/gtest.h>

#include "wire/answer.h"

namespace dynamodb_replicator::wire {
namespace {

const char* const kProvisioned =
    R"({"Table":{"TableName":"t","TableStatus":"ACTIVE","TableArn":"arn:aws:dynamodb:us-east-1:1:table/t","TableId":"u-u",)"
    R"("ItemCount":12,"TableSizeBytes":345,"CreationDateTime":1.7E9,)"
    R"("KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"KeyType":"RANGE","AttributeName":"n"}],)"
    R"("AttributeDefinitions":[{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"id","AttributeType":"B"},{"AttributeName":"g","AttributeType":"S"}],)"
    R"("ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":5,"WriteCapacityUnits":6},)"
    R"("StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"},"LatestStreamArn":"arn:s","LatestStreamLabel":"l",)"
    R"("GlobalSecondaryIndexes":[{"IndexName":"gi","IndexStatus":"ACTIVE","ItemCount":1,"IndexArn":"a","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],)"
    R"("Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}],)"
    R"("LocalSecondaryIndexes":[{"IndexName":"li","KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"},"IndexArn":"b"}]}})";

TEST(DescribeTable, Everything) {
  const auto table = decode_describe_table(kProvisioned);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->name, "t");
  EXPECT_EQ(table->status, "ACTIVE");
  EXPECT_EQ(table->arn, "arn:aws:dynamodb:us-east-1:1:table/t");
  EXPECT_EQ(table->id, "u-u");
  EXPECT_EQ(item::to_text(table->schema), "id (B), n (N)");
  EXPECT_EQ(table->item_count, 12);
  EXPECT_EQ(table->size_bytes, 345);
  EXPECT_TRUE(table->stream_enabled);
  EXPECT_EQ(table->stream_view, "KEYS_ONLY");
  EXPECT_EQ(table->stream_arn, "arn:s");
  EXPECT_EQ(table->capacity, (Capacity{5, 6}));
  ASSERT_EQ(table->global_indexes.size(), 1u);
  EXPECT_EQ(table->global_indexes[0].capacity, (Capacity{1, 2}));
  ASSERT_EQ(table->local_indexes.size(), 1u);
  EXPECT_EQ(table->local_indexes[0].projection, R"({"ProjectionType":"ALL"})");
}

TEST(DescribeTable, OnDemandWithoutStream) {
  const auto table = decode_describe_table(
      R"({"Table":{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"TableName":"t","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],)"
      R"("TableStatus":"CREATING","ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":0},"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}}})");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(item::to_text(table->schema), "id (S)");
  EXPECT_FALSE(table->stream_enabled);
  EXPECT_EQ(table->capacity, Capacity{});
}

TEST(DescribeTable, RefusesWhatIsNoTable) {
  for (
      const char* body :
      {"", "{}", R"({"Table":{}})", R"({"Table":null})",
       R"({"Table":{"TableName":"t","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}})",
       R"({"Table":{"TableName":"t","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"SS"}]}})"}) {
    const auto table = decode_describe_table(body);
    ASSERT_FALSE(table.ok()) << body;
    EXPECT_EQ(table.error().kind, FailureKind::unusable_answer);
  }
}

TEST(CreateTable, ACopyHasKeysIndexesAndBilling) {
  const auto table = decode_describe_table(kProvisioned);
  EXPECT_EQ(
      create_copy_request("r", *table),
      R"({"TableName":"r","AttributeDefinitions":[{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"id","AttributeType":"B"},{"AttributeName":"g","AttributeType":"S"}],)"
      R"("KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"KeyType":"RANGE","AttributeName":"n"}],)"
      R"("BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},)"
      R"("GlobalSecondaryIndexes":[{"IndexName":"gi","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]},)"
      R"("ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}],)"
      R"("LocalSecondaryIndexes":[{"IndexName":"li","KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]})");
}

TEST(CreateTable, OnDemandIndexesHaveNoThroughput) {
  auto table = *decode_describe_table(kProvisioned);
  table.capacity = {};
  table.local_indexes.clear();
  const std::string request = create_copy_request("r", table);
  EXPECT_NE(request.find(R"("BillingMode":"PAY_PER_REQUEST")"), std::string::npos);
  EXPECT_EQ(request.find("ProvisionedThroughput"), std::string::npos);
  EXPECT_EQ(request.find("Local"), std::string::npos);
}

TEST(CreateTable, LeaseTable) {
  const std::string keys =
      R"({"TableName":"l","AttributeDefinitions":[{"AttributeName":"stream","AttributeType":"S"},{"AttributeName":"row","AttributeType":"S"}],)"
      R"("KeySchema":[{"AttributeName":"stream","KeyType":"HASH"},{"AttributeName":"row","KeyType":"RANGE"}],)";
  EXPECT_EQ(create_lease_table_request("l", {}), keys + R"("BillingMode":"PAY_PER_REQUEST"})");
  EXPECT_EQ(
      create_lease_table_request("l", {10, 20}),
      keys +
          R"("BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":10,"WriteCapacityUnits":20}})");
}

TEST(DescribeTtl, TheAttributeWhereItIsOn) {
  EXPECT_EQ(describe_ttl_request("t"), R"({"TableName":"t"})");
  const auto decoded = [](const std::string& status) {
    return *decode_describe_ttl(
        R"({"TimeToLiveDescription":{"AttributeName":"e","TimeToLiveStatus":")" + status +
        R"("}})");
  };
  EXPECT_EQ(decoded("ENABLED"), "e");
  EXPECT_EQ(decoded("ENABLING"), "e");
  EXPECT_EQ(decoded("DISABLING"), "");
  EXPECT_EQ(*decode_describe_ttl(R"({"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}})"),
            "");
  EXPECT_EQ(*decode_describe_ttl("{}"), "");
  EXPECT_FALSE(decode_describe_ttl(R"({"TimeToLiveDescription":7})").ok());
}

TEST(Answer, OfAWriteMustBeJson) {
  EXPECT_TRUE(decode_nothing("{}").ok());
  EXPECT_TRUE(decode_nothing(R"({"ConsumedCapacity":{"x":1}})").ok());
  EXPECT_EQ(decode_nothing("<html>").error().kind, FailureKind::unusable_answer);
}

}  // namespace
}  // namespace dynamodb_replicator::wire

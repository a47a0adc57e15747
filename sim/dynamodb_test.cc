// The simulated services answer as the real ones do, where the program can tell the difference.
#include "sim/dynamodb.h"

#include <gtest/gtest.h>

#include "sim/kinesis.h"
#include "sim/streams.h"

namespace dynamodb_replicator::sim {
namespace {

struct Services {
  World world{{7, false, false}};
  DynamoDb db{world, "primary"};
  Table& table = db.create("t", {{"id", "N"}, KeyPart{"r", "S"}});
  simdjson::dom::parser parser;

  template <class Service>
  std::string ask(Service& service, std::string_view operation, const std::string& body) {
    Json json;
    EXPECT_EQ(parser.parse(body).get(json), simdjson::SUCCESS) << body;
    Answer answer = service.call(operation, json);
    return answer.ok() ? *answer : answer.error().code + ": " + answer.error().message;
  }
  std::string ask(std::string_view operation, const std::string& body) {
    return ask(db, operation, body);
  }
};

TEST(Values, NumbersHaveOneSpelling) {
  EXPECT_EQ(normal_number("1e5"), "100000");
  EXPECT_EQ(normal_number("-0"), "0");
  EXPECT_EQ(normal_number("0.000"), "0");
  EXPECT_EQ(normal_number("1.10"), "1.1");
  EXPECT_EQ(normal_number("00012.3400"), "12.34");
  EXPECT_EQ(normal_number("+5"), "5");
  EXPECT_EQ(normal_number("1E-130")->size(), 132U);
  EXPECT_EQ(normal_number("12345678901234567890123456789012345678"),
            "12345678901234567890123456789012345678");
  EXPECT_FALSE(normal_number("123456789012345678901234567890123456789"));
  EXPECT_FALSE(normal_number("1e126"));
  EXPECT_FALSE(normal_number(" 7"));
  EXPECT_FALSE(normal_number("0x10"));
  EXPECT_FALSE(normal_number(""));
}

TEST(DynamoDb, PutsGetsAndDeletesByValueOfTheKey) {
  Services s;
  EXPECT_EQ(
      s.ask("PutItem",
            R"({"TableName":"t","Item":{"id":{"N":"1e0"},"r":{"S":"x"},"v":{"NS":["2","1.0"]}}})"),
      "{}");
  const std::string got =
      s.ask("GetItem",
            R"({"TableName":"t","ConsistentRead":true,"Key":{"r":{"S":"x"},"id":{"N":"1.0"}}})");
  EXPECT_NE(got.find(R"("v":{"NS":["1","2"]})"), std::string::npos) << got;
  EXPECT_EQ(s.ask("DeleteItem", R"({"TableName":"t","Key":{"r":{"S":"x"},"id":{"N":"1"}}})"), "{}");
  EXPECT_TRUE(s.table.items().empty());
  EXPECT_EQ(s.table.history(R"({"N":"1"}{"S":"x"})").size(), 3U);
}

TEST(DynamoDb, RefusesWhatTheServiceRefuses) {
  Services s;
  const auto refused = [&s](const char* operation, const std::string& body) {
    return s.ask(operation, body).starts_with("ValidationException");
  };
  EXPECT_TRUE(refused("GetItem", R"({"TableName":"t","Key":{"id":{"N":"1"}}})"));
  EXPECT_TRUE(refused("GetItem", R"({"TableName":"t","Key":{"id":{"S":"1"},"r":{"S":"x"}}})"));
  EXPECT_TRUE(refused("PutItem", R"({"TableName":"t","Item":{"id":{"N":"1"},"r":{"S":""}}})"));
  EXPECT_TRUE(
      refused("PutItem",
              R"({"TableName":"t","Item":{"id":{"N":"1"},"r":{"S":"x"},"v":{"NS":["1","1.0"]}}})"));
  EXPECT_TRUE(refused(
      "BatchGetItem",
      R"({"RequestItems":{"t":{"Keys":[{"id":{"N":"1"},"r":{"S":"x"}},{"id":{"N":"1.0"},"r":{"S":"x"}}]}}})"));
  EXPECT_TRUE(refused(
      "BatchWriteItem",
      R"({"RequestItems":{"t":[{"DeleteRequest":{"Key":{"id":{"N":"1"},"r":{"S":"x"}}}},{"PutRequest":{"Item":{"id":{"N":"1"},"r":{"S":"x"}}}}]}})"));
  EXPECT_TRUE(
      s.ask("GetItem", R"({"TableName":"u","Key":{}})").starts_with("ResourceNotFoundException"));
  EXPECT_TRUE(s.ask("Levitate", "{}").starts_with("UnknownOperationException"));
}

TEST(DynamoDb, AGoodWriteBesideABadOneWritesNothing) {
  Services s;
  const std::string answer = s.ask(
      "BatchWriteItem",
      R"({"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"N":"1"},"r":{"S":"x"}}}},{"PutRequest":{"Item":{"id":{"N":"2"}}}}]}})");
  EXPECT_TRUE(answer.starts_with("ValidationException")) << answer;
  EXPECT_TRUE(s.table.items().empty());
}

TEST(DynamoDb, ConditionsGuardWrites) {
  Services s;
  const std::string create =
      R"json({"TableName":"t","Item":{"id":{"N":"1"},"r":{"S":"x"},"nonce":{"S":"a"},"gone":{"S":"g"}},"ConditionExpression":"attribute_not_exists(#i)","ExpressionAttributeNames":{"#i":"id"}})json";
  EXPECT_EQ(s.ask("PutItem", create), "{}");
  EXPECT_TRUE(s.ask("PutItem", create).starts_with("ConditionalCheckFailedException"));
  const auto update = [&s](const std::string& expected) {
    return s.ask(
        "UpdateItem",
        R"json({"TableName":"t","Key":{"id":{"N":"1"},"r":{"S":"x"}},"UpdateExpression":"SET #n = :n, c = :c REMOVE gone","ConditionExpression":"#n = :e AND attribute_exists(id)","ExpressionAttributeNames":{"#n":"nonce"},"ExpressionAttributeValues":{":n":{"S":"b"},":c":{"N":"7"},":e":{"S":")json" +
            expected + R"("}}})");
  };
  EXPECT_TRUE(update("z").starts_with("ConditionalCheckFailedException"));
  EXPECT_EQ(update("a"), "{}");
  const Item* item = s.table.find(R"({"N":"1"}{"S":"x"})");
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(item->at("nonce"), R"({"S":"b"})");
  EXPECT_EQ(item->at("c"), R"({"N":"7"})");
  EXPECT_FALSE(item->contains("gone"));
}

TEST(DynamoDb, QueryWalksPagesOfOnePartition) {
  Services s;
  for (const char* r : {"a1", "a2", "a3", "b1"}) {
    s.ask("PutItem",
          std::string(R"({"TableName":"t","Item":{"id":{"N":"1"},"r":{"S":")") + r + R"("}}})");
  }
  const std::string ask =
      R"json("TableName":"t","KeyConditionExpression":"id = :i AND begins_with(r, :r)","ExpressionAttributeValues":{":i":{"N":"1"},":r":{"S":"a"}},"Limit":2)json";
  const std::string first = s.ask("Query", "{" + ask + "}");
  EXPECT_NE(first.find(R"("Count":2)"), std::string::npos) << first;
  const auto last = first.find(R"("LastEvaluatedKey":)");
  ASSERT_NE(last, std::string::npos);
  const std::string key = first.substr(last + 19, first.size() - last - 20);
  const std::string second = s.ask("Query", "{" + ask + R"(,"ExclusiveStartKey":)" + key + "}");
  EXPECT_NE(second.find(R"("Count":1)"), std::string::npos) << second;
  EXPECT_EQ(second.find("LastEvaluatedKey"), std::string::npos) << second;
}

TEST(TableStream, ChangesComeInOrderAndAClosedShardEnds) {
  Services s;
  TableStream stream(s.world, s.table, s.db.arn_of("t"), 1);
  struct Collect : StreamWatcher {
    std::vector<Emitted> records;
    void emitted(const Emitted& record) override { records.push_back(record); }
    void shard_born(const std::string&, const std::vector<std::string>&) override {}
    void trimmed(const std::string&, const std::string&) override {}
    void page_read(const std::string&, const std::string&) override {}
  } collect;
  const std::vector<Emitted>& emitted = collect.records;
  stream.watch(collect);
  s.table.put({{"id", R"({"N":"1"})"}, {"r", R"({"S":"x"})"}, {"v", R"({"N":"1"})"}});
  s.table.put({{"id", R"({"N":"1"})"}, {"r", R"({"S":"x"})"}, {"v", R"({"N":"1"})"}});
  s.table.erase({{"id", R"({"N":"1"})"}, {"r", R"({"S":"x"})"}});
  ASSERT_EQ(emitted.size(), 2U);
  stream.split();
  s.table.put({{"id", R"({"N":"1"})"}, {"r", R"({"S":"x"})"}});
  ASSERT_EQ(emitted.size(), 3U);
  EXPECT_NE(emitted[2].shard, emitted[0].shard);
  const std::string got =
      s.ask(stream, "GetShardIterator",
            R"({"StreamArn":")" + stream.arn() + R"(","ShardId":")" + emitted[0].shard +
                R"(","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","SequenceNumber":")" +
                emitted[0].sequence + R"("})");
  const std::string page = s.ask(stream, "GetRecords", got);
  EXPECT_NE(page.find("REMOVE"), std::string::npos) << page;
  EXPECT_EQ(page.find("INSERT"), std::string::npos) << page;
  EXPECT_EQ(page.find("NextShardIterator"), std::string::npos) << page;
}

TEST(Kinesis, AMergedShardNamesItsChildAndReadsAreLimited) {
  Services s;
  Kinesis kinesis(s.world, "k", 2);
  kinesis.put("p", "data", "k", 1);
  kinesis.merge();
  EXPECT_EQ(kinesis.open_shards(), 1U);
  const std::string iterator = s.ask(
      kinesis, "GetShardIterator",
      R"({"StreamName":"k","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"})");
  EXPECT_NE(s.ask(kinesis, "GetRecords", iterator)
                .find(R"("ChildShards":[{"ShardId":"shardId-000000000002")"),
            std::string::npos);
  for (int i = 0; i < 4; ++i)
    EXPECT_NE(s.ask(kinesis, "GetRecords", iterator).find("ChildShards"), std::string::npos);
  EXPECT_TRUE(
      s.ask(kinesis, "GetRecords", iterator).starts_with("ProvisionedThroughputExceededException"));
  EXPECT_TRUE(s.ask(kinesis, "DescribeStreamSummary", R"({"StreamName":"other"})")
                  .starts_with("ResourceNotFound"));
}

}  // namespace
}  // namespace dynamodb_replicator::sim

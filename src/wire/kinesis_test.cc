#include "wire/kinesis.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::wire {
namespace {

TEST(Kinesis, Summary) {
  EXPECT_EQ(describe_summary_request("s"), R"({"StreamName":"s"})");
  EXPECT_EQ(describe_summary_request("arn:aws:kinesis:us-east-1:1:stream/s"),
            R"({"StreamARN":"arn:aws:kinesis:us-east-1:1:stream/s"})");
  const auto summary = decode_describe_summary(
      R"({"StreamDescriptionSummary":{"StreamName":"s","StreamARN":"arn:k","StreamStatus":"ACTIVE","RetentionPeriodHours":48,)"
      R"("StreamCreationTimestamp":1.6E9,"EnhancedMonitoring":[{"ShardLevelMetrics":[]}],"EncryptionType":"NONE","OpenShardCount":4,"ConsumerCount":0}})");
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->name, "s");
  EXPECT_EQ(summary->arn, "arn:k");
  EXPECT_EQ(summary->status, "ACTIVE");
  EXPECT_EQ(summary->created, WallTime{1600000000s});
  EXPECT_EQ(summary->retention_hours, 48);
  EXPECT_EQ(summary->open_shards, 4);
  EXPECT_FALSE(decode_describe_summary("{}").ok());
  EXPECT_FALSE(decode_describe_summary(R"({"StreamDescriptionSummary":{"StreamARN":"a"}})").ok());
}

TEST(Kinesis, Shards) {
  EXPECT_EQ(list_shards_request("s", ""), R"({"StreamName":"s"})");
  EXPECT_EQ(list_shards_request("s", "t"), R"({"NextToken":"t"})");
  const auto page = decode_list_shards(
      R"({"NextToken":"t2","Shards":[{"ShardId":"shardId-1","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"},)"
      R"("SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"5"}},)"
      R"({"ShardId":"shardId-3","ParentShardId":"shardId-1","AdjacentParentShardId":"shardId-2","SequenceNumberRange":{"StartingSequenceNumber":"6"}},)"
      R"({"ShardId":"shardId-4","ParentShardId":null,"SequenceNumberRange":{"StartingSequenceNumber":"6","EndingSequenceNumber":null}}]})");
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->next, "t2");
  ASSERT_EQ(page->shards.size(), 3u);
  EXPECT_TRUE(page->shards[0].closed);
  EXPECT_TRUE(page->shards[0].parents.empty());
  EXPECT_FALSE(page->shards[1].closed);
  EXPECT_EQ(page->shards[1].parents, (std::vector<std::string>{"shardId-1", "shardId-2"}));
  EXPECT_FALSE(page->shards[2].closed);
  EXPECT_EQ(decode_list_shards(R"({"Shards":[],"NextToken":null})")->next, std::nullopt);
  EXPECT_FALSE(decode_list_shards("{}").ok());
  EXPECT_FALSE(decode_list_shards(R"({"Shards":[{}]})").ok());
}

TEST(Kinesis, Iterators) {
  using Kind = KinesisPosition::Kind;
  EXPECT_EQ(kinesis_iterator_request("s", "shardId-1", {}),
            R"({"StreamName":"s","ShardId":"shardId-1","ShardIteratorType":"TRIM_HORIZON"})");
  EXPECT_EQ(
      kinesis_iterator_request("s", "shardId-1",
                               {Kind::at_time, WallTime{1600000000s + 7999us}, ""}),
      R"({"StreamName":"s","ShardId":"shardId-1","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1600000000.007})");
  EXPECT_EQ(
      kinesis_iterator_request("s", "shardId-1", {Kind::after, {}, "495"}),
      R"({"StreamName":"s","ShardId":"shardId-1","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"495"})");
  EXPECT_EQ(kinesis_records_request("i", 500), R"({"ShardIterator":"i","Limit":500})");
}

TEST(Kinesis, Records) {
  const auto answer = decode_kinesis_records(
      R"({"MillisBehindLatest":1500,"NextShardIterator":"n","Records":[{"Data":"e30=","PartitionKey":"p","SequenceNumber":"495","ApproximateArrivalTimestamp":1.6000000005E9,"EncryptionType":"NONE"},)"
      R"({"SequenceNumber":"496","Data":"","PartitionKey":"p","ApproximateArrivalTimestamp":1600000001}]})");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->next, "n");
  EXPECT_EQ(answer->behind, Duration(1500ms));
  ASSERT_EQ(answer->records.size(), 2u);
  EXPECT_EQ(answer->records[0].raw, "{}");
  EXPECT_EQ(answer->records[0].sequence, "495");
  EXPECT_EQ(answer->records[0].at, WallTime{1600000000500ms});
  EXPECT_EQ(answer->records[1].raw, "");
}

TEST(Kinesis, LastPage) {
  const auto answer = decode_kinesis_records(
      R"({"Records":[],"NextShardIterator":null,"MillisBehindLatest":0,"ChildShards":[{"ShardId":"shardId-3","ParentShards":["shardId-1","shardId-2"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}]})");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->next, std::nullopt);
  ASSERT_EQ(answer->children.size(), 1u);
  EXPECT_EQ(answer->children[0].parents, (std::vector<std::string>{"shardId-1", "shardId-2"}));
  EXPECT_EQ(decode_kinesis_records(R"({"Records":[]})")->next, std::nullopt);
  EXPECT_EQ(decode_kinesis_records(R"({"Records":[]})")->behind, std::nullopt);
}

TEST(Kinesis, RefusesRecordsThatCannotBeRead) {
  for (const char* body :
       {"", "{}", R"({"Records":null})", R"({"Records":[{"Data":"e30="}]})",
        R"({"Records":[{"SequenceNumber":"1"}]})",
        R"({"Records":[{"SequenceNumber":"1","Data":"?"}]})",
        R"({"Records":[{"SequenceNumber":"","Data":"e30="}]})", R"({"Records":[]}]})"}) {
    const auto answer = decode_kinesis_records(body);
    ASSERT_FALSE(answer.ok()) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::unusable_answer);
  }
}

}  // namespace
}  // namespace dynamodb_replicator::wire

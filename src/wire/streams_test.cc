#include "wire/streams.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::wire {
namespace {

const RecordForm kIdForm{{{"id", item::KeyType::string}, std::nullopt}, ""};

TEST(DescribeStream, Page) {
  EXPECT_EQ(describe_stream_request("arn:s", ""), R"({"StreamArn":"arn:s","Limit":100})");
  EXPECT_EQ(describe_stream_request("arn:s", "shardId-1"),
            R"({"StreamArn":"arn:s","Limit":100,"ExclusiveStartShardId":"shardId-1"})");
  const auto page = decode_describe_stream(
      R"({"StreamDescription":{"StreamArn":"arn:s","StreamLabel":"l","StreamStatus":"ENABLED","StreamViewType":"KEYS_ONLY","TableName":"t",)"
      R"("CreationRequestDateTime":1.7e9,"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"LastEvaluatedShardId":"shardId-2",)"
      R"("Shards":[{"ShardId":"shardId-1","SequenceNumberRange":{"StartingSequenceNumber":"100","EndingSequenceNumber":"200"}},)"
      R"({"ShardId":"shardId-2","ParentShardId":"shardId-1","SequenceNumberRange":{"StartingSequenceNumber":"201"}}]}})");
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_EQ(page->arn, "arn:s");
  EXPECT_EQ(page->status, "ENABLED");
  EXPECT_EQ(page->view, "KEYS_ONLY");
  EXPECT_EQ(page->table, "t");
  EXPECT_EQ(page->last_shard, "shardId-2");
  ASSERT_EQ(page->shards.size(), 2u);
  EXPECT_EQ(page->shards[0].last, "200");
  EXPECT_EQ(page->shards[0].parent, "");
  EXPECT_EQ(page->shards[1].last, "");
  EXPECT_EQ(page->shards[1].parent, "shardId-1");
}

TEST(DescribeStream, RefusesWhatIsNone) {
  for (
      const char* body :
      {"", "{}", R"({"StreamDescription":{}})", R"({"StreamDescription":null})",
       R"({"StreamDescription":{"StreamArn":"a","StreamStatus":"ENABLED","Shards":[{}]}})",
       R"({"StreamDescription":{"StreamArn":"a","StreamStatus":"ENABLED","Shards":[{"ShardId":)"}) {
    EXPECT_FALSE(decode_describe_stream(body).ok()) << body;
  }
}

TEST(StreamIterator, RequestAndAnswer) {
  EXPECT_EQ(stream_iterator_request("arn:s", "shardId-1", ""),
            R"({"StreamArn":"arn:s","ShardId":"shardId-1","ShardIteratorType":"TRIM_HORIZON"})");
  EXPECT_EQ(
      stream_iterator_request("arn:s", "shardId-1", "7"),
      R"({"StreamArn":"arn:s","ShardId":"shardId-1","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","SequenceNumber":"7"})");
  EXPECT_EQ(*decode_iterator(R"({"ShardIterator":"i|1"})"), "i|1");
  EXPECT_FALSE(decode_iterator("{}").ok());
  EXPECT_FALSE(decode_iterator(R"({"ShardIterator":null})").ok());
  EXPECT_EQ(stream_records_request("i", 0), R"({"ShardIterator":"i"})");
  EXPECT_EQ(stream_records_request("i", 10), R"({"ShardIterator":"i","Limit":10})");
}

TEST(StreamRecords, RawSlicesSequencesAndTimes) {
  const std::string first =
      R"({"awsRegion":"x","dynamodb":{"ApproximateCreationDateTime":1.7E9,"Keys":{"id":{"S":"a"}},"SequenceNumber":"100000000000000000001"},"eventName":"REMOVE"})";
  const std::string bad =
      R"({"dynamodb":{"Keys":{"id":{"N":"1"}},"SequenceNumber":"100000000000000000002"}})";
  const auto answer = decode_stream_records(
      R"({"NextShardIterator":"n","Records":[ )" + first + " , " + bad + " ]}", kIdForm);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->next, "n");
  ASSERT_EQ(answer->records.size(), 2u);
  EXPECT_EQ(answer->records[0].raw.raw, first);
  EXPECT_EQ(answer->records[0].raw.sequence, "100000000000000000001");
  EXPECT_EQ(answer->records[0].raw.at, WallTime{1700000000s});
  EXPECT_TRUE(std::holds_alternative<item::KeyRef>(answer->records[0].record.entry));
  EXPECT_EQ(answer->records[1].raw.raw, bad);
  EXPECT_TRUE(std::holds_alternative<BadRecord>(answer->records[1].record.entry));
}

TEST(StreamRecords, EndsAndEmptyPages) {
  EXPECT_EQ(decode_stream_records(R"({"Records":[]})", kIdForm)->next, std::nullopt);
  EXPECT_EQ(decode_stream_records(R"({"Records":[],"NextShardIterator":null})", kIdForm)->next,
            std::nullopt);
  EXPECT_EQ(decode_stream_records(R"({"Records":[],"NextShardIterator":"n"})", kIdForm)->next, "n");
}

TEST(StreamRecords, RefusesWhatMakesNoSense) {
  for (const char* body :
       {"", "{}", R"({"NextShardIterator":"n"})", R"({"Records":7})", R"({"Records":[{}]})",
        R"({"Records":[{"dynamodb":{"Keys":{"id":{"S":"a"}}}}]})", R"({"Records":[})"}) {
    const auto answer = decode_stream_records(body, kIdForm);
    ASSERT_FALSE(answer.ok()) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::unusable_answer);
  }
}

}  // namespace
}  // namespace dynamodb_replicator::wire

#include <gtest/gtest.h>

#include "app/kinesis_source.h"
#include "app/streams_source.h"
#include "app/test_bench.h"
#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::app {
namespace {

const item::KeySchema kSchema{{"id", item::KeyType::string}, std::nullopt};

std::string shard(const std::string& id, const std::string& parent, bool closed) {
  return R"({"ShardId":")" + id + R"(",)" +
         (parent.empty() ? "" : R"("ParentShardId":")" + parent + R"(",)") +
         R"("SequenceNumberRange":{"StartingSequenceNumber":"1")" +
         (closed ? R"(,"EndingSequenceNumber":"2")" : "") + "}}";
}

struct StreamsTest : testing::Test {
  Bench bench{aws::Service::streams};
  StreamsSource source{bench.client, "arn:s", kSchema, 0, {&bench.client, "tbl"}};

  void page(const std::string& shards, const std::string& last,
            const std::string& status = "ENABLED") {
    bench.answer(R"({"StreamDescription":{"StreamArn":"arn:s","StreamStatus":")" + status +
                 R"(","Shards":[)" + shards + "]" +
                 (last.empty() ? "" : R"(,"LastEvaluatedShardId":")" + last + R"(")") + "}}");
  }
};

TEST_F(StreamsTest, IsGoneWhenItIsNotFoundAndTheTableHasAnother) {
  const auto table = [](const std::string& arn, bool enabled) {
    return R"({"Table":{"TableName":"tbl","TableStatus":"ACTIVE","AttributeDefinitions":)"
           R"([{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id",)"
           R"("KeyType":"HASH"}],"LatestStreamArn":")" +
           arn + R"(","StreamSpecification":{"StreamEnabled":)" + (enabled ? "true" : "false") +
           "}}}";
  };
  for (const std::string& now : {table("arn:other", true), table("arn:s", false)}) {
    bench.fail("ResourceNotFoundException");
    bench.answer(now);
    const auto listing = bench.run(source.list(bench.later()));
    ASSERT_TRUE(listing.ok()) << to_text(listing.error());
    EXPECT_TRUE(listing->gone && listing->ended && listing->shards.empty());
  }
  bench.fail("ResourceNotFoundException");
  bench.answer(table("arn:s", true));
  const auto same = bench.run(source.list(bench.later()));
  ASSERT_FALSE(same.ok()) << "it is the table's stream, whatever was said of it";
  EXPECT_EQ(same.error().kind, FailureKind::not_found);
  bench.fail("ResourceNotFoundException");
  bench.fail("AccessDeniedException");
  EXPECT_FALSE(bench.run(source.list(bench.later())).ok()) << "the table says nothing";
}

TEST_F(StreamsTest, ListsAllPagesAndClosesParentsThatLookOpen) {
  page(shard("a", "gone", false) + "," + shard("b", "", true), "b");
  page("", "c");  // an empty page is not the last one
  page(shard("d", "a", false), "");
  const auto listing = bench.run(source.list(bench.later()));
  ASSERT_TRUE(listing.ok()) << to_text(listing.error());
  ASSERT_EQ(listing->shards.size(), 3u);
  EXPECT_TRUE(listing->shards[0].closed);  // its child is on a later page
  EXPECT_EQ(listing->shards[0].parents, std::vector<std::string>{"gone"});
  EXPECT_TRUE(listing->shards[1].closed);
  EXPECT_FALSE(listing->shards[2].closed);
  EXPECT_FALSE(listing->ended);
  EXPECT_NE(bench.body(2).find(R"("ExclusiveStartShardId":"c")"), std::string::npos);
}

TEST_F(StreamsTest, ADisabledStreamHasEnded) {
  page(shard("a", "", true), "", "DISABLED");
  EXPECT_TRUE(bench.run(source.list(bench.later()))->ended);
  page(shard("a", "", true), "", "DISABLING");
  EXPECT_FALSE(bench.run(source.list(bench.later()))->ended);
}

TEST_F(StreamsTest, AListingThatGoesRoundIsNoListing) {
  page(shard("a", "", true), "a");
  page(shard("a", "", true), "a");
  const auto listing = bench.run(source.list(bench.later()));
  ASSERT_FALSE(listing.ok());
  EXPECT_EQ(listing.error().kind, FailureKind::unusable_answer);
  EXPECT_EQ(listing.error().operation, "DescribeStream on here/t");
}

TEST_F(StreamsTest, APageThatFailsFailsTheListing) {
  page(shard("a", "", true), "a");
  bench.fail("LimitExceededException");
  EXPECT_EQ(bench.run(source.list(bench.later())).error().kind, FailureKind::throttled);
}

TEST_F(StreamsTest, OpensAfterASequenceOrAtTheHorizon) {
  for (const auto& [position, part] : std::vector<std::pair<flow::Position, std::string>>{
           {{}, "TRIM_HORIZON"},
           {{flow::Position::Kind::at_time, WallTime{5s}, ""}, "TRIM_HORIZON"},
           {{flow::Position::Kind::after, {}, "7"},
            R"("AFTER_SEQUENCE_NUMBER","SequenceNumber":"7")"}}) {
    bench.answer(R"({"ShardIterator":"i"})");
    EXPECT_EQ(*bench.run(source.open("a", position, bench.later())), "i");
    EXPECT_NE(bench.world.http.requests.back().body.find(part), std::string::npos);
  }
  bench.fail("TrimmedDataAccessException");
  EXPECT_EQ(bench.run(source.open("a", {}, bench.later())).error().kind, FailureKind::trimmed);
  bench.answer("{}");
  EXPECT_EQ(bench.run(source.open("a", {}, bench.later())).error().operation,
            "GetShardIterator on here/t");
}

TEST_F(StreamsTest, ReadsKeysAndJunkInOrder) {
  bench.answer(
      R"({"Records":[{"dynamodb":{"Keys":{"id":{"S":"a"}},"SequenceNumber":"11","ApproximateCreationDateTime":5}},)"
      R"({"dynamodb":{"Keys":{"id":{"N":"1"}},"SequenceNumber":"12"}}],"NextShardIterator":"n"})");
  const auto page = bench.run(source.read("i", bench.later()));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->next, "n");
  ASSERT_EQ(page->records.size(), 2u);
  EXPECT_EQ(page->records[0].sequence, "11");
  EXPECT_EQ(page->records[0].at, WallTime{5s});
  EXPECT_TRUE(page->records[0].from_aws);
  EXPECT_TRUE(std::holds_alternative<item::KeyRef>(page->records[0].entries.at(0)));
  EXPECT_TRUE(std::holds_alternative<flow::Junk>(page->records[1].entries.at(0)));
  bench.answer(R"({"Records":[]})");
  EXPECT_EQ(bench.run(source.read("i", bench.later()))->next, std::nullopt);
  bench.fail("ExpiredIteratorException");
  EXPECT_EQ(bench.run(source.read("i", bench.later())).error().kind, FailureKind::expired_iterator);
  bench.answer("{}");
  EXPECT_EQ(bench.run(source.read("i", bench.later())).error().operation, "GetRecords on here/t");
}

struct KinesisTest : testing::Test {
  Bench bench{aws::Service::kinesis};
  wire::KinesisSummary summary{"k", "arn:k", "ACTIVE", WallTime{1700000000500ms}, 48, 2};
  KinesisSource source{bench.client, *aws::parse_stream("us-east-1/k"), summary, kSchema, "mine",
                       100};

  flow::StreamRecord read_one(const std::string& data) {
    bench.answer(R"({"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":9,"Data":")" +
                 base::to_base64(data) + R"("}],"NextShardIterator":"n","MillisBehindLatest":20})");
    auto page = bench.run(source.read("i", bench.later()));
    EXPECT_TRUE(page.ok());
    EXPECT_EQ(page->records.size(), 1u);
    EXPECT_EQ(page->behind, Duration(20ms));
    return std::move(page->records.at(0));
  }
};

const std::string kPlain = R"({"dynamodb":{"Keys":{"id":{"S":"a"}}}})";
const std::string kFromAws =
    R"({"recordFormat":"application/json","tableName":"mine","eventSource":"aws:dynamodb",)"
    R"("dynamodb":{"ApproximateCreationDateTime":1721011165891,"Keys":{"id":{"S":"a"}}}})";

// Parts of fewer than 128 bytes in one packet; `index`: where each points in a table of one key.
std::string packet(const std::vector<std::string>& parts, char index = 0) {
  std::string message("\x0a\x01k", 3);
  for (const auto& part : parts) {
    std::string entry("\x08", 1);
    entry += index;
    entry += '\x1a';
    std::size_t size = part.size();
    for (; size > 127; size >>= 7) entry += static_cast<char>((size & 127) | 128);
    entry += static_cast<char>(size);
    entry += part;
    message += '\x1a';
    for (size = entry.size(); size > 127; size >>= 7)
      message += static_cast<char>((size & 127) | 128);
    message += static_cast<char>(size);
    message += entry;
  }
  return "\xF3\x89\x9A\xC2" + message + base::md5(message);
}

TEST_F(KinesisTest, IdentityIsTheStreamAndItsBirth) {
  EXPECT_EQ(source.identity(), "arn:k@1700000000");
  EXPECT_TRUE(source.is_kinesis());
}

TEST_F(KinesisTest, ListsAllPages) {
  bench.answer(R"({"Shards":[)" + shard("a", "", true) + R"(],"NextToken":"t"})");
  bench.answer(R"({"Shards":[)" + shard("b", "a", false) + "]}");
  const auto listing = bench.run(source.list(bench.later()));
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ(listing->shards.size(), 2u);
  EXPECT_TRUE(listing->shards[0].closed);
  EXPECT_EQ(listing->shards[1].parents, std::vector<std::string>{"a"});
  EXPECT_EQ(source.retention(), Duration(48h));
  EXPECT_EQ(bench.body(0), R"({"StreamName":"k"})");
  EXPECT_EQ(bench.body(1), R"({"NextToken":"t"})");
  bench.answer(R"({"Shards":[],"NextToken":"t"})");
  bench.answer(R"({"Shards":[],"NextToken":"t"})");
  EXPECT_EQ(bench.run(source.list(bench.later())).error().kind, FailureKind::unusable_answer);
}

TEST_F(KinesisTest, OpensAtEachPosition) {
  for (const auto& [position, part] : std::vector<std::pair<flow::Position, std::string>>{
           {{}, "TRIM_HORIZON"},
           {{flow::Position::Kind::at_time, WallTime{5s}, ""},
            R"("AT_TIMESTAMP","Timestamp":5.000)"},
           {{flow::Position::Kind::after, {}, "7"},
            R"("AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"7")"}}) {
    bench.answer(R"({"ShardIterator":"i"})");
    EXPECT_EQ(*bench.run(source.open("a", position, bench.later())), "i");
    EXPECT_NE(bench.world.http.requests.back().body.find(part), std::string::npos);
  }
}

TEST_F(KinesisTest, PlainRecords) {
  const auto record = read_one(kPlain);
  EXPECT_EQ(record.sequence, "1");
  EXPECT_EQ(record.at, WallTime{9s});
  EXPECT_EQ(record.raw, kPlain);
  EXPECT_FALSE(record.from_aws);
  EXPECT_TRUE(std::holds_alternative<item::KeyRef>(record.entries.at(0)));
  EXPECT_TRUE(std::holds_alternative<flow::Junk>(read_one("hello").entries.at(0)));
  EXPECT_EQ(read_one("hello").raw, "hello");
  EXPECT_TRUE(std::holds_alternative<flow::NotOurs>(
      read_one(R"({"tableName":"theirs","dynamodb":{"Keys":{"x":{"N":"1"}}}})").entries.at(0)));
  EXPECT_TRUE(read_one(kFromAws).from_aws);
}

TEST_F(KinesisTest, APacketIsManyEntriesOfOneRecord) {
  const auto record = read_one(packet({kPlain, "junk", kPlain}));
  ASSERT_EQ(record.entries.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<item::KeyRef>(record.entries[0]));
  EXPECT_TRUE(std::holds_alternative<flow::Junk>(record.entries[1]));
  EXPECT_TRUE(std::holds_alternative<item::KeyRef>(record.entries[2]));
}

TEST_F(KinesisTest, WhatIsInAPacketIsNotPlacedByItsKey) {
  const auto record = read_one(packet({kFromAws, kFromAws}));
  ASSERT_EQ(record.entries.size(), 2u);
  EXPECT_FALSE(record.from_aws);
  EXPECT_FALSE(read_one(packet({})).from_aws);
  const auto outside = read_one(packet({kPlain}, 1));
  EXPECT_TRUE(std::holds_alternative<flow::Junk>(outside.entries.at(0)));
}

TEST_F(KinesisTest, TheLastPageTellsTheChildren) {
  bench.answer(R"({"Records":[],"NextShardIterator":null,"MillisBehindLatest":0,)"
               R"("ChildShards":[{"ShardId":"c","ParentShards":["a","b"]}]})");
  const auto page = bench.run(source.read("i", bench.later()));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->next, std::nullopt);
  ASSERT_EQ(page->children.size(), 1u);
  EXPECT_EQ(page->children[0].parents, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace dynamodb_replicator::app

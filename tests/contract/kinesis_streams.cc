// Kinesis Data Streams. Source: its API reference, under the operation's name.
#include <algorithm>

#include "contract/case.h"
#include "core/rows.h"

namespace dynamodb_replicator::contract {
namespace {

using Position = wire::KinesisPosition;

class KinesisStreams : public Case {
 protected:
  void SetUp() override { services().create_stream(stream_); }
  void put_one(const std::string& data, const std::string& partition_key = "p") {
    services().put_record(stream_, partition_key, data);
  }
  std::vector<wire::KinesisShard> shards() {
    std::vector<wire::KinesisShard> out;
    std::string token;
    for (int i = 0; i < 20; ++i) {
      const auto page = wire::decode_list_shards(
          kinesis("ListShards", wire::list_shards_request(stream_, token)));
      EXPECT_TRUE(page.ok()) << to_text(page.error());
      if (!page.ok()) break;
      out.insert(out.end(), page->shards.begin(), page->shards.end());
      if (!page->next) return out;
      token = *page->next;
    }
    ADD_FAILURE() << "ListShards does not end";
    return out;
  }
  std::string only_shard() {
    const auto all = shards();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? "" : all[0].id;
  }
  std::string iterator(const std::string& shard, const Position& position) {
    const auto out = wire::decode_iterator(
        kinesis("GetShardIterator", wire::kinesis_iterator_request(stream_, shard, position)));
    EXPECT_TRUE(out.ok());
    return out.ok() ? *out : "";
  }
  wire::KinesisRecords page(const std::string& iterator, int limit = 0) {
    services().wait(220ms);  // five reads a second and shard
    auto out = wire::decode_kinesis_records(
        kinesis("GetRecords", wire::kinesis_records_request(iterator, limit)));
    EXPECT_TRUE(out.ok()) << to_text(out.error());
    return out.ok() ? *std::move(out) : wire::KinesisRecords{};
  }
  struct Read {
    std::vector<wire::RawRecord> records;
    std::size_t longest_page = 0;
    wire::KinesisRecords last;
  };
  // To the tip or to the end of the shard.
  Read read(const std::string& shard, const Position& position, int limit = 0) {
    Read out;
    std::string next = iterator(shard, position);
    for (int i = 0; i < 50; ++i) {
      out.last = page(next, limit);
      out.longest_page = std::max(out.longest_page, out.last.records.size());
      out.records.insert(out.records.end(), out.last.records.begin(), out.last.records.end());
      const bool tip = out.last.records.empty() && out.last.behind == Duration{0};
      if (!out.last.next || tip) return out;
      next = *out.last.next;
    }
    ADD_FAILURE() << "reading does not come to the tip";
    return out;
  }
  static std::string data(const Read& read) {
    std::string out;
    for (const auto& record : read.records) out += record.raw + ";";
    return out;
  }
  std::string refused(const std::string& operation, const std::string& body) {
    return refusal(aws::Service::kinesis, operation, body);
  }
  const std::string stream_ = services().new_name("stream");
};

const Position kOldest{Position::Kind::trim_horizon, {}, ""};
Position after(const std::string& sequence) { return {Position::Kind::after, {}, sequence}; }
Position at_time(WallTime time) { return {Position::Kind::at_time, time, ""}; }

// DescribeStreamSummary, ListShards.
TEST_F(KinesisStreams, AStreamIsDescribed) {
  const auto summary = wire::decode_describe_summary(
      kinesis("DescribeStreamSummary", wire::describe_summary_request(stream_)));
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->name, stream_);
  EXPECT_TRUE(summary->arn.ends_with(":stream/" + stream_)) << summary->arn;
  EXPECT_EQ(summary->status, "ACTIVE");
  EXPECT_EQ(summary->open_shards, 1);
  EXPECT_EQ(summary->retention_hours, 24);
  EXPECT_NE(summary->created, WallTime{});
  const auto all = shards();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].closed);
  EXPECT_TRUE(all[0].parents.empty());
  // By its ARN too.
  const auto again = wire::decode_describe_summary(
      kinesis("DescribeStreamSummary", wire::describe_summary_request(summary->arn)));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->created, summary->created);
}

// GetRecords: in the order of their sequence numbers, at most Limit a page; GetShardIterator:
// AFTER_SEQUENCE_NUMBER begins right after the record.
TEST_F(KinesisStreams, RecordsComeInOrder) {
  const std::string shard = only_shard();
  for (const char* one : {"a", "b", "c", "d", "e"}) put_one(one);
  const Read all = read(shard, kOldest, 2);
  EXPECT_EQ(data(all), "a;b;c;d;e;");
  EXPECT_LE(all.longest_page, 2U);
  ASSERT_EQ(all.records.size(), 5U);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_TRUE(core::sequence_less(all.records[i - 1].sequence, all.records[i].sequence));
    EXPECT_LE(all.records[i - 1].at, all.records[i].at);
  }
  EXPECT_EQ(data(read(shard, after(all.records[1].sequence))), "c;d;e;");
  EXPECT_EQ(data(read(shard, after(all.records[4].sequence))), "");
  put_one("f");
  EXPECT_EQ(data(read(shard, after(all.records[4].sequence))), "f;");
}

// PutRecords and GetRecords: Data is any bytes.
TEST_F(KinesisStreams, DataAreBytes) {
  const std::string bytes("\0\xff\xf3\x89\n\"", 6);
  put_one(bytes);
  const Read all = read(only_shard(), kOldest);
  ASSERT_EQ(all.records.size(), 1U);
  EXPECT_EQ(all.records[0].raw, bytes);
}

// GetShardIterator, AT_TIMESTAMP: the first record of this time or later; older than everything:
// all; later than everything: what comes from then on.
TEST_F(KinesisStreams, ReadingBeginsAtATime) {
  const std::string shard = only_shard();
  put_one("a");
  services().wait(1500ms);
  put_one("b");
  const Read all = read(shard, kOldest);
  ASSERT_EQ(data(all), "a;b;");
  const WallTime first = all.records[0].at;
  const WallTime second = all.records[1].at;
  EXPECT_GE(second - first, 1400ms);
  EXPECT_EQ(data(read(shard, at_time(second))), "b;");
  EXPECT_EQ(data(read(shard, at_time(first + 500ms))), "b;");
  EXPECT_EQ(data(read(shard, at_time(first))), "a;b;");
  EXPECT_EQ(data(read(shard, at_time(first - 1h))), "a;b;");
  services().wait(200ms);
  EXPECT_EQ(data(read(shard, at_time(second + 50ms))), "");
}

// GetRecords, MillisBehindLatest: zero at the tip, the way to go before it.
TEST_F(KinesisStreams, HowFarBehindIsTold) {
  const std::string shard = only_shard();
  EXPECT_EQ(page(iterator(shard, kOldest)).behind, Duration{0});
  put_one("a");
  put_one("b");
  services().wait(500ms);
  const auto first = page(iterator(shard, kOldest), 1);
  ASSERT_EQ(first.records.size(), 1U);
  ASSERT_TRUE(first.behind && first.next);
  EXPECT_GT(*first.behind, Duration{0});
  const auto second = page(*first.next, 1);
  ASSERT_EQ(second.records.size(), 1U);
  ASSERT_TRUE(second.next);
  EXPECT_EQ(page(*second.next, 1).behind, Duration{0});
}

std::vector<std::string> sorted(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// SplitShard: the parent is closed, two children name it. GetRecords, NextShardIterator: null at a
// closed shard's end; ChildShards then.
TEST_F(KinesisStreams, ASplitShardEndsAndNamesItsChildren) {
  const std::string parent = only_shard();
  put_one("a");
  services().split(stream_);
  const auto all = shards();
  ASSERT_EQ(all.size(), 3U);
  std::vector<std::string> children;
  for (const auto& shard : all) {
    EXPECT_EQ(shard.closed, shard.id == parent) << shard.id;
    if (shard.id == parent) continue;
    EXPECT_EQ(shard.parents, std::vector<std::string>{parent});
    children.push_back(shard.id);
  }
  const Read old = read(parent, kOldest);
  EXPECT_EQ(data(old), "a;");
  EXPECT_FALSE(old.last.next);
  std::vector<std::string> told;
  for (const auto& child : old.last.children) {
    told.push_back(child.id);
    EXPECT_EQ(child.parents, std::vector<std::string>{parent});
  }
  EXPECT_EQ(sorted(told), sorted(children));
  ASSERT_FALSE(old.records.empty());
  EXPECT_FALSE(read(parent, after(old.records.back().sequence)).last.next);
  // Records go on in the children, later than everything in the parent.
  put_one("b");
  std::string both;
  for (const std::string& child : children) {
    const Read one = read(child, kOldest);
    both += data(one);
    for (const auto& record : one.records) {
      EXPECT_TRUE(core::sequence_less(old.records.back().sequence, record.sequence));
    }
    EXPECT_TRUE(one.last.next);
  }
  EXPECT_EQ(both, "b;");
}

// MergeShards: both parents are closed, the child names both.
TEST_F(KinesisStreams, MergedShardsNameTheirChild) {
  services().split(stream_);
  const auto before = shards();
  services().merge(stream_);
  const auto all = shards();
  ASSERT_EQ(all.size(), 4U);
  std::vector<std::string> parents;
  for (const auto& shard : before) {
    if (!shard.closed) parents.push_back(shard.id);
  }
  std::string child;
  for (const auto& shard : all) {
    if (shard.closed) continue;
    child = shard.id;
    EXPECT_EQ(sorted(shard.parents), sorted(parents));
  }
  for (const std::string& parent : parents) {
    const Read old = read(parent, kOldest);
    EXPECT_FALSE(old.last.next);
    ASSERT_EQ(old.last.children.size(), 1U);
    EXPECT_EQ(old.last.children[0].id, child);
    EXPECT_EQ(sorted(old.last.children[0].parents), sorted(parents));
  }
}

// Errors of each operation.
TEST_F(KinesisStreams, WhatIsUnknownIsRefused) {
  const std::string shard = only_shard();
  const std::string other = services().new_name("other");
  EXPECT_EQ(refused("DescribeStreamSummary", wire::describe_summary_request(other)),
            "ResourceNotFoundException");
  EXPECT_EQ(refused("ListShards", wire::list_shards_request(other, "")),
            "ResourceNotFoundException");
  EXPECT_EQ(refused("GetShardIterator", wire::kinesis_iterator_request(other, shard, kOldest)),
            "ResourceNotFoundException");
  EXPECT_EQ(refused("GetShardIterator",
                    wire::kinesis_iterator_request(stream_, "shardId-000000000077", kOldest)),
            "ResourceNotFoundException");
}

// API reference, GetRecords, Errors.
TEST_F(KinesisStreams, WhatIsNoIteratorIsRefused) {
  EXPECT_EQ(refused("GetRecords", wire::kinesis_records_request("bm8taXRlcmF0b3I=", 0)),
            "InvalidArgumentException");
}

// API reference, GetShardIterator, Errors: a sequence number is one of this shard.
TEST_F(KinesisStreams, WhatIsNoSequenceNumberIsRefused) {
  const std::string shard = only_shard();
  EXPECT_EQ(
      refused("GetShardIterator", wire::kinesis_iterator_request(stream_, shard, after("77"))),
      "InvalidArgumentException");
}

}  // namespace
}  // namespace dynamodb_replicator::contract

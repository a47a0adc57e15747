// DynamoDB Streams.
#include "contract/case.h"
#include "core/rows.h"
#include "wire/tables.h"

namespace dynamodb_replicator::contract {
namespace {

const wire::RecordForm kForm{{{"id", item::KeyType::string}, std::nullopt}, ""};

struct Change {
  std::string name;  // INSERT, MODIFY, REMOVE
  std::string keys;
  std::string sequence;
};

class TableStreams : public Case {
 protected:
  void SetUp() override {
    services().create_streaming_table(table_);
    const auto described = wire::decode_describe_table(
        dynamodb("DescribeTable", wire::describe_table_request(table_)));
    ASSERT_TRUE(described.ok());
    arn_ = described->stream_arn;
    const auto listed = shards();
    ASSERT_EQ(listed.size(), 1U);
    shard_ = listed[0].id;
  }
  std::vector<wire::StreamShard> shards() {
    std::vector<wire::StreamShard> out;
    std::string after;
    for (int i = 0; i < 20; ++i) {
      const auto page = wire::decode_describe_stream(
          streams("DescribeStream", wire::describe_stream_request(arn_, after)));
      EXPECT_TRUE(page.ok()) << to_text(page.error());
      if (!page.ok()) break;
      out.insert(out.end(), page->shards.begin(), page->shards.end());
      if (!page->last_shard) return out;
      after = *page->last_shard;
    }
    ADD_FAILURE() << "DescribeStream does not end";
    return out;
  }
  std::string iterator(const std::string& after) {
    const auto out = wire::decode_iterator(
        streams("GetShardIterator", wire::stream_iterator_request(arn_, shard_, after)));
    EXPECT_TRUE(out.ok());
    return out.ok() ? *out : "";
  }
  struct Read {
    std::vector<Change> changes;
    std::size_t longest_page = 0;
    bool ended = false;  // no next iterator
  };
  // Until `wanted` changes are there or some more pages have brought nothing.
  Read read(const std::string& after, std::size_t wanted, int limit = 0) {
    Read out;
    std::string next = iterator(after);
    for (int empty = 0; empty < 5;) {
      const std::string body = streams("GetRecords", wire::stream_records_request(next, limit));
      const auto page = wire::decode_stream_records(body, kForm);
      EXPECT_TRUE(page.ok()) << body;
      if (!page.ok()) return out;
      for (const auto& one : page->records) {
        out.changes.push_back(
            {at(one.raw.raw, "/eventName"), at(one.raw.raw, "/dynamodb/Keys"), one.raw.sequence});
        EXPECT_TRUE(one.record.at.has_value());
        EXPECT_FALSE(one.record.from_aws);
        EXPECT_TRUE(std::holds_alternative<item::KeyRef>(one.record.entry));
      }
      out.longest_page = std::max(out.longest_page, page->records.size());
      out.ended = !page->next;
      if (out.ended) return out;
      next = *page->next;
      if (page->records.empty()) {
        if (out.changes.size() >= wanted) ++empty;
        ++empty;
        services().wait(100ms);
      }
    }
    return out;
  }
  static std::string names(const Read& read) {
    std::string out;
    for (const Change& change : read.changes) out += change.name + change.keys + "\n";
    return out;
  }
  const std::string table_ = services().new_name("streaming");
  std::string arn_;
  std::string shard_;
};

std::string item(const std::string& id, const std::string& value) {
  return R"({"id":{"S":")" + id + R"("},"v":{"N":")" + value + R"("}})";
}
std::string key(const std::string& id) { return R"({"id":{"S":")" + id + R"("}})"; }

// Streams API reference, DescribeStream.
TEST_F(TableStreams, AStreamIsDescribed) {
  const auto page = wire::decode_describe_stream(
      streams("DescribeStream", wire::describe_stream_request(arn_, "")));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->arn, arn_);
  EXPECT_EQ(page->table, table_);
  EXPECT_EQ(page->status, "ENABLED");
  EXPECT_EQ(page->view, "KEYS_ONLY");
  ASSERT_EQ(page->shards.size(), 1U);
  EXPECT_EQ(page->shards[0].parent, "");
  EXPECT_NE(page->shards[0].first, "");
  EXPECT_EQ(page->shards[0].last, "");  // open
}

// Developer guide, "Change data capture for DynamoDB Streams": each change is one record, an item's
// changes come in their order; an operation that changes nothing makes no record.
TEST_F(TableStreams, ChangesAndNothingElseAreRecorded) {
  put(table_, item("a", "1"));
  put(table_, item("a", "2"));
  put(table_, item("a", "2.0"));  // no change
  erase(table_, key("b"));        // no change
  put(table_, item("b", "1"));
  erase(table_, key("a"));
  erase(table_, key("a"));  // no change
  put(table_, item("a", "1"));
  const std::string condition = R"json(,"ConditionExpression":"attribute_not_exists(id)"})json";
  std::string failing = put_body(table_, item("a", "7"));
  failing.pop_back();
  EXPECT_EQ(refusal("PutItem", failing + condition), "ConditionalCheckFailedException");
  const Read all = read("", 5);
  EXPECT_EQ(names(all), "\"INSERT\"" + key("a") + "\n\"MODIFY\"" + key("a") + "\n\"INSERT\"" +
                            key("b") + "\n\"REMOVE\"" + key("a") + "\n\"INSERT\"" + key("a") +
                            "\n");
  EXPECT_FALSE(all.ended);
}

// The same for batches and updates.
TEST_F(TableStreams, BatchesAndUpdatesAreRecordedToo) {
  const std::string batch = R"({"RequestItems":{")" + table_ + R"(":[{"PutRequest":{"Item":)" +
                            item("a", "1") + R"(}},{"DeleteRequest":{"Key":)" + key("b") + "}}]}}";
  dynamodb("BatchWriteItem", batch);
  dynamodb("BatchWriteItem", batch);
  const std::string update =
      R"({"TableName":")" + table_ + R"(","Key":)" + key("a") +
      R"(,"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"N":"2"}}})";
  dynamodb("UpdateItem", update);
  dynamodb("UpdateItem", update);
  EXPECT_EQ(names(read("", 2)), "\"INSERT\"" + key("a") + "\n\"MODIFY\"" + key("a") + "\n");
}

// Streams API reference, GetShardIterator: AFTER_SEQUENCE_NUMBER begins right after the record.
// GetRecords, Limit: at most so many a page, and the next page goes on.
TEST_F(TableStreams, ReadingGoesOnAfterARecord) {
  for (int i = 0; i < 7; ++i) put(table_, item("k" + std::to_string(i), "1"));
  const Read all = read("", 7, 2);
  ASSERT_EQ(all.changes.size(), 7U);
  EXPECT_LE(all.longest_page, 2U);
  for (std::size_t i = 1; i < 7; ++i) {
    EXPECT_TRUE(core::sequence_less(all.changes[i - 1].sequence, all.changes[i].sequence));
  }
  const Read rest = read(all.changes[2].sequence, 4);
  ASSERT_EQ(rest.changes.size(), 4U);
  EXPECT_EQ(rest.changes[0].sequence, all.changes[3].sequence);
  EXPECT_TRUE(read(all.changes[6].sequence, 0).changes.empty());
  put(table_, item("k0", "2"));
  const Read later = read(all.changes[6].sequence, 1);
  EXPECT_EQ(names(later), "\"MODIFY\"" + key("k0") + "\n");
}

// Streams API reference, GetRecords, NextShardIterator: absent once a closed shard is read to its
// end; DescribeStream then shows the shard's ending sequence number.
TEST_F(TableStreams, AClosedShardEnds) {
  put(table_, item("a", "1"));
  put(table_, item("b", "1"));
  EXPECT_FALSE(read("", 2).ended);
  services().end_table_shards(table_);
  bool closed = false;
  for (int i = 0; i < 50 && !closed; ++i) {
    for (const auto& shard : shards()) closed = closed || (shard.id == shard_ && shard.last != "");
    if (!closed) services().wait(100ms);
  }
  EXPECT_TRUE(closed);
  const Read all = read("", 2);
  EXPECT_EQ(all.changes.size(), 2U);
  EXPECT_TRUE(all.ended);
  const Read rest = read(all.changes.back().sequence, 0);
  EXPECT_TRUE(rest.changes.empty());
  EXPECT_TRUE(rest.ended);
}

// Streams API reference, Errors.
TEST_F(TableStreams, WhatIsUnknownIsRefused) {
  const auto refused = [this](const std::string& operation, const std::string& body) {
    return refusal(aws::Service::streams, operation, body);
  };
  std::string other = arn_;
  other.replace(other.find(table_), table_.size(), services().new_name("other"));
  EXPECT_EQ(refused("DescribeStream", wire::describe_stream_request(other, "")),
            "ResourceNotFoundException");
  EXPECT_EQ(refused("GetShardIterator", wire::stream_iterator_request(other, shard_, "")),
            "ResourceNotFoundException");
  const std::string unknown = "shardId-00000000000000000001-00000001";
  EXPECT_EQ(refused("GetShardIterator", wire::stream_iterator_request(arn_, unknown, "")),
            "ResourceNotFoundException");
  EXPECT_EQ(refused("GetRecords", wire::stream_records_request("no-iterator-at-all", 0)),
            "ValidationException");
  EXPECT_EQ(refused("GetShardIterator", R"({"StreamArn":")" + arn_ + R"(","ShardId":")" + shard_ +
                                            R"(","ShardIteratorType":"SIDEWAYS"})"),
            "ValidationException");
  EXPECT_EQ(refused("GetShardIterator", wire::stream_iterator_request(arn_, shard_, "no number")),
            "ValidationException");
}

}  // namespace
}  // namespace dynamodb_replicator::contract

// Conditional writes and queries, as the lease table uses them: the program's own requests.
#include <set>

#include "contract/case.h"
#include "wire/items.h"
#include "wire/lease_rows.h"
#include "wire/tables.h"

namespace dynamodb_replicator::contract {
namespace {

class LeaseTable : public Case {
 protected:
  void SetUp() override {
    dynamodb("CreateTable", wire::create_lease_table_request(table_, {}));
    await_table(table_);
  }
  static core::ShardRow row(const std::string& shard, const std::string& nonce,
                            const std::string& stream = "s") {
    core::ShardRow out;
    out.stream = stream;
    out.shard = shard;
    out.nonce = nonce;
    return out;
  }
  std::string stored(const std::string& shard) {
    const auto item =
        wire::decode_get_item(dynamodb("GetItem", wire::get_shard_row_request(table_, "s", shard)));
    EXPECT_TRUE(item.ok());
    return item.ok() && *item ? **item : "absent";
  }
  const std::string table_ = services().new_name("leases");
};

// Developer guide, "Condition expressions": attribute_not_exists on a key attribute prevents
// overwriting; API reference, PutItem, Errors: ConditionalCheckFailedException.
TEST_F(LeaseTable, ARowIsCreatedOnce) {
  dynamodb("PutItem", wire::create_shard_row_request(table_, row("a", "n1")));
  const auto again = services().ask(aws::Service::dynamodb, "PutItem",
                                    wire::create_shard_row_request(table_, row("a", "n2")));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, "ConditionalCheckFailedException");
  EXPECT_EQ(again.error().kind, FailureKind::condition_failed);
  EXPECT_FALSE(again.error().maybe_applied);
  const auto kept = wire::shard_row_from_item(stored("a"));
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->nonce, "n1");
}

// API reference, UpdateItem, ConditionExpression: the update happens only if the condition holds.
TEST_F(LeaseTable, OnlyTheRightNonceReplacesARow) {
  dynamodb("PutItem", wire::create_shard_row_request(table_, row("a", "n1")));
  auto next = row("a", "n2");
  next.owner = "host@1";
  next.counter = 7;
  next.parents = {"p1", "p2"};
  next.checkpoint = "123";
  EXPECT_EQ(refusal("UpdateItem", wire::replace_shard_row_request(table_, next, "other")),
            "ConditionalCheckFailedException");
  EXPECT_EQ(wire::shard_row_from_item(stored("a"))->nonce, "n1");
  dynamodb("UpdateItem", wire::replace_shard_row_request(table_, next, "n1"));
  auto kept = wire::shard_row_from_item(stored("a"));
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->nonce, "n2");
  EXPECT_EQ(kept->owner, "host@1");
  EXPECT_EQ(kept->counter, 7U);
  EXPECT_EQ(kept->checkpoint, "123");
  EXPECT_EQ(kept->parents, next.parents);
  // The same request again: its own success is why it fails.
  EXPECT_EQ(refusal("UpdateItem", wire::replace_shard_row_request(table_, next, "n1")),
            "ConditionalCheckFailedException");
  // What the next row does not have goes (REMOVE).
  dynamodb("UpdateItem", wire::replace_shard_row_request(table_, row("a", "n3"), "n2"));
  kept = wire::shard_row_from_item(stored("a"));
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->owner, "");
  EXPECT_EQ(kept->checkpoint, "");
}

// The same: a comparison with an attribute that does not exist is false, so nothing is created.
TEST_F(LeaseTable, AMissingRowIsNotReplaced) {
  EXPECT_EQ(refusal("UpdateItem", wire::replace_shard_row_request(table_, row("a", "n2"), "n1")),
            "ConditionalCheckFailedException");
  EXPECT_EQ(stored("a"), "absent");
}

// API reference, UpdateItem: attributes that the expression does not name are left alone.
TEST_F(LeaseTable, AttributesOfOthersStay) {
  put(table_,
      R"({"stream":{"S":"s"},"row":{"S":"shard#a"},"nonce":{"S":"n1"},"theirs":{"N":"5"}})");
  dynamodb("UpdateItem", wire::replace_shard_row_request(table_, row("a", "n2"), "n1"));
  EXPECT_EQ(at(stored("a"), "/theirs"), R"({"N":"5"})");
  EXPECT_EQ(at(stored("a"), "/nonce"), R"({"S":"n2"})");
}

// API reference, Query: one partition, in order of the sort key (strings by their UTF-8 bytes),
// pages by LastEvaluatedKey.
TEST_F(LeaseTable, AQueryWalksOneStreamsRowsInOrder) {
  std::set<std::string> wanted;
  for (const char* shard : {"c", "a", "b", "B", "aa", "\u00e9", "z"}) {
    dynamodb("PutItem", wire::create_shard_row_request(table_, row(shard, "n")));
    wanted.insert(shard);
  }
  dynamodb("PutItem", wire::create_shard_row_request(table_, row("x", "n", "t")));
  core::MetaRow meta;
  meta.nonce = "n";
  dynamodb("PutItem", wire::create_meta_row_request(table_, meta));
  std::vector<std::string> seen;
  std::string last;
  for (int page = 0; page < 20; ++page) {
    const auto answer = wire::decode_items_page(
        dynamodb("Query", wire::query_shard_rows_request(table_, "s", last)));
    ASSERT_TRUE(answer.ok()) << to_text(answer.error());
    for (const std::string& item : answer->items) {
      seen.push_back(wire::shard_row_from_item(item)->shard);
    }
    last = answer->last_key.value_or("");
    if (last.empty()) break;
  }
  EXPECT_EQ(seen, std::vector<std::string>(wanted.begin(), wanted.end()));
}

// API reference, Query, Limit: at most so many items a page; the next page begins after the last.
TEST_F(LeaseTable, AQuerysLimitEndsItsPage) {
  for (const char* shard : {"a", "b", "c"}) {
    dynamodb("PutItem", wire::create_shard_row_request(table_, row(shard, "n")));
  }
  const std::string ask =
      R"({"TableName":")" + table_ +
      R"json(","ConsistentRead":true,"KeyConditionExpression":"#s = :s","ExpressionAttributeNames":{"#s":"stream"},"ExpressionAttributeValues":{":s":{"S":"s"}},"Limit":2)json";
  const std::string first = dynamodb("Query", ask + "}");
  EXPECT_EQ(at(first, "/Count"), "2");
  EXPECT_EQ(at(first, "/LastEvaluatedKey"), R"({"row":{"S":"shard#b"},"stream":{"S":"s"}})");
  const std::string second =
      dynamodb("Query", ask + ",\"ExclusiveStartKey\":" + at(first, "/LastEvaluatedKey") + "}");
  EXPECT_EQ(at(second, "/Count"), "1");
  EXPECT_EQ(at(second, "/Items/0/row"), R"({"S":"shard#c"})");
  EXPECT_EQ(at(second, "/LastEvaluatedKey"), "nothing");
}

// API reference, UpdateItem: the key cannot be updated; names and values must be defined.
TEST_F(LeaseTable, AnUpdateOfTheKeyOrOfNothingKnownIsRefused) {
  const auto update = [this](const std::string& rest) {
    return R"({"TableName":")" + table_ + R"(","Key":{"stream":{"S":"s"},"row":{"S":"r"}},)" +
           rest + "}";
  };
  EXPECT_EQ(
      refusal(
          "UpdateItem",
          update(
              R"("UpdateExpression":"SET stream = :v","ExpressionAttributeValues":{":v":{"S":"t"}})")),
      "ValidationException");
  EXPECT_EQ(refusal("UpdateItem", update(R"("UpdateExpression":"SET a = :v")")),
            "ValidationException");
  EXPECT_EQ(refusal("UpdateItem", update(R"("UpdateExpression":"FORGET a")")),
            "ValidationException");
}

// Developer guide, "Condition expressions": SET makes an item that is missing; an update without a
// condition is an upsert. API reference: the item's own old values are read (if_not_exists).
TEST_F(LeaseTable, AnUpdateWithoutAConditionCreates) {
  const std::string key = R"({"stream":{"S":"s"},"row":{"S":"r"}})";
  dynamodb(
      "UpdateItem",
      R"({"TableName":")" + table_ + R"(","Key":)" + key +
          R"(,"UpdateExpression":"SET a = :v REMOVE b","ExpressionAttributeValues":{":v":{"N":"1.5"}}})");
  EXPECT_EQ(get(table_, key), R"({"a":{"N":"1.5"},"row":{"S":"r"},"stream":{"S":"s"}})");
}

}  // namespace
}  // namespace dynamodb_replicator::contract

// What a service may do on a bad day. No emulator shows any of it, so these cases are asked of the
// simulated service alone, and each names the document that it follows.
#include "contract/case.h"
#include "item/key.h"
#include "wire/items.h"

namespace dynamodb_replicator::contract {
namespace {

constexpr int kTries = 50;

std::string item_json(int id, int version) {
  return R"({"id":{"N":")" + std::to_string(id) + R"("},"v":{"N":")" + std::to_string(version) +
         R"("}})";
}

class BadDays : public Case {
 protected:
  static constexpr int kItems = 25;

  void SetUp() override {
    for (int id = 0; id < kItems; ++id) keys_.push_back(*item::parse_key(key_json(id), kById));
  }
  Result<std::string> ask(const std::string& operation, const std::string& body) {
    return services().ask(aws::Service::dynamodb, operation, body);
  }
  Result<std::string> write(int version) {
    std::vector<std::string> items;
    for (int id = 0; id < kItems; ++id) items.push_back(item_json(id, version));
    std::vector<wire::BatchWrite> writes;
    for (int id = 0; id < kItems; ++id)
      writes.push_back({keys_[index(id)].get(), items[index(id)]});
    return ask("BatchWriteItem", *wire::batch_write_request(table_, writes));
  }
  static std::size_t index(int id) { return static_cast<std::size_t>(id); }
  std::string plain_get(int id, bool consistent) {
    auto item = wire::decode_get_item(
        dynamodb("GetItem", R"({"TableName":")" + table_ + R"(","Key":)" + key_json(id) +
                                (consistent ? R"(,"ConsistentRead":true})" : "}")));
    EXPECT_TRUE(item.ok());
    return item.ok() && *item ? canonical(**item) : "absent";
  }
  const std::string table_ = create_table("N");
  std::vector<item::KeyRef> keys_;
};

// Developer guide, "Error handling with DynamoDB": ProvisionedThroughputExceededException, HTTP
// status 400, to be tried again; the request was not done.
TEST_F(BadDays, AThrottledWriteIsNotDone) {
  put(table_, item_json(0, 1));
  services().bring(BadDay::throttled);
  const auto answer = ask("PutItem", put_body(table_, item_json(0, 2)));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "ProvisionedThroughputExceededException");
  EXPECT_EQ(answer.error().kind, FailureKind::throttled);
  EXPECT_FALSE(answer.error().maybe_applied);
  services().heal();
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 1));
}

// API reference, BatchWriteItem, UnprocessedItems: what is named there was not done and everything
// else was; in the form of a request. "If none of the items can be processed [...] then
// BatchWriteItem returns a ProvisionedThroughputExceededException".
TEST_F(BadDays, UnprocessedWritesAreNamedAndNotDone) {
  int partly = 0;
  for (int version = 1; version <= kTries; ++version) {
    services().bring(BadDay::unprocessed);
    const auto answer = write(version);
    services().heal();
    ASSERT_TRUE(answer.ok()) << to_text(answer.error());
    const auto told = wire::decode_batch_write(*answer, table_, kById);
    ASSERT_TRUE(told.ok()) << to_text(told.error());
    std::map<std::string, bool> left;
    for (const auto& key : told->unprocessed) left[key->canonical()] = true;
    if (!left.empty() && left.size() < keys_.size()) ++partly;
    for (int id = 0; id < kItems; ++id) {
      const bool done = get(table_, key_json(id)) == item_json(id, version);
      EXPECT_NE(done, left.contains(keys_[index(id)]->canonical())) << id;
    }
  }
  EXPECT_GT(partly, kTries / 2);
}

TEST_F(BadDays, ABatchOfWhichNothingIsDoneIsThrottled) {
  const std::string body = *wire::batch_write_request(
      table_, std::vector<wire::BatchWrite>{{keys_[0].get(), R"({"id":{"N":"0"}})"}});
  int refused = 0;
  for (int i = 0; i < kTries; ++i) {
    services().bring(BadDay::unprocessed);
    const auto answer = ask("BatchWriteItem", body);
    services().heal();
    const bool there = get(table_, key_json(0)) != "absent";
    EXPECT_EQ(there, answer.ok());
    if (!answer.ok()) {
      ++refused;
      EXPECT_EQ(answer.error().code, "ProvisionedThroughputExceededException");
      EXPECT_FALSE(answer.error().maybe_applied);
    }
    erase(table_, key_json(0));
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, kTries);
}

// API reference, BatchGetItem, UnprocessedKeys: a key is either unprocessed, or its item is in the
// answer unless there is none.
TEST_F(BadDays, UnprocessedKeysAreNamedAndNotAnswered) {
  for (int id = 0; id < kItems; id += 2) put(table_, item_json(id, 1));
  int partly = 0;
  for (int i = 0; i < kTries; ++i) {
    services().bring(BadDay::unprocessed);
    const auto answer = ask("BatchGetItem", wire::batch_get_request(table_, keys_));
    services().heal();
    ASSERT_TRUE(answer.ok()) << to_text(answer.error());
    const auto told = wire::decode_batch_get(*answer, table_, kById);
    ASSERT_TRUE(told.ok()) << to_text(told.error());
    std::map<std::string, int> seen;
    for (const auto& one : told->found) ++seen[one.key->canonical()];
    for (const auto& key : told->unprocessed) ++seen[key->canonical()];
    if (!told->unprocessed.empty()) ++partly;
    for (int id = 0; id < kItems; ++id) {
      const int times = seen[keys_[index(id)]->canonical()];
      EXPECT_TRUE(times == 1 || (times == 0 && id % 2 == 1)) << id << " is seen " << times;
    }
  }
  EXPECT_GT(partly, kTries / 2);
}

// Developer guide, "DynamoDB read consistency": an eventually consistent read might not show the
// result of a recently completed write; a strongly consistent one always does.
TEST_F(BadDays, OnlyConsistentReadsShowTheNewest) {
  services().bring(BadDay::stale_reads);
  int stale = 0;
  for (int version = 1; version <= kTries; ++version) {
    put(table_, item_json(0, version));
    EXPECT_EQ(plain_get(0, true), item_json(0, version));
    const auto batch = wire::decode_batch_get(
        dynamodb("BatchGetItem", wire::batch_get_request(table_, keys_)), table_, kById);
    ASSERT_TRUE(batch.ok());
    ASSERT_EQ(batch->found.size(), 1U);
    EXPECT_EQ(canonical(batch->found[0].item), item_json(0, version));
    const std::string seen = plain_get(0, false);
    if (seen != item_json(0, version)) {
      ++stale;
      EXPECT_EQ(seen, version == 1 ? "absent" : item_json(0, version - 1));
    }
  }
  EXPECT_GT(stale, 0);
  services().wait(10s);
  EXPECT_EQ(plain_get(0, false), item_json(0, kTries));
}

// Developer guide, "Amazon DynamoDB Transactions: How it works", Transaction conflict handling: a
// transaction that meets another one on an item is cancelled, code TransactionConflict for that
// item, and nothing is written.
TEST_F(BadDays, ATransactionInConflictWritesNothing) {
  const std::string body = R"({"TransactItems":[{"Put":{"TableName":")" + table_ + R"(","Item":)" +
                           item_json(0, 1) + R"(}},{"Put":{"TableName":")" + table_ +
                           R"(","Item":)" + item_json(1, 1) + "}}]}";
  int conflicts = 0;
  for (int i = 0; i < kTries; ++i) {
    services().bring(BadDay::transaction_conflicts);
    const auto answer = ask("TransactWriteItems", body);
    const std::string said = services().last_body();
    services().heal();
    EXPECT_EQ(get(table_, key_json(0)) != "absent", answer.ok());
    EXPECT_EQ(get(table_, key_json(1)) != "absent", answer.ok());
    if (!answer.ok()) {
      ++conflicts;
      EXPECT_EQ(answer.error().code, "TransactionCanceledException");
      EXPECT_EQ(answer.error().kind, FailureKind::conflict);
      EXPECT_FALSE(answer.error().maybe_applied);
      const std::string first = at(said, "/CancellationReasons/0/Code");
      const std::string second = at(said, "/CancellationReasons/1/Code");
      EXPECT_TRUE(first == quoted("TransactionConflict") || second == quoted("TransactionConflict"))
          << said;
    }
    for (const int id : {0, 1}) erase(table_, key_json(id));
  }
  EXPECT_GT(conflicts, 0);
  EXPECT_LT(conflicts, kTries);
}

}  // namespace
}  // namespace dynamodb_replicator::contract

// TransactWriteItems, as fenced mode uses it: the program's own requests, a fence and its writes.
#include "contract/case.h"
#include "item/key.h"
#include "wire/fences.h"
#include "wire/tables.h"

namespace dynamodb_replicator::contract {
namespace {

const item::KeySchema kById{{"id", item::KeyType::number}, std::nullopt};

std::string number(int value) { return R"({"N":")" + std::to_string(value) + R"("})"; }
std::string key_json(int id) { return R"({"id":)" + number(id) + "}"; }
std::string item_json(int id, int version) {
  return R"({"id":)" + number(id) + R"(,"v":)" + number(version) + "}";
}

class Transactions : public Case {
 protected:
  void SetUp() override {
    dynamodb("CreateTable", wire::create_lease_table_request(leases_, {}));
    await_table(leases_);
    // Asked first, so that an engine without transactions says so at once.
    dynamodb("TransactWriteItems", wire::probe_transactions_request(leases_));
    dynamodb("UpdateItem", wire::raise_fence_request(leases_, fence(3)));
  }
  static core::Fence fence(std::uint64_t generation, std::uint64_t bumps = 0) {
    return {"s", "shard", 0, generation, bumps, "holder"};
  }
  Result<std::string> transact(const std::string& body) {
    return services().ask(aws::Service::dynamodb, "TransactWriteItems", body);
  }
  // The first `count` items under the fence.
  std::string writes(const core::Fence& under, int count, int version) {
    std::vector<item::KeyRef> keys;
    std::vector<std::string> items;
    for (int id = 0; id < count; ++id) {
      keys.push_back(*item::parse_key(key_json(id), kById));
      items.push_back(item_json(id, version));
    }
    std::vector<wire::BatchWrite> all;
    for (std::size_t i = 0; i < keys.size(); ++i) all.push_back({keys[i].get(), items[i]});
    return *wire::transact_write_request(leases_, under, table_, all, services().new_name("t"));
  }
  [[nodiscard]] std::string put_action(const std::string& item, const std::string& condition = "") {
    return R"({"Put":{"TableName":")" + table_ + R"(","Item":)" + item +
           (condition.empty() ? "" : R"(,"ConditionExpression":")" + condition + "\"") + "}}";
  }
  [[nodiscard]] std::string delete_action(const std::string& key) {
    return R"({"Delete":{"TableName":")" + table_ + R"(","Key":)" + key + "}}";
  }
  static std::string actions(const std::string& all) {
    return R"({"TransactItems":[)" + all + "]}";
  }
  std::string code(int action) {
    return at(services().last_body(), "/CancellationReasons/" + std::to_string(action) + "/Code");
  }
  std::string count() {
    return at(dynamodb("Scan", R"({"TableName":")" + table_ + R"(","ConsistentRead":true})"),
              "/Count");
  }
  const std::string leases_ = services().new_name("leases");
  const std::string table_ = create_table("N");
};

// API reference, TransactWriteItems, ConditionCheck: what it guards is written if it holds.
TEST_F(Transactions, WritesGoThroughUnderTheirFence) {
  put(table_, item_json(9, 1));
  dynamodb("TransactWriteItems", writes(fence(3), 2, 1));
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 1));
  EXPECT_EQ(get(table_, key_json(1)), item_json(1, 1));
  EXPECT_EQ(count(), "3");
}

// The same, TransactionCanceledException: a reason for each action in order, None for those that
// are innocent; nothing is written.
TEST_F(Transactions, NothingGoesThroughUnderAnOlderFence) {
  const std::string late = writes(fence(3), 2, 1);
  dynamodb("UpdateItem", wire::raise_fence_request(leases_, fence(4)));
  const auto answer = transact(late);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "TransactionCanceledException");
  EXPECT_EQ(answer.error().kind, FailureKind::condition_failed);
  EXPECT_FALSE(answer.error().maybe_applied);
  EXPECT_EQ(code(0), quoted("ConditionalCheckFailed"));
  EXPECT_EQ(code(1), quoted("None"));
  EXPECT_EQ(code(2), quoted("None"));
  EXPECT_EQ(code(3), "nothing");
  EXPECT_EQ(count(), "0");
}

TEST_F(Transactions, ABumpAnotherHolderAndAMissingFenceAllowNothing) {
  const std::string late = writes(fence(3), 1, 1);
  dynamodb("UpdateItem", wire::bump_fence_request(leases_, fence(3)));
  EXPECT_EQ(refusal("TransactWriteItems", late), "TransactionCanceledException");
  EXPECT_EQ(refusal("UpdateItem", wire::bump_fence_request(leases_, fence(3))),
            "ConditionalCheckFailedException");
  dynamodb("TransactWriteItems", writes(fence(3, 1), 1, 2));
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 2));
  core::Fence others = fence(3, 1);
  others.holder = "another";
  EXPECT_EQ(refusal("TransactWriteItems", writes(others, 1, 3)), "TransactionCanceledException");
  core::Fence never = fence(1);
  never.stripe = 7;
  EXPECT_EQ(refusal("TransactWriteItems", writes(never, 1, 3)), "TransactionCanceledException");
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 2));
}

// The same, ClientRequestToken: the same request again within ten minutes succeeds and does
// nothing, whatever has become of its condition.
TEST_F(Transactions, ARequestThatWasDoneIsNotDoneAgain) {
  const std::string first = writes(fence(3), 1, 1);
  dynamodb("TransactWriteItems", first);
  dynamodb("UpdateItem", wire::raise_fence_request(leases_, fence(4)));
  dynamodb("TransactWriteItems", writes(fence(4), 1, 2));
  dynamodb("TransactWriteItems", first);
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 2));
}

// The same: one that was refused is no more than refused.
TEST_F(Transactions, ARequestThatWasRefusedMayBeDoneLater) {
  const std::string early = writes(fence(4), 1, 1);
  EXPECT_EQ(refusal("TransactWriteItems", early), "TransactionCanceledException");
  dynamodb("UpdateItem", wire::raise_fence_request(leases_, fence(4)));
  dynamodb("TransactWriteItems", early);
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 1));
}

// A fence is never lowered; the same generation is not raised twice.
TEST_F(Transactions, AFenceOnlyRises) {
  for (const std::uint64_t generation : {2U, 3U}) {
    EXPECT_EQ(refusal("UpdateItem", wire::raise_fence_request(leases_, fence(generation))),
              "ConditionalCheckFailedException");
  }
  dynamodb("TransactWriteItems", writes(fence(3), 1, 1));
}

// The same: one action's condition fails, and none is done.
TEST_F(Transactions, OneFailedConditionStopsAllOfThem) {
  put(table_, item_json(1, 1));
  const auto answer = transact(actions(put_action(item_json(0, 2)) + "," +
                                       put_action(item_json(1, 2), "attribute_not_exists(id)")));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "TransactionCanceledException");
  EXPECT_EQ(code(0), quoted("None"));
  EXPECT_EQ(code(1), quoted("ConditionalCheckFailed"));
  EXPECT_EQ(get(table_, key_json(0)), "absent");
  EXPECT_EQ(get(table_, key_json(1)), item_json(1, 1));
}

// The same: no two actions on one item.
TEST_F(Transactions, TwoActionsOnOneItemAreRefused) {
  EXPECT_EQ(refusal("TransactWriteItems",
                    actions(put_action(item_json(1, 1)) + "," + delete_action(key_json(1)))),
            "ValidationException");
  EXPECT_EQ(refusal("TransactWriteItems",
                    actions(put_action(item_json(1, 1)) + "," + put_action(item_json(1, 2)))),
            "ValidationException");
  EXPECT_EQ(count(), "0");
}

// The same; a number's spelling makes no other item.
TEST_F(Transactions, OneItemSpelledTwiceIsOneItem) {
  EXPECT_EQ(refusal("TransactWriteItems", actions(put_action(item_json(1, 1)) + "," +
                                                  delete_action(R"({"id":{"N":"1.0"}})"))),
            "ValidationException");
}

// The same: 4 MB in all.
TEST_F(Transactions, ActionsHaveFourMegabytes) {
  const auto of_size = [this](int id, std::size_t size) {
    return put_action(R"({"id":)" + number(id) + R"(,"v":{"S":")" + std::string(size, 'x') +
                      R"("}})");
  };
  constexpr std::size_t kLarge = 400'000;
  std::string all;
  for (int id = 0; id < 10; ++id) all += of_size(id, kLarge) + ",";
  EXPECT_EQ(refusal("TransactWriteItems", actions(all + of_size(10, kLarge))),
            "ValidationException");
  EXPECT_EQ(count(), "0");
  EXPECT_EQ(refusal("TransactWriteItems", actions(all + of_size(10, 100))), "accepted");
  EXPECT_EQ(get(table_, key_json(10)).size(), of_size(10, 100).size() - put_action("").size());
}

// The same: up to 100 actions.
TEST_F(Transactions, ActionsAreOneToAHundred) {
  dynamodb("TransactWriteItems", writes(fence(3), 99, 1));
  EXPECT_EQ(count(), "99");
  EXPECT_EQ(refusal("TransactWriteItems", writes(fence(3), 100, 2)), "ValidationException");
  EXPECT_EQ(get(table_, key_json(0)), item_json(0, 1));
  EXPECT_EQ(refusal("TransactWriteItems", actions("")), "ValidationException");
}

// The same: each action is one of the four.
TEST_F(Transactions, AnActionIsOneThing) {
  EXPECT_EQ(refusal("TransactWriteItems", actions("{}")), "ValidationException");
  std::string both = put_action(item_json(1, 1));
  both.pop_back();
  EXPECT_EQ(
      refusal("TransactWriteItems", actions(both + "," + delete_action(key_json(2)).substr(1))),
      "ValidationException");
  EXPECT_EQ(count(), "0");
}

// The same: an item whose key is of another type is that action's own fault (ValidationError); a
// key with more or less in it is the whole request's.
TEST_F(Transactions, KeysMatchTheSchema) {
  const auto answer =
      transact(actions(put_action(item_json(1, 1)) + "," + put_action(R"({"id":{"S":"1"}})")));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "TransactionCanceledException");
  EXPECT_EQ(answer.error().kind, FailureKind::invalid);
  EXPECT_EQ(code(0), quoted("None"));
  EXPECT_EQ(code(1), quoted("ValidationError"));
  EXPECT_EQ(refusal("TransactWriteItems", actions(delete_action(item_json(1, 1)))),
            "ValidationException");
  EXPECT_EQ(refusal("TransactWriteItems", actions(put_action(R"({"v":{"N":"1"}})"))),
            "ValidationException");
  EXPECT_EQ(count(), "0");
}

// Developer guide, "Read/write capacity for transactions": two units for each write of up to 1 KB.
TEST_F(Transactions, CostTwiceTheUnits) {
  const auto units =
      wire::decode_transact_write(dynamodb("TransactWriteItems", writes(fence(3), 5, 1)));
  ASSERT_TRUE(units.ok()) << to_text(units.error());
  EXPECT_EQ(*units, 2 * (5 + 1));
}

}  // namespace
}  // namespace dynamodb_replicator::contract

#include "app/tables.h"

#include <gtest/gtest.h>

#include "app/test_bench.h"

namespace dynamodb_replicator::app {
namespace {

const item::KeySchema kNumberId{{"id", item::KeyType::number}, std::nullopt};

item::KeyRef key(const std::string& n) {
  return *item::parse_key(R"({"id":{"N":")" + n + R"("}})", kNumberId);
}

struct TablesTest : testing::Test {
  Bench bench{aws::Service::dynamodb};
  BatchTable table{bench.client, "t", kNumberId};
  std::vector<item::KeyRef> keys{key("1"), key("2.0"), key("3")};
  std::vector<flow::Write> writes{{key("1"), R"({"id":{"N":"1"}})"}, {key("2"), ""}};

  Result<flow::ReadAnswer> read(std::string body) {
    bench.answer(std::move(body));
    return bench.run(table.read(keys, bench.later()));
  }
  Result<flow::WriteAnswer> write(std::string body) {
    bench.answer(std::move(body));
    return bench.run(table.write(writes, bench.later()));
  }
};

using State = flow::ReadAnswer::State;

TEST_F(TablesTest, EachKeyHasItsAnswerInTheAskedOrder) {
  const auto answer = read(
      R"({"Responses":{"t":[{"x":{"S":"two"},"id":{"N":"2"}}]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"N":"1"}}]}},)"
      R"("ConsumedCapacity":[{"TableName":"t","CapacityUnits":2},{"TableName":"t","CapacityUnits":0.5}]})");
  ASSERT_TRUE(answer.ok()) << to_text(answer.error());
  ASSERT_EQ(answer->entries.size(), 3u);
  EXPECT_EQ(answer->entries[0].state, State::unprocessed);
  EXPECT_EQ(answer->entries[1].state, State::found);
  EXPECT_EQ(answer->entries[1].item, R"({"x":{"S":"two"},"id":{"N":"2"}})");
  EXPECT_EQ(answer->entries[2].state, State::absent);
  EXPECT_DOUBLE_EQ(answer->units, 2.5);
  EXPECT_NE(bench.body(0).find(R"("ConsistentRead":true)"), std::string::npos);
}

TEST_F(TablesTest, AbsenceIsNeverGuessed) {
  for (
      const char* body :
      {R"({"Responses":{"t":[{"id":{"N":"9"}}]}})",                     // nobody asked for it
       R"({"Responses":{"t":[{"id":{"N":"1"}},{"id":{"N":"1.0"}}]}})",  // twice
       R"({"Responses":{"t":[{"id":{"N":"1"}}]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"N":"1"}}]}}})",
       R"({"Responses":{"t":[]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"N":"9"}}]}}})",
       R"({"Responses":{"u":[]}})", R"({"UnprocessedKeys":{}})",
       R"({"Responses":{"t":[{"id":{"S":"1"}}]}})", "{"}) {
    const auto answer = read(body);
    ASSERT_FALSE(answer.ok()) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::unusable_answer) << body;
    EXPECT_EQ(answer.error().operation, "BatchGetItem on here/t");
    EXPECT_FALSE(answer.error().maybe_applied);
  }
}

TEST_F(TablesTest, UnprocessedWritesAreNotDone) {
  const auto answer = write(
      R"({"UnprocessedItems":{"t":[{"DeleteRequest":{"Key":{"id":{"N":"2.00"}}}}]},"ConsumedCapacity":[{"CapacityUnits":1}]})");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->done, (std::vector<bool>{true, false}));
  EXPECT_DOUBLE_EQ(answer->units, 1);
  EXPECT_EQ(write("{}")->done, (std::vector<bool>{true, true}));
}

TEST_F(TablesTest, AWriteWithAnAnswerThatMakesNoSenseMayHaveHappened) {
  for (const char* body :
       {R"({"UnprocessedItems":{"t":[{"DeleteRequest":{"Key":{"id":{"N":"9"}}}}]}})", "<html>",
        ""}) {
    const auto answer = write(body);
    ASSERT_FALSE(answer.ok()) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::unusable_answer);
    EXPECT_TRUE(answer.error().maybe_applied);
    EXPECT_EQ(answer.error().operation, "BatchWriteItem on here/t");
  }
}

TEST_F(TablesTest, ATransactionIsAllOrNothing) {
  FencedTable fenced(bench.world.dice, bench.client, "t", "leases");
  const core::Fence fence{"s", "shard", 0, 1, 0, "me"};
  const auto write_fenced = [&] { return bench.run(fenced.write(fence, writes, bench.later())); };
  bench.answer(R"({"ConsumedCapacity":[{"CapacityUnits":4},{"CapacityUnits":2}]})");
  const auto done = write_fenced();
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->done, (std::vector<bool>{true, true}));
  EXPECT_DOUBLE_EQ(done->units, 6);
  EXPECT_EQ(bench.asked().back(), "TransactWriteItems");
  bench.answer("<html>");
  EXPECT_TRUE(write_fenced().error().maybe_applied);
}

TEST_F(TablesTest, AScanGoesOnWhereThePageBeforeEnded) {
  bench.answer(
      R"({"Items":[{"id":{"N":"1"}}],"LastEvaluatedKey":{"id":{"N":"1"}},"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5}})");
  const auto first =
      bench.run(table.scan({.after = "", .segment = 1, .segments = 2}, bench.later()));
  ASSERT_TRUE(first.ok()) << to_text(first.error());
  EXPECT_EQ(first->items.size(), 1u);
  EXPECT_DOUBLE_EQ(first->units, 0.5);
  bench.answer(R"({"Items":[]})");
  const auto last =
      bench.run(table.scan({.after = *first->next, .segment = 1, .segments = 2}, bench.later()));
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->next, std::nullopt);
  EXPECT_NE(bench.body(1).find(R"("ExclusiveStartKey":{"id":{"N":"1"}})"), std::string::npos);
  bench.answer("{}");
  const auto broken = bench.run(table.scan({}, bench.later()));
  EXPECT_EQ(broken.error().operation, "Scan on here/t");
}

TEST_F(TablesTest, WhereUnitsAreNotReportedTheyAreCountedBySize) {
  const std::string wide = R"({"id":{"N":"2"},"x":{"S":")" + std::string(4090, 'x') + R"("}})";
  EXPECT_DOUBLE_EQ(read(R"({"Responses":{"t":[)" + wide +
                        R"(]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"N":"1"}}]}}})")
                       ->units,
                   3)
      << "two for 4.1 KB, one for what is absent, none for what was not processed";
  const std::string unprocessed =
      R"({"UnprocessedItems":{"t":[{"DeleteRequest":{"Key":{"id":{"N":"2"}}}}]}})";
  EXPECT_DOUBLE_EQ(write(unprocessed)->units, 1);
  EXPECT_DOUBLE_EQ(write("{}")->units, 2);

  const std::string page = R"({"Items":[)" + wide + "]}";
  bench.answer(page);
  EXPECT_DOUBLE_EQ(bench.run(table.scan({}, bench.later()))->units, 1);
  bench.answer(page);
  EXPECT_DOUBLE_EQ(bench.run(table.scan({.after = "", .consistent = true}, bench.later()))->units,
                   2);
  bench.answer(R"({"Items":[]})");
  EXPECT_DOUBLE_EQ(bench.run(table.scan({}, bench.later()))->units, 0.5);

  GuardedTable guarded(bench.client, "t");
  bench.answer("{}");
  EXPECT_DOUBLE_EQ(*bench.run(guarded.write_if({key("2"), wide}, {}, bench.later())), 5);
  FencedTable fenced(bench.world.dice, bench.client, "t", "leases");
  bench.answer("{}");
  EXPECT_DOUBLE_EQ(
      bench.run(fenced.write({"s", "shard", 0, 1, 0, "me"}, writes, bench.later()))->units, 6);
}

}  // namespace
}  // namespace dynamodb_replicator::app

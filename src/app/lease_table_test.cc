#include "app/lease_table.h"

#include <gtest/gtest.h>

#include "app/test_bench.h"
#include "wire/lease_rows.h"

namespace dynamodb_replicator::app {
namespace {

using Names = std::vector<std::string>;

std::string described(const std::string& hash, const std::string& range,
                      const std::string& status) {
  const auto definition = [](const std::string& name) {
    return R"({"AttributeName":")" + name + R"(","AttributeType":"S"})";
  };
  const auto element = [](const std::string& name, const std::string& role) {
    return R"({"AttributeName":")" + name + R"(","KeyType":")" + role + R"("})";
  };
  std::string attributes = definition(hash);
  std::string keys = element(hash, "HASH");
  if (!range.empty()) {
    attributes += "," + definition(range);
    keys += "," + element(range, "RANGE");
  }
  return R"({"Table":{"TableName":"t","TableStatus":")" + status + R"(","AttributeDefinitions":[)" +
         attributes + R"(],"KeySchema":[)" + keys + "]}}";
}
std::string ours(const std::string& status = "ACTIVE") {
  return described("stream", "row", status);
}

struct LeaseTableTest : testing::Test {
  Bench bench{aws::Service::dynamodb};
  LeaseTable table{bench.world.doors, bench.client, "t"};
  core::MetaRow meta{"p", "r", "fast", 1, "n"};

  Result<core::MetaRow> open() {
    return bench.run(table.open(meta, {}, bench.world.clock.at + 60s));
  }
  // The sentence that it was refused with; checks that nothing was written.
  std::string refusal() {
    const auto opened = open();
    if (opened) return "opened";
    EXPECT_EQ(opened.error().kind, FailureKind::configuration);
    EXPECT_FALSE(opened.error().hint.empty());
    return opened.error().message;
  }
  void stored(const core::MetaRow& row) {
    bench.answer(ours());
    bench.answer(R"({"Items":[)" + wire::meta_row_to_item(row) + "]}");
    bench.fail("ConditionalCheckFailedException");
    bench.answer(R"({"Item":)" + wire::meta_row_to_item(row) + "}");
  }
};

TEST_F(LeaseTableTest, OpensAnEmptyTableAndMarksIt) {
  bench.answer(ours());
  bench.answer(R"({"Items":[]})");
  bench.answer("{}");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(bench.asked(), (Names{"DescribeTable", "Scan", "PutItem"}));
  EXPECT_EQ(bench.body(2), wire::create_meta_row_request("t", meta));
}

TEST_F(LeaseTableTest, CreatesAMissingTableAndWaitsForIt) {
  bench.fail("ResourceNotFoundException");
  bench.answer("{}");
  bench.fail("ResourceNotFoundException");  // not visible yet
  bench.answer(ours("CREATING"));
  bench.answer(ours());
  bench.answer(R"({"Items":[]})");
  bench.answer("{}");
  const auto opened = open();
  ASSERT_TRUE(opened.ok()) << to_text(opened.error());
  EXPECT_EQ(bench.asked(), (Names{"DescribeTable", "CreateTable", "DescribeTable", "DescribeTable",
                                  "DescribeTable", "Scan", "PutItem"}));
}

TEST_F(LeaseTableTest, AnotherWorkerMayCreateItFirst) {
  bench.fail("ResourceNotFoundException");
  bench.fail("ResourceInUseException");
  bench.answer(ours());
  bench.answer(R"({"Items":[]})");
  bench.answer("{}");
  EXPECT_TRUE(open().ok());
}

TEST_F(LeaseTableTest, DoesNotWaitForever) {
  for (int i = 0; i < 200; ++i) bench.answer(ours("DELETING"));
  EXPECT_EQ(refusal(), "the lease table here/t is DELETING and does not become active");
}

TEST_F(LeaseTableTest, OpensItsOwnAgain) {
  stored(meta);
  EXPECT_TRUE(open().ok());
}

TEST_F(LeaseTableTest, RefusesWhatBelongsToOthers) {
  stored({"p", "other", "fast", 1, "n"});
  EXPECT_EQ(refusal(), "the lease table here/t belongs to another replica: p to other");
  stored({"p", "r", "fenced", 1, "n"});
  EXPECT_EQ(refusal(), "the workers of the lease table here/t run in fenced mode");
  stored({"p", "r", "fast", 2, "n"});
  EXPECT_EQ(refusal(), "the lease table here/t was written by a newer version");
}

TEST_F(LeaseTableTest, FencedModeAsksForTransactionsBeforeItWritesAnything) {
  meta.mode = "fenced";
  meta.stripes = 4;
  bench.answer(ours());
  bench.answer(R"({"Items":[]})");
  bench.fail("UnknownOperationException");
  EXPECT_EQ(refusal(), "the engine of here/t does not know transactions, which fenced mode needs");
  for (const auto& name : bench.asked()) EXPECT_NE(name, "PutItem");
}

TEST_F(LeaseTableTest, TheNumberOfStripesIsTheOneThatIsStored) {
  meta.mode = "fenced";
  meta.stripes = 4;
  core::MetaRow before = meta;
  before.stripes = 2;
  bench.answer(ours());
  bench.answer(R"({"Items":[)" + wire::meta_row_to_item(before) + "]}");
  bench.answer("{}");
  bench.fail("ConditionalCheckFailedException");
  bench.answer(R"({"Item":)" + wire::meta_row_to_item(before) + "}");
  const auto opened = open();
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->stripes, 2U);
}

TEST_F(LeaseTableTest, RefusesForeignTablesBeforeWritingAnything) {
  bench.answer(described("leaseKey", "", "ACTIVE"));
  EXPECT_EQ(refusal(), "the table here/t is a lease table of the Kinesis Client Library");
  bench.answer(described("type", "id", "ACTIVE"));
  EXPECT_EQ(refusal(), "the table here/t is a lease table of the Node kinesis-client-library");
  bench.answer(described("id", "", "ACTIVE"));
  EXPECT_EQ(refusal(), "the table here/t is no lease table: its key is id (S)");
  bench.answer(ours());
  bench.answer(R"({"Items":[{"stream":{"S":"x"},"row":{"S":"1"}}]})");
  EXPECT_EQ(refusal(), "the table here/t holds items that are no leases");
  for (const auto& name : bench.asked()) EXPECT_NE(name, "PutItem");
}

TEST_F(LeaseTableTest, AMetaRowThatCannotBeReadIsSaidAtOnce) {
  bench.answer(ours());
  bench.answer(R"({"Items":[]})");
  bench.fail("ConditionalCheckFailedException");
  bench.answer(R"({"Item":{"stream":{"S":"dynamodb-replicator"},"row":{"S":"meta"}}})");
  EXPECT_EQ(refusal(), "the meta row of the lease table here/t cannot be read");
}

TEST_F(LeaseTableTest, RowsOfAllPages) {
  core::ShardRow row;
  row.stream = "s";
  row.nonce = "n";
  row.shard = "1";
  bench.answer(R"({"Items":[)" + wire::shard_row_to_item(row) +
               R"(],"LastEvaluatedKey":{"row":{"S":"x"}}})");
  bench.answer(R"({"Items":[],"LastEvaluatedKey":{"row":{"S":"y"}}})");
  row.shard = "2";
  bench.answer(R"({"Items":[)" + wire::shard_row_to_item(row) + "]}");
  const auto rows = bench.run(table.list("s", bench.later()));
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[1].shard, "2");
  EXPECT_NE(bench.body(2).find(R"("ExclusiveStartKey":{"row":{"S":"y"}})"), std::string::npos);
  bench.answer(R"({"Items":[{"stream":{"S":"s"},"row":{"S":"shard#1"}}]})");
  const auto broken = bench.run(table.list("s", bench.later()));
  EXPECT_EQ(broken.error().operation, "Query on here/t");
}

TEST_F(LeaseTableTest, OneRow) {
  core::ShardRow row;
  row.stream = "s";
  row.shard = "1";
  row.nonce = "n2";
  bench.answer("{}");
  EXPECT_EQ(*bench.run(table.get("s", "1", bench.later())), std::nullopt);
  bench.answer(R"({"Item":)" + wire::shard_row_to_item(row) + "}");
  EXPECT_EQ((**bench.run(table.get("s", "1", bench.later()))).nonce, "n2");
  bench.answer("{}");
  EXPECT_TRUE(bench.run(table.create(row, bench.later())).ok());
  bench.fail("ConditionalCheckFailedException");
  EXPECT_EQ(bench.run(table.create(row, bench.later())).error().kind,
            FailureKind::condition_failed);
  bench.fail("ConditionalCheckFailedException");
  const auto lost = bench.run(table.replace(row, "n1", bench.later()));
  EXPECT_EQ(lost.error().kind, FailureKind::condition_failed);
  EXPECT_EQ(bench.world.http.requests.back().body, wire::replace_shard_row_request("t", row, "n1"));
}

}  // namespace
}  // namespace dynamodb_replicator::app

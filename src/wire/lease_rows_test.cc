#include "wire/lease_rows.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"

namespace dynamodb_replicator::wire {
namespace {

core::ShardRow sample() {
  core::ShardRow row;
  row.stream = "arn:s";
  row.shard = "shardId-1";
  row.counter = 7;
  row.nonce = "n2";
  return row;
}

void expect_equal(const core::ShardRow& a, const core::ShardRow& b) {
  RC_ASSERT(a.stream == b.stream);
  RC_ASSERT(a.shard == b.shard);
  RC_ASSERT(a.owner == b.owner);
  RC_ASSERT(a.lease == b.lease);
  RC_ASSERT(a.counter == b.counter);
  RC_ASSERT(a.nonce == b.nonce);
  RC_ASSERT(a.start == b.start);
  RC_ASSERT(a.checkpoint == b.checkpoint);
  RC_ASSERT(a.finished == b.finished);
  RC_ASSERT(a.parents == b.parents);
  RC_ASSERT(a.children == b.children);
  RC_ASSERT(a.read_through == b.read_through);
  RC_ASSERT(a.clean == b.clean);
  RC_ASSERT(a.draining_to == b.draining_to);
}

std::string any_text() {
  return base::to_hex(*rc::gen::arbitrary<std::string>()) +
         *rc::gen::element<std::string>("", "\"", "\\", "\n", "é");
}
WallTime any_time() {
  return WallTime{
      std::chrono::microseconds{*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000)}};
}

core::ShardRow any_row() {
  core::ShardRow row;
  row.stream = any_text();
  row.shard = any_text();
  row.owner = any_text();
  row.lease = std::chrono::microseconds(*rc::gen::inRange(0, 300'000'000));
  row.counter = *rc::gen::arbitrary<std::uint64_t>();
  row.nonce = any_text();
  if (*rc::gen::arbitrary<bool>()) row.start = {core::StartAt::Kind::at_time, any_time()};
  row.checkpoint = any_text();
  row.finished = *rc::gen::arbitrary<bool>();
  const int parents = *rc::gen::inRange(0, 3);
  for (int i = 0; i < parents; ++i) row.parents.push_back(any_text());
  const int children = *rc::gen::inRange(0, 3);
  for (int i = 0; i < children; ++i) row.children.push_back(any_text());
  if (*rc::gen::arbitrary<bool>()) row.read_through = any_time();
  row.clean = *rc::gen::arbitrary<bool>();
  row.draining_to = any_text();
  return row;
}

TEST(ShardRow, ComesBackAsItWas) {
  EXPECT_TRUE(rc::check([] {
    const core::ShardRow row = any_row();
    const auto again = shard_row_from_item(shard_row_to_item(row));
    RC_ASSERT(again.ok());
    expect_equal(row, *again);
  }));
}

TEST(ShardRow, UnknownAttributesAreIgnoredAndMostMayBeMissing) {
  const auto row = shard_row_from_item(
      R"({"later":{"M":{"x":{"L":[]}}},"row":{"S":"shard#shardId-1"},"nonce":{"S":"n"},"stream":{"S":"s"}})");
  ASSERT_TRUE(row.ok()) << row.error().message;
  EXPECT_EQ(row->shard, "shardId-1");
  EXPECT_FALSE(row->clean);
  EXPECT_EQ(row->start, core::StartAt{});
}

TEST(ShardRow, RefusesOthers) {
  const auto reason = [](const char* item) {
    const auto row = shard_row_from_item(item);
    return row.ok() ? "accepted" : row.error().message;
  };
  const std::string none = "the lease table holds a row that is no shard row";
  EXPECT_EQ(reason("{}"), none);
  EXPECT_EQ(reason("x"), none);
  EXPECT_EQ(reason(R"({"row":{"S":"shard#1"},"nonce":{"S":"n"}})"), none);
  EXPECT_EQ(reason(R"({"row":{"S":"meta"}})"),
            R"(the lease table holds a shard row whose "row" cannot be read)");
  EXPECT_EQ(reason(R"({"counter":{"N":"-1"}})"),
            R"(the lease table holds a shard row whose "counter" cannot be read)");
  EXPECT_EQ(reason(R"({"counter":{"N":"1x"}})"),
            R"(the lease table holds a shard row whose "counter" cannot be read)");
  EXPECT_EQ(reason(R"({"start":{"S":"latest"}})"),
            R"(the lease table holds a shard row whose "start" cannot be read)");
  EXPECT_EQ(reason(R"({"owner":{"N":"1"}})"),
            R"(the lease table holds a shard row whose "owner" cannot be read)");
}

TEST(ShardRow, ReplaceNamesEveryAttributeOfOurs) {
  core::ShardRow row = sample();
  row.parents = {"shardId-0"};
  row.checkpoint = "495";
  EXPECT_EQ(
      replace_shard_row_request("leases", row, "n1"),
      R"({"TableName":"leases","Key":{"stream":{"S":"arn:s"},"row":{"S":"shard#shardId-1"}},)"
      R"("UpdateExpression":"SET #counter = :counter, #nonce = :nonce, #start = :start, #checkpoint = :checkpoint, )"
      R"(#finished = :finished, #parents = :parents, #children = :children, #clean = :clean )"
      R"(REMOVE #owner, #lease, #start_time, #read_through, #draining_to",)"
      R"("ConditionExpression":"#nonce = :expected",)"
      R"("ExpressionAttributeNames":{"#owner":"owner","#lease":"lease","#counter":"counter","#nonce":"nonce","#start":"start",)"
      R"("#start_time":"start_time","#checkpoint":"checkpoint","#finished":"finished","#parents":"parents",)"
      R"("#children":"children","#read_through":"read_through","#clean":"clean","#draining_to":"draining_to"},)"
      R"("ExpressionAttributeValues":{":expected":{"S":"n1"},":counter":{"N":"7"},":nonce":{"S":"n2"},)"
      R"(":start":{"S":"trim_horizon"},":checkpoint":{"S":"495"},":finished":{"BOOL":false},)"
      R"(":parents":{"L":[{"S":"shardId-0"}]},":children":{"L":[]},":clean":{"BOOL":true}}})");
}

TEST(ShardRow, ReplaceOfAFullRowRemovesNothing) {
  core::ShardRow row = sample();
  row.owner = row.checkpoint = row.draining_to = "x";
  row.lease = 10s;
  row.start.kind = core::StartAt::Kind::at_time;
  row.read_through = WallTime{5s};
  const std::string request = replace_shard_row_request("leases", row, "n1");
  EXPECT_EQ(request.find("REMOVE"), std::string::npos);
  EXPECT_NE(request.find(R"(":read_through":{"N":"5000000"})"), std::string::npos);
}

TEST(ShardRow, OtherRequests) {
  const std::string create =
      R"({"TableName":"leases","Item":{"stream":{"S":"arn:s"},"row":{"S":"shard#shardId-1"},"counter":{"N":"7"},)"
      R"("nonce":{"S":"n2"},"start":{"S":"trim_horizon"},"finished":{"BOOL":false},"parents":{"L":[]},"children":{"L":[]},)"
      R"j("clean":{"BOOL":true}},"ConditionExpression":"attribute_not_exists(#row)",)j"
      R"("ExpressionAttributeNames":{"#row":"row"}})";
  EXPECT_EQ(create_shard_row_request("leases", sample()), create);
  EXPECT_EQ(
      get_shard_row_request("leases", "arn:s", "shardId-1"),
      R"({"TableName":"leases","ConsistentRead":true,"Key":{"stream":{"S":"arn:s"},"row":{"S":"shard#shardId-1"}}})");
  const std::string query =
      R"j({"TableName":"leases","ConsistentRead":true,"KeyConditionExpression":"#stream = :stream AND begins_with(#row, :prefix)",)j"
      R"("ExpressionAttributeNames":{"#stream":"stream","#row":"row"},)"
      R"("ExpressionAttributeValues":{":stream":{"S":"arn:s"},":prefix":{"S":"shard#"}})";
  EXPECT_EQ(query_shard_rows_request("leases", "arn:s", ""), query + "}");
  EXPECT_EQ(query_shard_rows_request("leases", "arn:s", R"({"k":1})"),
            query + R"(,"ExclusiveStartKey":{"k":1}})");
  EXPECT_EQ(scan_rows_request("leases", ""), R"({"TableName":"leases","ConsistentRead":true})");
}

TEST(MetaRow, ComesBackAndIsFoundWithoutKnowingTheStream) {
  core::MetaRow row{"p", "r", "fast", 1, "n"};
  const auto again = meta_row_from_item(meta_row_to_item(row));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->primary, "p");
  EXPECT_EQ(again->replica, "r");
  EXPECT_EQ(again->mode, "fast");
  EXPECT_EQ(again->format, 1);
  EXPECT_EQ(again->nonce, "n");
  EXPECT_EQ(
      get_meta_row_request("leases"),
      R"({"TableName":"leases","ConsistentRead":true,"Key":{"stream":{"S":"dynamodb-replicator"},"row":{"S":"meta"}}})");
  EXPECT_NE(create_meta_row_request("leases", row).find("attribute_not_exists(#row)"),
            std::string::npos);
  EXPECT_FALSE(meta_row_from_item("{}").ok());
  EXPECT_FALSE(meta_row_from_item(shard_row_to_item(sample())).ok());
  EXPECT_FALSE(is_shard_row(meta_row_to_item(row)));
  EXPECT_TRUE(is_shard_row(shard_row_to_item(sample())));
}

TEST(LeaseTable, IsRecognised) {
  using item::KeyAttribute;
  using item::KeySchema;
  using item::KeyType;
  const KeySchema ours{{"stream", KeyType::string}, KeyAttribute{"row", KeyType::string}};
  EXPECT_EQ(recognise_lease_table(ours, std::nullopt), LeaseTableKind::ours);
  EXPECT_EQ(recognise_lease_table(ours, shard_row_to_item(sample())), LeaseTableKind::ours);
  EXPECT_EQ(recognise_lease_table(ours, meta_row_to_item({})), LeaseTableKind::ours);
  EXPECT_EQ(recognise_lease_table(ours, R"({"stream":{"S":"x"},"row":{"S":"7"}})"),
            LeaseTableKind::unknown);
  EXPECT_EQ(recognise_lease_table({{"leaseKey", KeyType::string}, {}}, std::nullopt),
            LeaseTableKind::kcl);
  EXPECT_EQ(recognise_lease_table({{"type", KeyType::string}, KeyAttribute{"id", KeyType::string}},
                                  std::nullopt),
            LeaseTableKind::node_library);
  EXPECT_EQ(recognise_lease_table({{"id", KeyType::string}, {}}, std::nullopt),
            LeaseTableKind::unknown);
  EXPECT_EQ(recognise_lease_table(
                {{"stream", KeyType::string}, KeyAttribute{"row", KeyType::number}}, std::nullopt),
            LeaseTableKind::unknown);
}

}  // namespace
}  // namespace dynamodb_replicator::wire

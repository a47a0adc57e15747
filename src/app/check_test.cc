#include "app/check.h"

#include <gtest/gtest.h>

#include "app/state.h"
#include "app/test_bench.h"

namespace dynamodb_replicator::app {
namespace {

wire::TableDescription described(std::int64_t items, std::int64_t bytes, wire::Capacity capacity) {
  wire::TableDescription table;
  table.item_count = items;
  table.size_bytes = bytes;
  table.capacity = capacity;
  return table;
}

TEST(Estimate, CountsUnitsAsTheServiceDoes) {
  const auto primary = described(1'000'000, 200'000'000, {});
  const Estimate cost = estimate(primary, primary);
  EXPECT_DOUBLE_EQ(cost.diff_read_units, 48'829);  // 2 x 200 MB in half units of 4 KB
  EXPECT_DOUBLE_EQ(cost.copy_read_units, 48'829);
  EXPECT_DOUBLE_EQ(cost.copy_write_units, 1'000'000);
  EXPECT_DOUBLE_EQ(cost.copy_seconds, 250);  // 4,000 writes a second
}

TEST(Estimate, LargeItemsCostMoreWritesAndProvisionedTablesTakeTheirTime) {
  const auto primary = described(1000, 2'500'000, {10, 10});
  const auto replica = described(0, 0, {0, 5});
  const Estimate cost = estimate(primary, replica);
  EXPECT_DOUBLE_EQ(cost.copy_write_units, 3000);
  EXPECT_DOUBLE_EQ(cost.copy_seconds, 600);
  EXPECT_DOUBLE_EQ(estimate(described(0, 0, {}), replica).copy_write_units, 0);
}

TEST(State, LivesWhereItWasAskedForOrWhereTheSystemKeepsState) {
  aws::FakeWorld world;
  EXPECT_EQ(*state_directory(world.doors, "/x/y"), "/x/y");
  EXPECT_EQ(*state_directory(world.doors, ""), "/home/u/.local/state/dynamodb-replicator");
  world.environment.variables["XDG_STATE_HOME"] = "relative";
  EXPECT_EQ(*state_directory(world.doors, ""), "/home/u/.local/state/dynamodb-replicator");
  world.environment.variables["XDG_STATE_HOME"] = "/state";
  EXPECT_EQ(*state_directory(world.doors, ""), "/state/dynamodb-replicator");
}

TEST(State, APairsJournalIsItsOwn) {
  Pair pair;
  pair.primary.where = "a/t";
  pair.replica.where = "b/t";
  pair.primary.identity = pair.replica.identity = "arn";
  const std::string path = journal_path("/s", pair);
  EXPECT_EQ(path.size(), std::string("/s/.journal").size() + 32);
  EXPECT_EQ(journal_path("/s", pair), path);
  std::swap(pair.primary.where, pair.replica.where);
  EXPECT_NE(journal_path("/s", pair), path);
  std::swap(pair.primary.where, pair.replica.where);
  pair.replica.identity = "arn2";
  EXPECT_NE(journal_path("/s", pair), path);
}

}  // namespace
}  // namespace dynamodb_replicator::app

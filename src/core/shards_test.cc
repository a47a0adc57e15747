#include "core/shards.h"

#include <gtest/gtest.h>

#include <map>

namespace dynamodb_replicator::core {
namespace {

WallTime at(int seconds) { return WallTime(std::chrono::seconds(seconds)); }
StartAt from(int seconds) { return {StartAt::Kind::at_time, at(seconds)}; }

ShardRow stored_row(const std::string& shard, StartAt start = {},
                    std::vector<std::string> parents = {}) {
  ShardRow made;
  made.stream = "stream";
  made.shard = shard;
  made.start = start;
  made.parents = std::move(parents);
  return made;
}

ShardRow finished(const std::string& shard) {
  ShardRow made = stored_row(shard);
  made.finished = true;
  return made;
}

ShardRow read_to(const std::string& shard, int seconds) {
  ShardRow made = stored_row(shard);
  made.read_through = at(seconds);
  return made;
}

std::map<std::string, StartAt> starts(const std::vector<ShardRow>& rows) {
  std::map<std::string, StartAt> found;
  for (const ShardRow& one : rows) found[one.shard] = one.start;
  return found;
}

TEST(SequenceLess, ComparesDecimalsOfAnyLength) {
  EXPECT_TRUE(sequence_less("9", "10"));
  EXPECT_TRUE(sequence_less("49600000000000000000000000000000000000000000000000000001",
                            "49600000000000000000000000000000000000000000000000000002"));
  EXPECT_FALSE(sequence_less("10", "9"));
  EXPECT_FALSE(sequence_less("10", "10"));
  EXPECT_TRUE(sequence_less("", "0"));
}

ShardRow finished_at(const std::string& shard, int seconds, std::vector<std::string> parents = {}) {
  ShardRow made = stored_row(shard, {}, std::move(parents));
  made.finished = true;
  made.read_through = at(seconds);
  return made;
}

TEST(InheritedReadThrough, IsWhereTheParentsEnded) {
  const ShardRow child = stored_row("child", {}, {"a", "b"});
  EXPECT_EQ(inherited_read_through(child, {finished_at("a", 50), finished_at("b", 40), child}),
            at(40));
  EXPECT_EQ(inherited_read_through(stored_row("first"), {finished_at("a", 50)}), std::nullopt);
}

TEST(InheritedReadThrough, IsWhereTheLineageBrokeOffIfTheParentsWereNeverSeen) {
  const ShardRow orphan = stored_row("orphan", {}, {"unseen"});
  const std::vector<ShardRow> rows{finished_at("old", 10), finished_at("last", 30, {"old"}),
                                   read_to("sibling", 90), orphan};
  EXPECT_EQ(inherited_read_through(orphan, rows), at(30));
  EXPECT_EQ(inherited_read_through(orphan, {orphan, read_to("sibling", 90)}), std::nullopt)
      << "a new replica, whose stream is older than its retention";
}

TEST(MissingRows, OneForEachListedShardWithoutARow) {
  const std::vector<ShardRow> missing =
      missing_rows("stream", {{"a", {}, true}, {"b", {"a"}, false}}, {stored_row("a")}, from(5));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].stream, "stream");
  EXPECT_EQ(missing[0].shard, "b");
  EXPECT_EQ(missing[0].parents, std::vector<std::string>{"a"});
  EXPECT_TRUE(missing[0].owner.empty());
  EXPECT_TRUE(missing[0].clean);
  EXPECT_FALSE(missing[0].finished);
  EXPECT_EQ(missing_rows("stream", {{"a", {}, true}}, {stored_row("a")}, from(5)).size(), 0U);
}

TEST(MissingRows, AFreshStreamBeginsWhereAsked) {
  const auto found =
      starts(missing_rows("stream", {{"a", {}, true}, {"b", {"a"}, false}}, {}, from(5)));
  EXPECT_EQ(found.at("a"), from(5));
  EXPECT_EQ(found.at("b"), from(5));
}

TEST(MissingRows, AChildBeginsWhereItsParentDid) {
  const auto found =
      starts(missing_rows("stream", {{"b", {"a"}, false}}, {stored_row("a", from(3))}, from(99)));
  EXPECT_EQ(found.at("b"), from(3))
      << "everything in it is newer; `latest` of today would lose records";
}

TEST(MissingRows, SoDoesAGrandchildWhoseParentIsNewToo) {
  const auto found =
      starts(missing_rows("stream", {{"c", {"b"}, false}, {"b", {"a"}, true}, {"a", {}, true}},
                          {stored_row("a", from(3))}, from(99)));
  EXPECT_EQ(found.at("b"), from(3));
  EXPECT_EQ(found.at("c"), from(3));
}

TEST(MissingRows, AMergeBeginsWithItsEarliestParent) {
  const std::vector<ListedShard> listed{{"c", {"a", "b"}, false}};
  EXPECT_EQ(starts(missing_rows("stream", listed,
                                {stored_row("a", from(3)), stored_row("b", from(7))}, from(99)))
                .at("c"),
            from(3));
  EXPECT_EQ(starts(missing_rows("stream", listed,
                                {stored_row("a", from(7)), stored_row("b", from(3))}, from(99)))
                .at("c"),
            from(3));
  EXPECT_EQ(
      starts(missing_rows("stream", listed, {stored_row("a", from(7)), stored_row("b")}, from(99)))
          .at("c"),
      StartAt{});
}

TEST(MissingRows, AStreamThatIsFollowedAlreadyHasNoNewBeginning) {
  const auto found =
      starts(missing_rows("stream", {{"z", {"unknown"}, false}},
                          {stored_row("a", from(7)), stored_row("b", from(3))}, from(99)));
  EXPECT_EQ(found.at("z"), from(3)) << "its lineage is gone, but what it holds came after we began";
}

TEST(Vanished, UnfinishedRowsThatAreNotListed) {
  const std::vector<ShardRow> gone =
      vanished({{"a", {}, false}}, {stored_row("a"), stored_row("b"), finished("c")});
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].shard, "b");
}

TEST(OlderStreams, WhatIsUnfinishedAndWhatSeemsToBeRead) {
  const auto of = [](const std::string& stream, bool read) {
    ShardRow made = read ? finished("a") : stored_row("a");
    made.stream = stream;
    return made;
  };
  const std::vector<ShardRow> rows{of("s1", true), of("s1", true), of("s2", true), of("s2", false)};
  const OlderStreams older = older_streams(rows, "s3");
  EXPECT_EQ(older.unfinished, std::vector<std::string>{"s2"});
  EXPECT_EQ(older.seemingly_read, std::vector<std::string>{"s1"})
      << "a child of its last shard may have been seen by nobody";
  EXPECT_TRUE(older.changed_over);
  EXPECT_FALSE(older_streams(rows, "s2").changed_over);
  EXPECT_TRUE(older_streams(rows, "s2").unfinished.empty());
  EXPECT_FALSE(older_streams({}, "s3").changed_over);
}

TEST(ReadUntil, EveryRowIsReadThroughOrFinished) {
  const std::vector<ListedShard> listed{{"a", {}, true}, {"b", {"a"}, false}};
  EXPECT_TRUE(read_until(at(10), listed, {finished("a"), read_to("b", 10)}, false));
  EXPECT_FALSE(read_until(at(10), listed, {finished("a"), read_to("b", 9)}, false));
  EXPECT_FALSE(read_until(at(10), listed, {finished("a"), stored_row("b")}, false))
      << "nothing read yet";
  EXPECT_FALSE(
      read_until(at(10), listed, {finished("a"), read_to("b", 10), stored_row("old")}, false))
      << "a shard that is not listed any more counts too";
}

TEST(ReadUntil, NotWhileAShardHasNoRow) {
  EXPECT_FALSE(read_until(at(10), {{"a", {}, false}, {"b", {}, false}}, {read_to("a", 10)}, false));
}

TEST(ReadUntil, NotWhileAFinishedShardsChildrenMayBeUnlisted) {
  const std::vector<ListedShard> listed{{"a", {}, true}};
  EXPECT_FALSE(read_until(at(10), listed, {finished("a")}, false));
  EXPECT_TRUE(read_until(at(10), listed, {finished("a")}, true))
      << "a disabled stream gets no children";
  EXPECT_TRUE(read_until(at(10), {{"b", {}, false}}, {finished("a"), read_to("b", 10)}, false))
      << "a finished shard that is not listed any more has its children listed";
}

TEST(AllFinished, EveryListedShardAndEveryRow) {
  EXPECT_TRUE(all_finished({{"a", {}, true}}, {finished("a"), finished("old")}));
  EXPECT_FALSE(all_finished({{"a", {}, true}}, {finished("a"), stored_row("old")}));
  EXPECT_FALSE(all_finished({{"a", {}, true}, {"b", {}, true}}, {finished("a")}));
}

}  // namespace
}  // namespace dynamodb_replicator::core

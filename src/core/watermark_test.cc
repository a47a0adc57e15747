// The checkpoint never passes an unfinished record, and reaches every finished one.
#include "core/watermark.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <vector>

namespace dynamodb_replicator::core {
namespace {

WallTime second(int seconds) { return WallTime(std::chrono::seconds(seconds)); }

TEST(Watermark, StandsAtTheFirstUnfinishedRecord) {
  Watermark mark("100");
  EXPECT_EQ(mark.checkpoint(), "100");
  const auto a = mark.add("101", "raw-a", 1);
  const auto b = mark.add("102", "raw-b", 2);
  const auto c = mark.add("103", "raw-c", 1);
  EXPECT_EQ(mark.unfinished(), 3U);
  EXPECT_EQ(mark.raw(b), "raw-b");
  EXPECT_EQ(mark.sequence(c), "103");
  mark.finish(c);
  mark.finish(b);
  EXPECT_EQ(mark.checkpoint(), "100");
  mark.finish(a);
  EXPECT_EQ(mark.checkpoint(), "101") << "one entry of 102 is unfinished";
  mark.finish(b);
  EXPECT_EQ(mark.checkpoint(), "103");
  EXPECT_EQ(mark.unfinished(), 0U);
  EXPECT_EQ(mark.unfinished_bytes(), 0U);
}

TEST(Watermark, ARecordWithoutEntriesIsFinishedUnlessOneBeforeItIsNot) {
  Watermark mark("");
  mark.add("1", "", 0);
  EXPECT_EQ(mark.checkpoint(), "1");
  const auto slot = mark.add("2", "", 1);
  mark.add("3", "", 0);
  EXPECT_EQ(mark.checkpoint(), "1");
  mark.finish(slot);
  EXPECT_EQ(mark.checkpoint(), "3");
}

TEST(Watermark, ReadThroughWaitsForWhatWasReadBeforeIt) {
  Watermark mark("");
  EXPECT_FALSE(mark.read_through());
  mark.mark(second(10));
  EXPECT_EQ(mark.read_through(), second(10)) << "idle: nothing is unfinished";
  const auto slot = mark.add("1", "", 1);
  mark.mark(second(20));
  mark.mark(second(15));
  EXPECT_EQ(mark.read_through(), second(10));
  mark.finish(slot);
  EXPECT_EQ(mark.read_through(), second(20));
  mark.mark(second(5));
  EXPECT_EQ(mark.read_through(), second(20)) << "never goes back";
}

TEST(Watermark, CountsTheBytesThatItKeeps) {
  Watermark mark("");
  const auto slot = mark.add("12", "12345678", 1);
  mark.add("13", "1234", 0);
  EXPECT_EQ(mark.unfinished_bytes(), 16U);
  mark.finish(slot);
  EXPECT_EQ(mark.unfinished_bytes(), 0U);
}

TEST(WatermarkDeath, AFinishedRecordCannotBeFinishedAgain) {
  Watermark mark("");
  const auto slot = mark.add("1", "", 1);
  mark.finish(slot);
  EXPECT_DEATH(mark.finish(slot), "");
}

// Any order of finishing: the checkpoint is the longest finished beginning, as a plain model
// computes it.
TEST(Watermark, IsTheLongestFinishedBeginning) {
  EXPECT_TRUE(rc::check([] {
    const auto parts = *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0U, 4U));
    Watermark mark("start");
    std::vector<unsigned> left;
    std::vector<Watermark::Slot> open;  // one for each unfinished entry
    const auto expected = [&left] {
      std::string checkpoint = "start";
      for (std::size_t i = 0; i < left.size() && left[i] == 0; ++i) checkpoint = std::to_string(i);
      return checkpoint;
    };
    const auto finish_one = [&] {
      const auto pick = *rc::gen::inRange<std::size_t>(0, open.size());
      const Watermark::Slot slot = open[pick];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
      --left[slot];
      mark.finish(slot);
    };
    for (const unsigned count : parts) {
      const auto slot = mark.add(std::to_string(left.size()), "", count);
      RC_ASSERT(slot == left.size());
      left.push_back(count);
      open.insert(open.end(), count, slot);
      RC_ASSERT(mark.checkpoint() == expected());
      if (!open.empty() && *rc::gen::arbitrary<bool>()) finish_one();
      RC_ASSERT(mark.checkpoint() == expected());
    }
    while (!open.empty()) {
      finish_one();
      RC_ASSERT(mark.checkpoint() == expected());
    }
    RC_ASSERT(mark.unfinished() == 0U);
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::core

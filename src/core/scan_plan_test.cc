#include "core/scan_plan.h"

#include <gtest/gtest.h>

#include <set>

namespace dynamodb_replicator::core {
namespace {

TEST(SegmentsFor, GoesByBytesWithinLimits) {
  EXPECT_EQ(segments_for(20'000'000, 0, 1), 2);
  EXPECT_EQ(segments_for(100, 0, 1), 1) << "page ends would eat the units";
  EXPECT_EQ(segments_for(0, 0, 1), kSegmentsUnknown);
  EXPECT_EQ(segments_for(20'000'000, 6, 1), 6) << "asked for";
  EXPECT_EQ(segments_for(100, 0, 0.01), 100) << "a hundredth of one segment is no segment";
  EXPECT_EQ(segments_for(1LL << 50, 0, 1), kSegmentsMax);
}

TEST(ChooseSegments, AllOnceOrTheFraction) {
  const auto all = choose_segments(50, 1, 7);
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 50U);
  EXPECT_NE(all, choose_segments(50, 1, 8)) << "in an order that differs by the roll";
  EXPECT_EQ(choose_segments(50, 0.1, 7).size(), 5U);
  EXPECT_EQ(choose_segments(50, 0.0001, 7).size(), 1U);
}

TEST(ScanPace, KeepsTheProcessorBusyAndNoMore) {
  ScanPace far;
  for (int i = 0; i < 100; ++i) far.page(60ms, 10ms);
  EXPECT_EQ(far.wanted(), 4U);
  ScanPace near;
  for (int i = 0; i < 100; ++i) near.page(2ms, 10ms);
  EXPECT_EQ(near.wanted(), 2U);
  ScanPace very_far;
  for (int i = 0; i < 100; ++i) very_far.page(2s, 1ms);
  EXPECT_EQ(very_far.wanted(), kScanConcurrencyMax);
  for (int i = 0; i < 1000; ++i) near.page(2s, 10ms);
  EXPECT_EQ(near.wanted(), kScanConcurrencyMax) << "it became slower";
}

}  // namespace
}  // namespace dynamodb_replicator::core

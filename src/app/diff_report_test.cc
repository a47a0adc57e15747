#include "app/diff_report.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::app {
namespace {

TEST(ProgressLine, ARunThatGoesOnReckonsByTheTimeOfAllRuns) {
  flow::CompareProgress progress;
  progress.tally.scanned = {500, 500};
  const std::string scan = progress_line(progress, {}, {100, 0, 0}, 2000);
  EXPECT_NE(scan.find("10 items/s, 1:40 left"), std::string::npos) << scan;

  progress.phase = flow::CompareProgress::Phase::settle;
  progress.candidates = 1000;
  progress.outcomes.settled = 600;
  // 100 in 10 seconds, 400 are left; what the runs before have done was not done in this time.
  const std::string settle = progress_line(progress, {}, {100, 10, 500}, 2000);
  EXPECT_NE(settle.find("0:40 left"), std::string::npos) << settle;
}

TEST(ProgressLine, WhatIsRepairedIsShownAndNoTimeThatIsNotKnown) {
  flow::CompareProgress progress;
  progress.phase = flow::CompareProgress::Phase::settle;
  progress.tally.scanned = {4825, 0};
  progress.candidates = progress.outcomes.found[0] = 4825;
  DiffCounts counts;
  counts.wanted = 4825;
  counts.repaired = 480;
  counts.in_line = 2;
  const std::string line = progress_line(progress, counts, {100, 50, 0}, 4825);
  EXPECT_NE(line.find("482 of 4,825 repaired, repairing"), std::string::npos) << line;
  EXPECT_EQ(line.find("left"), std::string::npos) << line;
}

}  // namespace
}  // namespace dynamodb_replicator::app

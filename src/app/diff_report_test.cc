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

}  // namespace
}  // namespace dynamodb_replicator::app

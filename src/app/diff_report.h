// What diff-tables tells people: the line of progress, the summary, and both as JSON.
#pragma once

#include <array>
#include <string>

#include "flow/compare.h"

namespace dynamodb_replicator::app {

const char* name_of(flow::Finding finding);

// What belongs to a run and not to the walk.
struct DiffCounts {
  std::uint64_t repaired = 0;
  std::uint64_t not_repaired = 0;      // tried, and it failed or did not hold still
  std::uint64_t in_line = 0;           // was equal when its repair began
  std::uint64_t unsettled = 0;         // did not hold still while it was written
  std::uint64_t wanted = 0;            // keys that were handed to the repair
  std::uint64_t left_over = 0;         // written by an interrupted run, and not in line
  std::array<double, 2> read_units{};  // consumed by the repair, by side
  double write_units = 0;
  [[nodiscard]] std::uint64_t remaining(const flow::Outcomes& outcomes) const {
    return outcomes.differences() - repaired - in_line;
  }
};

// What a rate is reckoned by. Sums are of all runs where one goes on from another.
struct DiffTimes {
  double elapsed = 0;                // seconds, of all runs
  double settling = 0;               // of this run, since the scan's end
  std::uint64_t settled_before = 0;  // candidates that earlier runs have done
};
// "primary 12,000 items, replica 11,900 items, 5,300 items/s, 0:12 left, 61 units". `expected`:
// items of both sides together, 0 if unknown.
std::string progress_line(const flow::CompareProgress& progress, const DiffCounts& counts,
                          const DiffTimes& times, double expected);

// Some lines; the last is "[discrepancies] N". `part`: of the tables that was looked at, in words;
// empty: all.
std::string summary(const flow::CompareProgress& progress, const DiffCounts& counts, bool repair,
                    double elapsed, const std::string& part);
std::string summary_as_json(const flow::CompareProgress& progress, const DiffCounts& counts,
                            double elapsed, const std::string& part);

// Of --backfill, which compares nothing.
std::string backfill_summary(const flow::CompareProgress& progress, const DiffCounts& counts,
                             bool wrote, double elapsed, const std::string& part);
std::string backfill_as_json(const flow::CompareProgress& progress, const DiffCounts& counts,
                             bool wrote, double elapsed, const std::string& part);

// 1,234,567
std::string with_commas(std::uint64_t number);

}  // namespace dynamodb_replicator::app

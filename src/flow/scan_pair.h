// Scans the same segments of both tables side by side, into one window.
//
// Both sides of a segment go on page by page; the side that is further ahead waits (core/window.h
// says which that is). Beyond its ceiling the window goes to disk as sorted runs.
#pragma once

#include <memory>

#include "async/scope.h"
#include "flow/compare.h"

namespace dynamodb_replicator::flow {

class PairScan {
 public:
  static constexpr Duration kPageTimeout = 30s;
  // How many items one side may be ahead of the other: two pages of 200-byte items.
  static constexpr std::uint64_t kAheadMax = 10'000;

  // The state is kept this often, and not more often than every fiftieth of the time that has gone
  // by: each time the window becomes a run.
  static constexpr Duration kKeepEvery = 2s;

  // Goes on from context.resuming.from, if there is such a state.
  explicit PairScan(CompareContext& context);

  // To the end of every chosen segment. Failure kind cancelled: we were asked to stop.
  Task<Result<void>> run();

  // Makes durable where it stands, if that is wanted at all.
  Task<Result<void>> keep();
  // The state after the scan, for whoever goes on. REQUIRES: leftovers() was asked for.
  [[nodiscard]] core::CompareState state() const;

  // Everything that did not cancel. REQUIRES: run() ended well; both outlive the merge.
  Result<std::unique_ptr<core::RunMerge>> leftovers();

 private:
  struct Fetched {
    Result<ScanPage> page;
    Duration latency;
  };
  Task<void> worker(unsigned number);
  Task<Result<void>> scan_segment(int segment, core::SegmentCursor& cursor);
  Task<void> page_of(core::Side side, int segment, const core::SegmentCursor& cursor,
                     std::optional<Fetched>& out);
  Result<void> take(core::Side side, int segment, const Fetched& fetched);
  Result<void> spill();
  Task<Result<void>> keep_now_and_then();
  [[nodiscard]] unsigned allowed() const;

  CompareContext& context_;
  core::ScanWindow window_;
  std::unique_ptr<async::Spill> scratch_;
  async::Spill* spill_ = nullptr;
  std::vector<core::SpillPlace> runs_;
  std::size_t next_ = 0;                        // of settings.chosen
  std::map<int, core::SegmentCursor> cursors_;  // of segments that are begun and not done
  std::vector<int> resumed_;                    // segments that an interrupted run had in work
  core::ScanPace pace_;
  async::Signal changed_;
  std::optional<Failure> failed_;
  bool scanned_ = false;
  bool keeping_ = false;
  Instant began_;
  Instant kept_;
  std::array<double, 2> page_units_{};  // of the last page of each side
};

}  // namespace dynamodb_replicator::flow

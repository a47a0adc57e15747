// Scans the same segments of both tables side by side, into one window.
//
// Both sides of a segment go on page by page; the side that is further ahead waits (core/window.h
// says which that is). Beyond its ceiling the window goes to disk as sorted runs.
#pragma once

#include <memory>

#include "async/scope.h"
#include "flow/compare.h"

namespace dynamodb_replicator::flow {

// Where the scan of a segment stands.
struct SegmentCursor {
  std::array<std::string, 2> after;  // by core::index_of(side)
  std::array<bool, 2> done{};
};

// A piece of the spill.
struct RunPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class PairScan {
 public:
  static constexpr Duration kPageTimeout = 30s;
  // How many items one side may be ahead of the other: two pages of 200-byte items.
  static constexpr std::uint64_t kAheadMax = 10'000;

  explicit PairScan(CompareContext& context)
      : context_(context), window_(context.settings.window_bytes), changed_(context.loop) {}

  // To the end of every chosen segment. Failure kind cancelled: we were asked to stop.
  Task<Result<void>> run();

  // Everything that did not cancel. REQUIRES: run() ended well; both outlive the merge.
  Result<std::unique_ptr<core::RunMerge>> leftovers();

 private:
  struct Fetched {
    Result<ScanPage> page;
    Duration latency;
  };
  Task<void> worker(unsigned number);
  Task<Result<void>> scan_segment(int segment, SegmentCursor& cursor);
  Task<void> page_of(core::Side side, int segment, const SegmentCursor& cursor,
                     std::optional<Fetched>& out);
  Result<void> take(core::Side side, int segment, const Fetched& fetched);
  Result<void> spill();
  [[nodiscard]] unsigned allowed() const;

  CompareContext& context_;
  core::ScanWindow window_;
  std::unique_ptr<async::Spill> spill_;
  std::vector<RunPlace> runs_;
  std::size_t next_ = 0;                  // of settings.chosen
  std::map<int, SegmentCursor> cursors_;  // segments that are being scanned
  core::ScanPace pace_;
  async::Signal changed_;
  std::optional<Failure> failed_;
  std::array<double, 2> page_units_{};  // of the last page of each side
};

}  // namespace dynamodb_replicator::flow

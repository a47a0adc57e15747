// Backfill: scans the primary alone and hands every page to whoever writes it.
#pragma once

#include <vector>

#include "flow/compare.h"
#include "flow/refresh_guarded.h"

namespace dynamodb_replicator::flow {

class Copier {
 public:
  virtual ~Copier() = default;
  // A page's items; several calls may be in work, never with the same key. The error ends the run.
  virtual Task<Result<void>> copy(std::vector<Scanned> items) = 0;
};

class CopyScan {
 public:
  static constexpr Duration kPageTimeout = 30s;
  static constexpr Duration kKeepEvery = 2s;
  // Segments at once, where nobody asks: each has a page on its way or being written.
  static constexpr unsigned kSegmentsAtOnce = 4;

  // Goes on from context.resuming.from, if there is such a state.
  CopyScan(CompareContext& context, Copier& copier);

  // To the end of every chosen segment. A page is behind us only when it is copied. Failure kind
  // cancelled: we were asked to stop.
  Task<Result<void>> run();

 private:
  Task<void> worker();
  Task<Result<void>> copy_segment(int segment, core::SegmentCursor& cursor);
  Task<Result<std::vector<Scanned>>> next_page(int segment, core::SegmentCursor& moved);
  Task<Result<void>> keep(bool always);

  CompareContext& context_;
  Copier& copier_;
  std::size_t next_ = 0;  // of settings.chosen
  std::map<int, core::SegmentCursor> cursors_;
  std::vector<int> resumed_;
  std::optional<Failure> failed_;
  double page_units_ = 0;
  bool keeping_ = false;
  Instant kept_;
};

}  // namespace dynamodb_replicator::flow

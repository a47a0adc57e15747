#include "flow/copy_scan.h"

#include <algorithm>

#include "async/scope.h"

namespace dynamodb_replicator::flow {

CopyScan::CopyScan(CompareContext& context, Copier& copier)
    : context_(context), copier_(copier), kept_(context.clock.now()) {
  if (!context.resuming.from) return;
  next_ = context.resuming.from->next;
  cursors_ = context.resuming.from->cursors;
  context_.progress.tally = context.resuming.from->tally;
  context_.progress.outcomes.expired = context.resuming.from->outcomes.expired;
  context_.progress.units = context.resuming.from->units;
  for (const auto& [segment, cursor] : cursors_) resumed_.push_back(segment);
}

Task<Result<void>> CopyScan::run() {
  const unsigned most =
      context_.settings.concurrency > 0 ? context_.settings.concurrency : kSegmentsAtOnce;
  const auto workers = std::min<std::size_t>(most, context_.settings.chosen.size());
  async::Scope scope(context_.loop);
  for (std::size_t i = 0; i < workers; ++i) scope.spawn(worker());
  co_await scope.join();
  const bool stopped = context_.stop.is_open();
  if (failed_ || stopped) {
    Result<void> kept = co_await keep(true);
    if (!kept) co_return kept;
  }
  if (failed_) co_return *failed_;
  if (stopped) co_return stopped_failure();
  co_return Result<void>{};
}

Task<void> CopyScan::worker() {
  while (!resumed_.empty() || next_ < context_.settings.chosen.size()) {
    if (failed_ || context_.stop.is_open()) co_return;
    const int segment = take_segment(context_.settings.chosen, next_, resumed_);
    Result<void> copied = co_await copy_segment(segment, cursors_[segment]);
    if (!copied) {
      if (!failed_) failed_ = std::move(copied).error();
      co_return;
    }
    cursors_.erase(segment);
    ++context_.progress.segments_done;
  }
}

Task<Result<void>> CopyScan::copy_segment(int segment, core::SegmentCursor& cursor) {
  while (!cursor.done[0]) {
    if (failed_) co_return *failed_;
    core::SegmentCursor moved = cursor;
    Result<std::vector<Scanned>> items = co_await next_page(segment, moved);
    if (!items) co_return std::move(items).error();
    const std::size_t count = items->size();
    Result<void> copied = co_await copier_.copy(std::move(*items));
    if (!copied) co_return copied;
    cursor = std::move(moved);
    context_.progress.tally.scanned[0] += count;
    Result<void> kept = co_await keep(false);
    if (!kept) co_return kept;
  }
  co_return Result<void>{};
}

Task<Result<std::vector<Scanned>>> CopyScan::next_page(int segment, core::SegmentCursor& moved) {
  const ScanAsk ask{moved.after[0], context_.settings.consistent, segment,
                    context_.settings.segments};
  const double expected = page_units_ > 0 ? page_units_ : context_.settings.units_a_page;
  TableScanner& scanner = *context_.scanners[0];
  Result<ScanPage> page = co_await insist<ScanPage>(
      context_, core::Side::primary, expected, kPageTimeout,
      [&scanner, &ask](Instant deadline) { return scanner.scan(ask, deadline); });
  if (!page) co_return std::move(page).error();
  page_units_ = page->units;
  std::vector<Scanned> items;
  items.reserve(page->items.size());
  for (std::string& item : page->items) {
    Result<item::KeyRef, std::string> key = item::key_of_item(item, context_.settings.schema);
    if (!key) {
      Failure failure;
      failure.kind = FailureKind::unusable_answer;
      failure.message = "a scan brought an item whose key cannot be read: " + key.error();
      co_return failure;
    }
    const bool gone = item::is_expired(item, context_.settings.rules.ttl, context_.clock.wall());
    if (!gone) items.push_back({std::move(*key), std::move(item)});
    if (gone) ++context_.progress.outcomes.expired;
  }
  moved.done[0] = !page->next;
  moved.after[0] = page->next.value_or("");
  co_return items;
}

Task<Result<void>> CopyScan::keep(bool always) {
  const Instant now = context_.clock.now();
  const bool due = always || now - kept_ >= kKeepEvery;
  if (context_.resuming.keeper == nullptr || keeping_ || !due) co_return Result<void>{};
  core::CompareState state;
  state.segments = context_.settings.segments;
  state.chosen = context_.settings.chosen;
  state.next = next_;
  state.cursors = cursors_;
  state.tally = context_.progress.tally;
  state.outcomes.expired = context_.progress.outcomes.expired;
  state.units = context_.progress.units;
  keeping_ = true;
  Result<void> kept = co_await context_.resuming.keeper->keep(state);
  keeping_ = false;
  kept_ = context_.clock.now();
  co_return kept;
}

}  // namespace dynamodb_replicator::flow

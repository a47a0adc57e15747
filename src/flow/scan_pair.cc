#include "flow/scan_pair.h"

#include <algorithm>

#include "base/planted.h"
#include "flow/content.h"

namespace dynamodb_replicator::flow {
namespace {

// Of each run, while runs are merged: together at most this, and not less than a few records each.
constexpr std::uint64_t kReadAllMax = 32U << 20U;
constexpr std::uint64_t kReadPieceMax = 64U << 10U;
constexpr std::uint64_t kReadPieceMin = 4U << 10U;
constexpr std::size_t kInMemoryMax = 4U << 20U;  // a window this small is merged without a disk

class SpilledRun : public core::RunSource {
 public:
  SpilledRun(async::Spill& spill, core::SpillPlace place, std::uint64_t piece)
      : spill_(spill), place_(place), piece_(piece) {}
  Result<std::string> more() override {
    const std::uint64_t bytes = std::min(place_.bytes, piece_);
    if (bytes == 0) return std::string();
    Result<std::string> piece = spill_.read(place_.offset, static_cast<std::size_t>(bytes));
    if (!piece) return piece;
    if (piece->empty()) place_.bytes = 0;  // cut off: the merge notices
    place_.offset += piece->size();
    place_.bytes -= piece->size();
    return piece;
  }

 private:
  async::Spill& spill_;
  core::SpillPlace place_;
  std::uint64_t piece_;
};

class HeldRun : public core::RunSource {
 public:
  explicit HeldRun(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::string> more() override { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

constexpr std::array<core::Side, 2> kSides = {core::Side::primary, core::Side::replica};

}  // namespace

PairScan::PairScan(CompareContext& context)
    : context_(context),
      window_(context.settings.window_bytes),
      spill_(context.resuming.spill),
      changed_(context.loop),
      began_(context.clock.now()),
      kept_(context.clock.now()) {
  if (!context.resuming.from) return;
  const core::CompareState& from = *context.resuming.from;
  if (!base::planted(base::Bug::resumes_without_window)) runs_ = from.runs;
  next_ = from.next;
  cursors_ = from.cursors;
  scanned_ = from.scanned;
  window_.tally() = from.tally;
  context_.progress.tally = from.tally;
  context_.progress.units = from.units;
  context_.progress.segments_done = next_ - cursors_.size();
}

core::CompareState PairScan::state() const {
  core::CompareState state;
  state.segments = context_.settings.segments;
  state.chosen = context_.settings.chosen;
  state.next = next_;
  state.cursors = cursors_;
  state.tally = window_.tally();
  state.runs = runs_;
  state.scanned = scanned_;
  state.units = context_.progress.units;
  return state;
}

Task<Result<void>> PairScan::keep() {
  if (context_.resuming.keeper == nullptr || keeping_) co_return Result<void>{};
  if (window_.entries() > 0) {
    Result<void> spilled = spill();
    if (!spilled) co_return spilled;
  }
  keeping_ = true;
  const core::CompareState now = state();
  Result<void> kept = co_await context_.resuming.keeper->keep(now);
  keeping_ = false;
  kept_ = context_.clock.now();
  co_return kept;
}

Task<Result<void>> PairScan::keep_now_and_then() {
  const Instant now = context_.clock.now();
  const Duration every = std::max<Duration>(kKeepEvery, (now - began_) / 50);
  if (context_.resuming.keeper == nullptr || now - kept_ < every) co_return Result<void>{};
  co_return co_await keep();
}

unsigned PairScan::allowed() const {
  const unsigned wanted =
      context_.settings.concurrency > 0 ? context_.settings.concurrency : pace_.wanted();
  return std::max(1U, std::min(wanted, context_.lanes.size()));
}

Task<Result<void>> PairScan::run() {
  const unsigned most =
      context_.settings.concurrency > 0 ? context_.settings.concurrency : core::kScanConcurrencyMax;
  const auto workers =
      static_cast<unsigned>(std::min<std::size_t>(most, context_.settings.chosen.size()));
  // What an interrupted run had in work comes first.
  for (const auto& [segment, cursor] : cursors_) resumed_.push_back(segment);
  async::Scope scope(context_.loop);
  for (unsigned i = 0; i < workers; ++i) scope.spawn(worker(i));
  co_await scope.join();
  if (failed_) co_return *failed_;
  if (context_.stop.is_open()) co_return stopped_failure();
  scanned_ = true;
  co_return Result<void>{};
}

Task<void> PairScan::worker(unsigned number) {
  while (!resumed_.empty() || next_ < context_.settings.chosen.size()) {
    if (failed_ || context_.stop.is_open()) co_return;
    if (number >= allowed()) {
      co_await changed_.wait(context_.clock.now() + 1s);
      continue;
    }
    const int segment = take_segment(context_.settings.chosen, next_, resumed_);
    Result<void> scanned = co_await scan_segment(segment, cursors_[segment]);
    if (!scanned) {
      if (!failed_) failed_ = std::move(scanned).error();
      changed_.notify();
      co_return;
    }
    cursors_.erase(segment);
    ++context_.progress.segments_done;
    changed_.notify();
  }
}

Task<Result<void>> PairScan::scan_segment(int segment, core::SegmentCursor& cursor) {
  while (!cursor.done[0] || !cursor.done[1]) {
    if (failed_) co_return *failed_;
    std::array<bool, 2> turn = {!cursor.done[0], !cursor.done[1]};
    if (turn[0] && turn[1]) {
      const std::uint64_t primary = window_.ahead(core::Side::primary, segment);
      const std::uint64_t replica = window_.ahead(core::Side::replica, segment);
      turn[0] = primary <= replica + kAheadMax;
      turn[1] = replica <= primary + kAheadMax;
    }
    std::array<std::optional<Fetched>, 2> pages;
    async::Scope scope(context_.loop);
    for (const core::Side side : kSides) {
      const std::size_t i = core::index_of(side);
      if (turn[i]) scope.spawn(page_of(side, segment, cursor, pages[i]));
    }
    co_await scope.join();
    for (const core::Side side : kSides) {
      auto& fetched = pages[core::index_of(side)];
      if (!fetched) continue;
      if (!fetched->page) co_return std::move(fetched->page).error();
      Result<void> taken = take(side, segment, *fetched);
      if (!taken) co_return taken;
      cursor.done[core::index_of(side)] = !fetched->page->next;
      cursor.after[core::index_of(side)] = fetched->page->next.value_or("");
    }
    // Only here: the window on disk and the cursors belong to one instant.
    if (window_.full()) {
      Result<void> spilled = spill();
      if (!spilled) co_return spilled;
    }
    context_.progress.tally = window_.tally();
    Result<void> kept = co_await keep_now_and_then();
    if (!kept) co_return kept;
  }
  co_return Result<void>{};
}

Task<void> PairScan::page_of(core::Side side, int segment, const core::SegmentCursor& cursor,
                             std::optional<Fetched>& out) {
  const std::size_t i = core::index_of(side);
  const ScanAsk ask{cursor.after[i], context_.settings.consistent, segment,
                    context_.settings.segments};
  const double expected = page_units_[i] > 0 ? page_units_[i] : context_.settings.units_a_page;
  TableScanner& scanner = *context_.scanners[i];
  Instant asked{};
  Result<ScanPage> page = co_await insist<ScanPage>(
      context_, side, expected, kPageTimeout, [this, &scanner, &ask, &asked](Instant deadline) {
        asked = context_.clock.now();
        return scanner.scan(ask, deadline);
      });
  if (page) {
    page_units_[i] = page->units;
    context_.lanes.clean();
    if (page->next && *page->next == ask.after) {
      Failure failure;
      failure.kind = FailureKind::unusable_answer;
      failure.message = "a scan does not come forward: a page ends where it began";
      page = std::move(failure);
    }
  }
  out.emplace(Fetched{std::move(page), context_.clock.now() - asked});
}

Result<void> PairScan::take(core::Side side, int segment, const Fetched& fetched) {
  const Instant begun = context_.clock.now();
  for (const std::string& item : fetched.page->items) {
    Result<Content> content = content_of(item, context_.settings.schema, context_.settings.rules);
    if (!content) return std::move(content).error();
    window_.add(side, segment, {content->key_digest, content->digest, content->key->wire()});
  }
  if (fetched.page->next) pace_.page(fetched.latency, context_.clock.now() - begun);
  return {};
}

Result<void> PairScan::spill() {
  if (spill_ == nullptr) {
    Result<std::unique_ptr<async::Spill>> made = context_.files.scratch(context_.settings.scratch);
    if (!made) return std::move(made).error();
    scratch_ = std::move(*made);
    spill_ = scratch_.get();
  }
  core::SpillPlace place{spill_->size(), 0};
  Result<void> written;
  window_.drain([&](std::string_view piece) {
    if (written) written = spill_->append(piece);
  });
  if (!written) return written;
  place.bytes = spill_->size() - place.offset;
  runs_.push_back(place);
  context_.progress.spilled = spill_->size();
  return {};
}

Result<std::unique_ptr<core::RunMerge>> PairScan::leftovers() {
  std::vector<std::unique_ptr<core::RunSource>> sources;
  std::string held;
  if (window_.bytes() > kInMemoryMax ||
      (context_.resuming.keeper != nullptr && window_.entries() > 0)) {
    if (auto spilled = spill(); !spilled) return std::move(spilled).error();
  } else {
    window_.drain([&](std::string_view piece) { held += piece; });
  }
  const std::uint64_t piece = std::clamp(kReadAllMax / std::max<std::uint64_t>(runs_.size(), 1),
                                         kReadPieceMin, kReadPieceMax);
  for (const core::SpillPlace& place : runs_)
    sources.push_back(std::make_unique<SpilledRun>(*spill_, place, piece));
  if (!held.empty()) sources.push_back(std::make_unique<HeldRun>(std::move(held)));
  context_.progress.tally = window_.tally();
  return std::make_unique<core::RunMerge>(std::move(sources), context_.progress.tally);
}

}  // namespace dynamodb_replicator::flow

// How a session reads its shard: iterators, pages, gaps, the tip.
#include <algorithm>

#include "base/planted.h"
#include "flow/shard_session.h"

namespace dynamodb_replicator::flow {
namespace {

// For a planted bug: the same key under a name of its own, so that it takes no turns.
item::KeyRef apart(const item::Key& key, core::Watermark::Slot slot) {
  return std::make_shared<const item::Key>(key.canonical() + "#" + std::to_string(slot),
                                           key.wire());
}

}  // namespace

void ShardSession::note_gap(const std::string& what) {
  gap_ = true;
  if (base::planted(base::Bug::gap_silent)) return;
  base::mark(base::Mark::gap_noted);
  ++context_.metrics.gaps;
  auto fields = about();
  fields.emplace_back("what", what);
  context_.log.error(
      "a gap: the stream has dropped records before they were read; compare the tables and repair "
      "the replica",
      fields);
}

Task<void> ShardSession::pause(const Failure& failure) {
  ++context_.metrics.retries;
  if (failure.kind == FailureKind::throttled) ++context_.metrics.throttles;
  ++failures_;
  if (failures_ > 3 &&
      context_.complaints.due("stream" + failure.code + row_.shard, context_.clock.now())) {
    context_.log.warning("cannot read a shard; trying again",
                         {{"shard", row_.shard}, {"because", to_text(failure)}});
  }
  const Duration wait = core::retry_after(failure.kind, failures_, context_.dice.roll());
  co_await winding_up_.wait_until(context_.clock.now() + wait);
}

// An iterator at position_; nullopt: ask again (after a pause), or the shard is gone
// (read_to_end_).
Task<std::optional<std::string>> ShardSession::open_iterator() {
  Result<std::string> opened =
      co_await stream_.open(row_.shard, position_, context_.clock.now() + kStreamCallTimeout);
  if (opened) co_return std::move(*opened);
  co_return co_await recover(opened.error());
}

// What a failed open or read means. Gives nullopt: open a new iterator at position_.
Task<std::optional<std::string>> ShardSession::recover(const Failure& failure) {
  if (failure.kind == FailureKind::expired_iterator) {
    base::mark(base::Mark::iterator_reopened);
    if (base::planted(base::Bug::latest_after_expiry) && stream_.is_kinesis())
      position_ = {Position::Kind::at_time, context_.clock.wall(), {}};
    co_return std::nullopt;
  }
  if (failure.kind == FailureKind::trimmed && position_.kind == Position::Kind::after) {
    note_gap("everything up to the oldest record that is still there");
    position_ = {};
    at_edge_ = true;
    co_return std::nullopt;
  }
  if (failure.kind == FailureKind::not_found) {
    // The shard itself, or the whole stream? Only a listing tells; absence of the shard from it is
    // a gap. Listings are consistent eventually, and a finished row is for ever: so not on the
    // first word.
    Result<Listing> listing = co_await stream_.list(context_.clock.now() + kStreamCallTimeout);
    const bool gone =
        listing && std::none_of(listing->shards.begin(), listing->shards.end(),
                                [&](const ShardInfo& shard) { return shard.id == row_.shard; });
    missing_ = gone ? missing_ + 1 : 0;
    if (listing && listing->gone) missing_ = kMissingTimes;
    if (missing_ >= kMissingTimes) {
      note_gap("the rest of the shard: the stream no longer has it");
      read_to_end_ = true;
      progress_.notify();
      co_return std::nullopt;
    }
  }
  co_await pause(failure);
  co_return std::nullopt;
}

// Kinesis drops old records without a word, and so does a Streams shard that is read from its
// beginning again: if what was fetched ends before the retention begins, say it. Once, until we are
// well inside the retention again; and not where nothing had been fetched before: the oldest record
// that is left is where such a reader begins.
void ShardSession::check_retention() {
  const bool silent = stream_.is_kinesis() || position_.kind != Position::Kind::after;
  if (!silent || !fetched_through_ || base::planted(base::Bug::retention_silent)) return;
  const Duration age = stream_.service_time() - *fetched_through_;
  const Duration retention = stream_.retention();
  if (age <= retention) {
    if (age < retention - retention / 100) at_edge_ = false;
  } else if (!at_edge_) {
    note_gap("records older than the stream's retention; what had been read ends before it");
    at_edge_ = true;
  }
}

// False: reading is over, because we are asked to stop or because this shard cannot go on.
Task<bool> ShardSession::wait_for_room() {
  while (watermark_.unfinished() >= kBacklogRecords ||
         watermark_.unfinished_bytes() >= kBacklogBytes) {
    if (winding_up_.is_open()) co_return false;
    co_await progress_.wait(context_.clock.now() + 1s);
  }
  co_return !winding_up_.is_open();
}

Task<void> ShardSession::read() {
  if (fence_ != nullptr) {
    const bool raised = co_await fence_->raise();
    if (!raised) {
      fenced_out();
      co_return;
    }
  }
  std::optional<std::string> iterator;
  Instant next_read{};
  while (!read_to_end_) {
    const bool room = co_await wait_for_room();
    if (!room) co_return;
    const bool stopped = co_await winding_up_.wait_until(next_read);
    if (stopped) co_return;
    const Instant sent = context_.clock.now();
    if (!iterator) {
      iterator = co_await open_iterator();
      if (!iterator) next_read = sent + core::Pace::kBusy;
      continue;
    }
    Result<Page> page = co_await stream_.read(*iterator, sent + kStreamCallTimeout);
    if (!page) {
      const FailureKind kind = page.error().kind;
      const bool keep = kind == FailureKind::throttled || kind == FailureKind::transient;
      std::optional<std::string> none = co_await recover(page.error());
      if (!keep) iterator = std::move(none);
      next_read = sent + core::Pace::kBusy;
      continue;
    }
    if (winding_up_.is_open())
      co_return;  // asked to stop while the page was under way: it is read again
    failures_ = 0;
    missing_ = 0;
    // By this very answer's date: our own clock may have jumped just now.
    const WallTime sent_wall =
        stream_.service_time() -
        std::chrono::floor<std::chrono::microseconds>(context_.clock.now() - sent);
    check_retention();
    const bool more =
        page->behind && *page->behind > Duration::zero();  // Kinesis walks through empty time
    next_read = pace_.next(sent, page->records.size() + (more ? 1 : 0));
    take_in(*page, sent_wall, tip_.answer(sent, page->records.size()));
    iterator = std::move(page->next);
    if (!iterator) read_to_end_ = true;
    refresher_.poke();
    progress_.notify();
  }
}

void ShardSession::take_in(Page& page, WallTime sent_wall, bool at_tip) {
  WallTime newest{};
  for (StreamRecord& record : page.records) {
    newest = std::max(newest, record.at);
    if (record.at > WallTime{}) nothing_before_ = std::min(nothing_before_, record.at);
    take_in(record);
  }
  std::optional<WallTime> through;
  if (page.behind) {
    through = sent_wall - std::chrono::duration_cast<WallTime::duration>(*page.behind);
  } else if (at_tip) {
    through = sent_wall;
  } else if (newest > WallTime{}) {
    through = newest -
              1s;  // Streams round a record's time to a second, so others of that second may follow
  }
  at_tip_ = page.behind ? *page.behind == Duration::zero() : at_tip;
  if (through) {
    fetched_through_ = through;
    watermark_.mark(*through);
  }
  show_progress();
}

// `latest` on a stream that cannot begin at a time: what came before it is passed over. So too
// after a checkpoint, which may lie before that time.
bool ShardSession::wanted(const StreamRecord& record) const {
  return row_.start.kind == core::StartAt::Kind::trim_horizon || record.at == WallTime{} ||
         record.at >= row_.start.time;
}

void ShardSession::take_in(StreamRecord& record) {
  position_ = {Position::Kind::after, {}, record.sequence};
  if (!wanted(record)) record.entries.clear();
  unsigned parts = 0;
  unsigned junk = 0;
  std::string reason;
  for (const auto& entry : record.entries) {
    ++context_.metrics.records_read;
    if (std::holds_alternative<NotOurs>(entry)) {
      ++context_.metrics.records_skipped;
    } else if (const auto* bad = std::get_if<Junk>(&entry)) {
      if (junk++ == 0) reason = bad->reason;
    } else {
      ++parts;
    }
  }
  if (junk > 1) reason += " (and " + std::to_string(junk - 1) + " more entries of this record)";
  const bool verify = (context_.settings.verify_always && !base::planted(base::Bug::no_verify)) ||
                      (!base::planted(base::Bug::no_verify) && !context_.settings.verify_never &&
                       stream_.is_kinesis() && !record.from_aws);
  const core::Watermark::Slot slot =
      watermark_.add(record.sequence, std::move(record.raw), parts + (junk > 0 ? 1 : 0));
  // Also within a page, so that a checkpoint always has a time: what retention takes is told by it.
  if (record.at > WallTime{} && !base::planted(base::Bug::page_has_no_time))
    watermark_.mark(record.at - 1s);
  for (const auto& entry : record.entries) {
    if (const auto* key = std::get_if<item::KeyRef>(&entry)) {
      breaker_.good(context_.clock.now());
      const bool alone = base::planted(base::Bug::no_turns) && !verify;
      refresher_.arrive(alone ? apart(**key, slot) : *key, {id_, slot, verify});
    }
  }
  if (junk > 0) refused(slot, reason);  // one dead letter a record: it holds the whole
}

}  // namespace dynamodb_replicator::flow

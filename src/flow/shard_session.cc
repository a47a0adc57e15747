// Construction, end and release of a session, and its lease. Reading is in shard_reader.cc.
#include "flow/shard_session.h"

#include <algorithm>

#include "async/scope.h"
#include "base/bytes.h"
#include "base/planted.h"
#include "flow/dead_letters.h"

namespace dynamodb_replicator::flow {

std::string fresh_nonce(async::Dice& dice) {
  std::string bytes;
  for (std::uint64_t word : {dice.roll(), dice.roll()}) {
    for (int i = 0; i < 8; ++i, word >>= 8) bytes.push_back(static_cast<char>(word & 0xff));
  }
  return base::to_hex(bytes);
}

ShardSession::ShardSession(Context& context, Refresher& refresher, Stream& stream,
                           core::ShardRow row, Instant renewed, Duration doubt)
    : context_(context),
      refresher_(refresher),
      stream_(stream),
      row_(std::move(row)),
      hold_{renewed, context.settings.lease},
      id_(refresher.enlist(*this)),
      watermark_(row_.checkpoint),
      fetched_through_(row_.read_through),
      nothing_before_(context.clock.wall()),
      at_edge_(!row_.read_through),
      progress_(context.loop),
      winding_up_(context.loop),
      over_(context.loop),
      state_(context.metrics.shards[row_.shard]) {
  if (context.fenced != nullptr) {
    fence_ = std::make_shared<ShardFence>(context, row_);
  } else if (doubt > Duration::zero()) {
    takeover_until_ = context.clock.now() + doubt;
  }
  if (!row_.checkpoint.empty()) {
    position_ = {Position::Kind::after, {}, row_.checkpoint};
  } else if (row_.start.kind == core::StartAt::Kind::at_time && stream.is_kinesis()) {
    position_ = {Position::Kind::at_time, row_.start.time, {}};
  }
  state_.owned = true;
  state_.stopped.clear();
  state_.checkpoint = row_.checkpoint;
  state_.last_checkpoint = renewed;
  show_read_through();
}

ShardSession::~ShardSession() {
  if (fence_ != nullptr) fence_->close();
  refresher_.dismiss(id_);
  state_.owned = false;
}

std::vector<async::Log::Field> ShardSession::about() const {
  return {{"shard", row_.shard},
          {"checkpoint", row_.checkpoint.empty() ? "(none)" : row_.checkpoint}};
}

void ShardSession::close(End end) {
  if (over_.is_open()) return;
  end_ = end;
  frozen_ = true;
  if (fence_ != nullptr) fence_->close();
  over_.open();
}

void ShardSession::fenced_out() {
  if (over_.is_open()) return;
  ++context_.metrics.lease_losses;
  close(End::lost);
}

void ShardSession::stop(std::string reason) {
  if (over_.is_open() || ending_ || !reason_.empty()) return;
  reason_ = std::move(reason);
  winding_up_.open();
  progress_.notify();
}

void ShardSession::show_progress() {
  state_.caught_up = at_tip_ && watermark_.unfinished() == 0;
  show_read_through();
}

// A shard that has applied nothing yet is as far behind as its first record, or since it was taken:
// a replica that takes no write, or a stream that gives no answer, is not "caught up".
void ShardSession::show_read_through() {
  state_.read_through = progress().read_through;
  if (!state_.read_through) state_.read_through = nothing_before_;
}

void ShardSession::finished(core::Watermark::Slot slot) {
  watermark_.finish(slot);
  show_progress();
  progress_.notify();
}

void ShardSession::refused(core::Watermark::Slot slot, const std::string& reason) {
  base::mark(base::Mark::junk_refused);
  burials_.push_back({slot, reason});
  breaker_.bad(context_.clock.now());
  if (context_.settings.dead_letter.empty()) {
    stop("record " + watermark_.sequence(slot) + " can never be applied: " + reason +
         ". Give --dead-letter FILE to set such records aside and go on");
  } else if (breaker_.open()) {
    stop("more than 1 % of the records of the last five minutes cannot be applied (last: " +
         reason + "). Is this the stream of the primary table?");
  }
  progress_.notify();
}

Task<void> ShardSession::run() {
  async::Scope tasks(context_.loop);
  tasks.spawn(keep_lease());
  tasks.spawn(read());
  tasks.spawn(bury());
  tasks.spawn(heed_stop());
  tasks.spawn(drain());
  co_await over_.wait();
}

Task<void> ShardSession::heed_stop() {
  co_await context_.stop.wait();
  winding_up_.open();
  progress_.notify();
}

// When we are asked to stop, or cannot go on: reading ends by the same gate; what has been read may
// finish and be checkpointed.
Task<void> ShardSession::drain() {
  co_await winding_up_.wait();
  const Instant deadline = context_.clock.now() + kDrainFor;
  const bool buries = !context_.settings.dead_letter.empty();
  while (refresher_.turns().busy(id_) || (buries && !burials_.empty())) {
    const bool progressed = co_await progress_.wait(deadline);
    if (!progressed) break;
  }
  ending_ = reason_.empty() ? End::drained : End::stopped;
  progress_.notify();
}

core::ShardRow ShardSession::progress() const {
  core::ShardRow row = row_;
  row.checkpoint = watermark_.checkpoint();
  if (base::planted(base::Bug::checkpoint_before_apply) && !position_.sequence.empty())
    row.checkpoint = position_.sequence;
  if (watermark_.read_through() > row.read_through) row.read_through = watermark_.read_through();
  return row;
}

// The row as it should be stored now.
core::ShardRow ShardSession::next_row() const {
  core::ShardRow next = progress();
  ++next.counter;
  next.nonce = fresh_nonce(context_.dice);
  return next;
}

// A former owner's writes are reckoned with at the keys that are read again. What is in a gap is
// not read again: until all that was sent for it has landed, the shard is not finished, or its
// children would write first.
Instant ShardSession::blind_until() const {
  if (!gap_ || !takeover_until_ || base::planted(base::Bug::gap_ends_doubt)) return {};
  return *takeover_until_;
}

Task<void> ShardSession::keep_lease() {
  Instant last = hold_.renewed;
  while (!over_.is_open()) {
    if (ending_) {
      co_await release();
      close(*ending_);
      co_return;
    }
    const bool unsettled = blind_until() > context_.clock.now();
    const bool done = read_to_end_ && !unsettled &&
                      (watermark_.unfinished() == 0 || base::planted(base::Bug::shard_ends_early));
    const bool moved = watermark_.checkpoint() != row_.checkpoint;
    Instant due = moved ? std::min(hold_.renew_at(), last + kCheckpointEvery) : hold_.renew_at();
    if (unsettled) due = std::min(due, blind_until());
    if (!done && context_.clock.now() < due) {
      co_await progress_.wait(due);
      continue;
    }
    core::ShardRow next = next_row();
    if (done) {
      next.finished = true;
      next.owner.clear();
      next.clean = true;
    }
    last = context_.clock.now();
    const Touched touched = co_await touch(std::move(next));
    if (touched == Touched::lost) {
      ++context_.metrics.lease_losses;
      close(End::lost);
    } else if (done) {
      close(End::finished);
    }
  }
}

// Stores the row, with as many attempts as the lease allows. An attempt whose answer is lost may
// have been applied at any time since the first was sent, so that is when the lease counts as
// renewed.
Task<ShardSession::Touched> ShardSession::touch(core::ShardRow next) {
  const Instant sent = context_.clock.now();
  const Instant end = base::planted(base::Bug::lost_lease_ignored) ? sent + 1h : hold_.end();
  unsigned attempts = 0;
  while (context_.clock.now() < end) {
    const Instant deadline = std::min(context_.clock.now() + kLeaseCallTimeout, end);
    Result<void> stored = co_await context_.leases.replace(next, row_.nonce, deadline);
    bool ours = stored.ok();
    if (!ours && stored.error().kind == FailureKind::condition_failed) {
      // Either another attempt of ours got there first, or the row is somebody else's now.
      ours = co_await is_ours(next);
      if (base::planted(base::Bug::own_write_not_recognised)) ours = false;
      if (base::planted(base::Bug::lost_lease_ignored)) ours = true;
      base::mark(ours ? base::Mark::self_recognised : base::Mark::lease_lost);
      if (!ours) co_return Touched::lost;
    }
    if (ours) {
      row_ = std::move(next);
      hold_.renewed = base::planted(base::Bug::lease_from_answer) ? context_.clock.now() : sent;
      state_.checkpoint = row_.checkpoint;
      show_read_through();
      state_.last_checkpoint = sent;
      co_return Touched::kept;
    }
    ++context_.metrics.retries;
    if (context_.complaints.due("lease" + stored.error().code, context_.clock.now())) {
      context_.log.warning("cannot renew a lease; trying again",
                           {{"shard", row_.shard}, {"because", to_text(stored.error())}});
    }
    const Duration wait =
        core::retry_after(FailureKind::transient, ++attempts, context_.dice.roll());
    co_await context_.loop.sleep_until(
        std::min(context_.clock.now() + std::min<Duration>(wait, 1s), end));
  }
  base::mark(base::Mark::lease_ran_out);
  co_return Touched::lost;
}

Task<bool> ShardSession::is_ours(const core::ShardRow& next) {
  unsigned attempts = 0;
  while (context_.clock.now() < hold_.end()) {
    const Instant deadline = std::min(context_.clock.now() + kLeaseCallTimeout, hold_.end());
    Result<std::optional<core::ShardRow>> stored =
        co_await context_.leases.get(next.stream, next.shard, deadline);
    if (stored) co_return *stored && (*stored)->nonce == next.nonce;
    const Duration wait =
        core::retry_after(FailureKind::transient, ++attempts, context_.dice.roll());
    co_await context_.loop.sleep_until(
        std::min(context_.clock.now() + std::min<Duration>(wait, 1s), hold_.end()));
  }
  co_return false;
}

// Gives the lease back so that another can go on at once. Not while a write of ours is in flight:
// the next owner's doubt about us would begin too early; then the lease runs out by itself.
Task<void> ShardSession::release() {
  // Or the refresher would issue writes while the row says that the shard is free.
  frozen_ = !base::planted(base::Bug::writes_after_release);
  const Instant deadline = context_.clock.now() + 3s;
  while (frozen_ && refresher_.turns().in_flight(id_) && context_.clock.now() < deadline) {
    co_await progress_.wait(context_.clock.now() + 50ms);
  }
  if (refresher_.turns().in_flight(id_) && frozen_) {
    base::mark(base::Mark::not_released);
    co_return;
  }
  core::ShardRow next = next_row();
  next.owner.clear();
  const bool in_doubt = refresher_.turns().has_claims(id_) ||
                        (takeover_until_ && context_.clock.now() < *takeover_until_);
  if (in_doubt) base::mark(base::Mark::released_in_doubt);
  next.clean = !in_doubt || base::planted(base::Bug::released_as_clean);
  co_await touch(std::move(next));
}

Task<void> ShardSession::bury() {
  for (;;) {
    if (burials_.empty() || context_.settings.dead_letter.empty()) {
      co_await progress_.wait();
      continue;
    }
    const Burial& burial = burials_.front();
    const DeadLetter letter{stream_.identity(), row_.shard, watermark_.sequence(burial.slot),
                            burial.reason, watermark_.raw(burial.slot)};
    unsigned attempts = 0;
    while (!base::planted(base::Bug::junk_not_buried)) {
      Result<void> written =
          co_await context_.files.append_line(context_.settings.dead_letter, to_line(letter));
      if (written) break;
      if (context_.complaints.due("dead letter", context_.clock.now())) {
        context_.log.error("cannot write a dead letter; its shard waits",
                           {{"shard", row_.shard}, {"because", to_text(written.error())}});
      }
      const Duration wait =
          core::retry_after(FailureKind::configuration, ++attempts, context_.dice.roll());
      co_await context_.loop.sleep_until(context_.clock.now() + wait);
    }
    ++context_.metrics.dead_lettered;
    context_.log.warning(
        "set a record aside",
        {{"shard", row_.shard}, {"sequence", letter.sequence}, {"reason", letter.reason}});
    const core::Watermark::Slot slot = burial.slot;
    burials_.pop_front();
    finished(slot);
  }
}

}  // namespace dynamodb_replicator::flow

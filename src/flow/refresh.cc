#include "flow/refresh.h"

#include <algorithm>
#include <utility>

#include "base/planted.h"

namespace dynamodb_replicator::flow {
namespace {

// BatchGetItem leaves keys out of an answer of more than 16 MB, or of more than 1 MB from one
// partition (API reference): then it is not throttling, and the rest may be asked for at once.
constexpr std::size_t kAnswerFull = 900'000;

}  // namespace

std::vector<item::KeyRef> keys_of(const std::vector<core::Turn>& turns) {
  std::vector<item::KeyRef> keys;
  keys.reserve(turns.size());
  for (const core::Turn& turn : turns) keys.push_back(turn.key);
  return keys;
}

std::uint64_t Refresher::enlist(ClaimOwner& owner) {
  owners_[next_session_] = &owner;
  return next_session_++;
}

void Refresher::dismiss(std::uint64_t session) {
  owners_.erase(session);
  turns_.drop_session(session);
}

Task<void> Refresher::run() {
  async::Scope lanes(context_.loop);
  for (unsigned i = 0; i < kLanes; ++i) lanes.spawn(lane());
  co_await lanes.join();
}

// Turns whose writes may be issued now. The others wait for a renewal, or for their sessions to be
// dropped; they are not even read, so that a session which gives its lease back can see that
// nothing of it is in flight.
Refresher::Turns Refresher::take_turns() {
  const Instant now = context_.clock.now();
  // What is read together is written together: whole batches (4 x 25, or 99), not 99 and one more.
  const std::size_t whole = core::kReadKeysMax / batch_limit_ * batch_limit_;
  // No more than four writes a lane: after timeouts batches are small, and must not become many
  // instead.
  Turns turns = turns_.take(now, std::min(whole, 4 * batch_max_));
  std::erase_if(turns, [&](const core::Turn& turn) {
    if (may_issue(turn, now)) return false;
    turns_.again(turn, now + kLookAgain, std::nullopt, false);
    return true;
  });
  return turns;
}

Task<void> Refresher::lane() {
  for (;;) {
    const Instant now = context_.clock.now();
    Turns turns;
    if (active_ < window_.size()) turns = take_turns();
    if (turns.empty()) {
      std::optional<Instant> due = turns_.next_due();
      if (active_ >= window_.size()) due = now + 100ms;  // a finished lane wakes us before that
      co_await changed_.wait(due);
      continue;
    }
    ++active_;
    Turns rechecks;
    for (core::Turn& turn : turns) {
      if (turn.recheck) rechecks.push_back(std::move(turn));
    }
    std::erase_if(turns, [](const core::Turn& turn) { return turn.key == nullptr; });
    if (!turns.empty()) co_await refresh(std::move(turns));
    if (!rechecks.empty()) co_await recheck(std::move(rechecks));
    --active_;
    changed_.notify();
  }
}

// Of the sessions on whose behalf the key is written, the one whose lease lasts longest.
std::optional<std::uint64_t> Refresher::best_session(const core::Turn& turn) const {
  std::optional<std::uint64_t> best;
  Instant end{};
  for (const std::uint64_t session : turn.sessions) {
    const auto owner = owners_.find(session);
    if (owner == owners_.end()) continue;
    const core::Hold hold = owner->second->hold();
    if (best && hold.end() <= end) continue;
    best = session;
    end = hold.end();
  }
  return best;
}

std::optional<core::Hold> Refresher::best_hold(const core::Turn& turn) const {
  const std::optional<std::uint64_t> session = best_session(turn);
  if (!session) return std::nullopt;
  return owners_.at(*session)->hold();
}

bool Refresher::may_issue(const core::Turn& turn, Instant now) const {
  const std::optional<core::Hold> hold = best_hold(turn);
  return hold && (now < hold->issue_until() || base::planted(base::Bug::writes_past_lease));
}

std::optional<Instant> Refresher::takeover_doubt(const core::Turn& turn, Instant issued) const {
  for (const std::uint64_t session : turn.sessions) {
    const auto owner = owners_.find(session);
    if (owner == owners_.end()) continue;
    const std::optional<Instant> until = owner->second->takeover_until();
    if (until && issued < *until) return std::max(issued + context_.settings.doubt, *until);
  }
  return std::nullopt;
}

void Refresher::note(const Failure& failure, std::string& blocked) {
  ++context_.metrics.retries;
  if (failure.kind == FailureKind::throttled) {
    ++context_.metrics.throttles;
    window_.throttled(context_.clock.now());
  }
  if (core::needs_operator(failure.kind)) blocked = to_text(failure);
  if (context_.complaints.due(failure.operation + failure.code, context_.clock.now())) {
    context_.log.warning("trying again", {{"after", to_text(failure)}});
  }
}

void Refresher::retry(const core::Turn& turn, FailureKind kind, std::optional<Instant> doubt) {
  const Duration wait = core::retry_after(kind, turn.failures + 1, context_.dice.roll());
  turns_.again(turn, context_.clock.now() + wait, doubt, true);
}

void Refresher::retry_all(const Turns& turns, const Failure& failure,
                          std::optional<Instant> doubt) {
  for (const core::Turn& turn : turns) retry(turn, failure.kind, doubt);
}

void Refresher::refuse(const core::Turn& turn, const std::string& reason) {
  base::mark(base::Mark::key_refused);
  for (const core::Claim& claim : turns_.refused(turn)) {
    const auto owner = owners_.find(claim.session);
    if (owner != owners_.end()) owner->second->refused(claim.slot, reason);
  }
}

void Refresher::apply(const Pending& done, Instant issued) {
  const std::vector<core::Claim> finished =
      turns_.applied(done.turn, issued, takeover_doubt(done.turn, issued));
  context_.metrics.records_applied += finished.size();
  if (finished.size() > 1) base::mark(base::Mark::claims_coalesced);
  if (!finished.empty()) context_.metrics.records_coalesced += finished.size() - 1;
  for (const core::Claim& claim : finished) owners_.at(claim.session)->finished(claim.slot);
}

Task<void> Refresher::refresh(Turns turns) {
  std::optional<Batch> batch = co_await read_primary(std::move(turns));
  if (batch) co_await write_all(std::move(*batch));
}

// What the primary has for these turns. Turns that could not be read are given back; nullopt if
// that is all.
Task<std::optional<Refresher::Batch>> Refresher::read_primary(Turns turns) {
  co_await context_.loop.sleep_until(read_budget_.ready_at());
  const std::vector<item::KeyRef> keys = keys_of(turns);
  Result<ReadAnswer> answer =
      co_await context_.primary.read(keys, context_.clock.now() + kReadTimeout);
  if (!answer) {
    const Failure& failure = answer.error();
    if (core::worth_splitting(failure.kind)) {
      if (turns.size() == 1) {
        refuse(turns.front(),
               "the primary refuses to read this key: " + failure.code + ": " + failure.message);
        co_return std::nullopt;
      }
      Turns rest = core::split_off(turns);
      std::optional<Batch> first = co_await read_primary(std::move(turns));
      std::optional<Batch> second = co_await read_primary(std::move(rest));
      if (!first) co_return second;
      if (second) std::move(second->begin(), second->end(), std::back_inserter(*first));
      co_return first;
    }
    note(failure, read_blocked_);
    retry_all(turns, failure, std::nullopt);
    co_return std::nullopt;
  }
  read_blocked_.clear();
  context_.metrics.read_units += answer->units;
  read_budget_.charge(answer->units, context_.clock.now());
  std::size_t bytes = 0;
  for (const ReadAnswer::Entry& entry : answer->entries) bytes += entry.item.size();
  Batch batch;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    ReadAnswer::Entry& entry = answer->entries[i];
    if (entry.state == ReadAnswer::State::unprocessed && bytes >= kAnswerFull) {
      turns_.again(turns[i], context_.clock.now(), std::nullopt, false);
    } else if (entry.state == ReadAnswer::State::unprocessed) {
      ++context_.metrics.unprocessed;
      window_.throttled(context_.clock.now());
      retry(turns[i], FailureKind::throttled, std::nullopt);
    } else {
      batch.push_back({std::move(turns[i]), std::move(entry.item)});
    }
  }
  if (batch.empty()) co_return std::nullopt;
  co_return batch;
}

Task<void> Refresher::write_all(Batch batch) {
  if (context_.fenced != nullptr) {
    co_await write_all_fenced(std::move(batch));
    co_return;
  }
  std::vector<std::size_t> bytes;
  bytes.reserve(batch.size());
  for (const Pending& pending : batch)
    bytes.push_back(pending.item.size() + pending.turn.key->wire().size());
  async::Scope scope(context_.loop);
  std::size_t begin = 0;
  for (const std::size_t end : core::cut_batches(bytes, batch_max_)) {
    Batch part(std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(begin)),
               std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(end)));
    scope.spawn(write_batch(std::move(part)));
    begin = end;
  }
  co_await scope.join();
}

Task<void> Refresher::write_batch(Batch batch) {
  co_await context_.loop.sleep_until(write_budget_.ready_at());
  const Instant issued = context_.clock.now();
  Instant deadline = issued + kWriteTimeout;
  std::vector<Write> writes;
  Batch allowed;
  for (Pending& pending : batch) {
    const std::optional<core::Hold> hold = best_hold(pending.turn);
    if (!may_issue(pending.turn, issued)) {
      base::mark(base::Mark::write_held_back);
      turns_.again(pending.turn, issued + kLookAgain, std::nullopt, false);
      continue;
    }
    if (!base::planted(base::Bug::writes_past_lease)) deadline = std::min(deadline, hold->end());
    writes.push_back({pending.turn.key, pending.item});
    allowed.push_back(std::move(pending));
  }
  if (writes.empty()) co_return;
  ++context_.metrics.write_requests;
  Result<WriteAnswer> answer = co_await context_.replica.write(writes, deadline);
  if (answer) {
    context_.metrics.write_units += answer->units;
    write_budget_.charge(answer->units, context_.clock.now());
    write_blocked_.clear();
    Batch written;
    sort_out(std::move(allowed), *answer, deadline, written);
    if (!written.empty()) co_await verify(std::move(written), issued);
    co_return;
  }
  const Failure& failure = answer.error();
  if (core::worth_splitting(failure.kind) && !failure.maybe_applied) {
    if (allowed.size() == 1) {
      refuse(allowed.front().turn,
             "the replica refuses this item: " + failure.code + ": " + failure.message);
      co_return;
    }
    base::mark(base::Mark::batch_split);
    Batch rest = core::split_off(allowed);
    co_await write_batch(std::move(allowed));
    co_await write_batch(std::move(rest));
    co_return;
  }
  note(failure, write_blocked_);
  if (failure.maybe_applied) base::mark(base::Mark::batch_halved);
  if (failure.maybe_applied) batch_max_ = std::max<std::size_t>(1, batch_max_ / 2);
  std::optional<Instant> doubt;
  if (failure.maybe_applied && !base::planted(base::Bug::no_doubt_after_timeout))
    doubt = deadline + context_.settings.doubt;
  for (const Pending& pending : allowed) retry(pending.turn, failure.kind, doubt);
}

// Splits an answered batch into what is written and what goes round again.
void Refresher::sort_out(Batch batch, const WriteAnswer& answer, Instant deadline, Batch& written) {
  bool all = true;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (answer.done[i]) {
      ++(batch[i].item.empty() ? context_.metrics.deletes : context_.metrics.puts);
      written.push_back(std::move(batch[i]));
    } else {
      all = false;
      base::mark(base::Mark::unprocessed_retried);
      ++context_.metrics.unprocessed;
      retry(batch[i].turn, FailureKind::throttled, deadline + context_.settings.doubt);
    }
  }
  if (all) {
    window_.clean();
    batch_max_ = std::min(batch_max_ + 1, batch_limit_);
  } else {
    window_.throttled(context_.clock.now());
  }
}

}  // namespace dynamodb_replicator::flow

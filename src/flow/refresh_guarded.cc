#include "flow/refresh_guarded.h"

#include <algorithm>
#include <utility>

#include "async/scope.h"
#include "base/planted.h"
#include "core/batches.h"

namespace dynamodb_replicator::flow {
namespace {

Failure throttled(const char* operation) {
  Failure failure;
  failure.kind = FailureKind::throttled;
  failure.operation = operation;
  failure.message = "the service left the key unprocessed";
  return failure;
}

}  // namespace

Outcome GuardedRefresher::failed(const Failure& failure) {
  const bool stops = core::needs_operator(failure.kind) && failure.kind != FailureKind::invalid;
  return {Outcome::Kind::failed, false, to_text(failure), stops};
}

Outcome GuardedRefresher::finished(const Work& work) {
  if (!work.wrote) return {Outcome::Kind::settled, false, {}};
  return {Outcome::Kind::repaired, work.deleted, {}};
}

// All are noted at once, though some may need no write: the disk's wait would else be longer than
// the service's.
Task<std::vector<Outcome>> GuardedRefresher::refresh(std::vector<item::KeyRef> keys) {
  if (out_.journal != nullptr) {
    Result<void> begun = co_await out_.journal->begin(keys);
    if (!begun) co_return std::vector<Outcome>(keys.size(), failed(begun.error()));
  }
  std::vector<Work> work(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) work[i].key = std::move(keys[i]);
  std::vector<Outcome> outcomes = co_await refresh_all(std::move(work));
  co_return outcomes;
}

Task<std::vector<Outcome>> GuardedRefresher::finish(std::vector<item::KeyRef> keys) {
  const Instant known = out_.clock.now() + kWriteTimeout + settings_.doubt;
  std::vector<Work> work(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    work[i].key = std::move(keys[i]);
    work[i].doubt = known;
    work[i].left = true;
  }
  return refresh_all(std::move(work));
}

Task<std::vector<Outcome>> GuardedRefresher::refresh_all(std::vector<Work> work) {
  std::vector<Outcome> outcomes(work.size());
  std::size_t next = 0;
  {
    async::Scope lanes(out_.loop);
    for (std::size_t i = 0; i < std::min<std::size_t>(settings_.lanes, work.size()); ++i)
      lanes.spawn(lane(work, next, outcomes));
    co_await lanes.join();
  }
  if (out_.journal == nullptr) co_return outcomes;
  std::vector<item::KeyRef> closed;
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (!stays_open(work[i], outcomes[i])) closed.push_back(work[i].key);
  }
  if (!closed.empty()) co_await out_.journal->done(std::move(closed));
  co_return outcomes;
}

// A key that was written and is not known to be in line.
bool GuardedRefresher::stays_open(const Work& work, const Outcome& outcome) const {
  // Where the run stops, what it did not touch is behind no cursor.
  const bool asked = settings_.keep_failed && !outcome.stops;
  return !outcome.in_line() && (asked || work.left || work.wrote || work.doubt);
}

Task<void> GuardedRefresher::lane(std::vector<Work>& work, std::size_t& next,
                                  std::vector<Outcome>& outcomes) {
  while (next < work.size()) {
    if (active_ >= window_.size()) {
      co_await changed_.wait(out_.clock.now() + 100ms);
      continue;
    }
    const std::size_t place = next++;
    ++active_;
    Outcome outcome = co_await settle(work[place]);
    outcomes[place] = std::move(outcome);
    --active_;
    changed_.notify();
  }
}

Task<Outcome> GuardedRefresher::settle(Work& work) {
  for (unsigned round = 0; round < settings_.rounds;) {
    const Instant began = out_.clock.now();
    Result<std::string> seen = co_await read(core::Side::replica, work);
    if (!seen) co_return failed(seen.error());
    Result<std::string> wanted = co_await read(core::Side::primary, work);
    if (!wanted) co_return failed(wanted.error());
    if (work.doubt && began >= *work.doubt) work.doubt.reset();
    if (item::same_item(*wanted, *seen, out_.ignored)) {
      if (!work.doubt) co_return finished(work);
      co_await out_.loop.sleep_until(*work.doubt);
      continue;
    }
    if (wanted->empty() && !base::planted(base::Bug::deletes_at_one_look)) {
      Result<std::string> again = co_await read(core::Side::primary, work);
      if (!again) co_return failed(again.error());
      if (!again->empty()) {
        ++round;
        continue;
      }
    }
    Result<Written> written = co_await write(work, *wanted, *seen);
    if (!written) co_return failed(written.error());
    if (*written == Written::unknown) continue;
    ++round;
    if (*written == Written::lost) {
      // Twice, and the replica still holds the very text: this engine cannot compare such values
      // (dynalite calls equal maps and lists different). A guard only narrows; the read below
      // decides.
      work.unguarded = work.lost_on == *seen;
      work.lost_on = std::move(*seen);
      continue;
    }
    if (base::planted(base::Bug::no_look_after_write) && !work.doubt) co_return finished(work);
    Result<std::string> after = co_await read(core::Side::primary, work);
    if (!after) co_return failed(after.error());
    if (!work.doubt && item::same_item(*after, *wanted, out_.ignored)) co_return finished(work);
  }
  co_return Outcome{Outcome::Kind::changing, false, {}};
}

// Consistent; empty: absent. Tries again until it is served or has failed.
Task<Result<std::string>> GuardedRefresher::read(core::Side side, Work& work) {
  TableReader& table = side == core::Side::primary ? out_.primary : out_.replica;
  for (;;) {
    co_await take_turn(out_.reads, 1);
    const std::vector<item::KeyRef> keys{work.key};
    Result<ReadAnswer> answer = co_await table.read(keys, out_.clock.now() + kReadTimeout);
    std::optional<Failure> failure;
    pay_read(side, 1, answer ? answer->units : 0);
    if (answer) {
      ReadAnswer::Entry& entry = answer->entries.front();
      if (entry.state != ReadAnswer::State::unprocessed) co_return std::move(entry.item);
      failure = throttled("BatchGetItem");
    } else {
      failure = std::move(answer).error();
    }
    Result<void> on = co_await back_off(work, *std::move(failure));
    if (!on) co_return std::move(on).error();
  }
}

// Taken before the request and made good after it, so that lanes do not all go at once.
Task<void> GuardedRefresher::take_turn(core::Budget* budget, double expected) {
  if (budget == nullptr) co_return;
  while (budget->ready_at() > out_.clock.now()) {
    const Instant ready = budget->ready_at();
    co_await out_.loop.sleep_until(ready);
  }
  budget->charge(expected, out_.clock.now());
}

void GuardedRefresher::pay_read(core::Side side, double expected, double consumed) {
  totals_.read_units[core::index_of(side)] += consumed;
  if (out_.reads != nullptr) out_.reads->charge(consumed - expected, out_.clock.now());
}

void GuardedRefresher::pay_write(double expected, double consumed) {
  totals_.write_units += consumed;
  if (out_.writes != nullptr) out_.writes->charge(consumed - expected, out_.clock.now());
}

Task<Result<void>> GuardedRefresher::back_off(Work& work, Failure failure) {
  const Instant now = out_.clock.now();
  if (failure.kind == FailureKind::throttled) {
    ++totals_.throttles;
    window_.throttled(now);
  }
  if (!core::passes(failure.kind) || ++work.failures > kFailuresMax) {
    failure.attempts = static_cast<int>(std::max(1U, work.failures));
    co_return failure;
  }
  const Duration wait = core::retry_after(failure.kind, work.failures, out_.dice.roll());
  co_await out_.loop.sleep_until(now + wait);
  co_return Result<void>{};
}

// Makes the replica `wanted` (empty: absent) where it holds `seen`. One attempt: after a failure
// both sides must be read again, for by then `wanted` may be old.
Task<Result<GuardedRefresher::Written>> GuardedRefresher::write(Work& work,
                                                                const std::string& wanted,
                                                                const std::string& seen) {
  Write one{work.key, {}};
  if (!wanted.empty()) {
    auto put = item::with_kept(wanted, seen, out_.ignored, out_.schema);
    if (!put) {
      Failure failure;
      failure.kind = FailureKind::invalid;
      failure.message = "the item is malformed: " + put.error().reason;
      co_return failure;
    }
    one.item = *std::move(put);
  }
  core::Guard guard = work.unguarded ? core::Guard{} : core::guard_for(seen, out_.schema);
  const double expected = core::write_units_of(std::max(one.item.size(), seen.size()));
  co_await take_turn(out_.writes, expected);
  Instant deadline = out_.clock.now() + kWriteTimeout;
  Result<double> answer = co_await out_.guarded.write_if(one, guard, deadline);
  const bool unsaid = !answer && answer.error().kind == FailureKind::invalid &&
                      !answer.error().maybe_applied && !guard.expression.empty();
  if (unsaid) {  // an engine that cannot compare such values; or else the item itself is refused
    deadline = out_.clock.now() + kWriteTimeout;
    guard = {};
    Result<double> unguarded = co_await out_.guarded.write_if(one, guard, deadline);
    answer = std::move(unguarded);
  }
  pay_write(expected, answer ? *answer : 0);
  if (answer) {
    ++(wanted.empty() ? totals_.deletes : totals_.puts);
    window_.clean();
    work.failures = 0;
    work.wrote = true;
    work.deleted = wanted.empty();
    co_return Written::yes;
  }
  Failure failure = std::move(answer).error();
  if (failure.kind == FailureKind::condition_failed) {
    ++totals_.lost;
    work.failures = 0;
    co_return Written::lost;
  }
  if (failure.maybe_applied) {
    work.doubt = deadline + settings_.doubt;
    work.wrote = true;
    work.deleted = wanted.empty();
  }
  Result<void> on = co_await back_off(work, std::move(failure));
  if (!on) co_return std::move(on).error();
  co_return Written::unknown;
}

}  // namespace dynamodb_replicator::flow

// The second looks of the refresher: at the primary after a write, and at both sides when a doubt
// is over.
#include <utility>

#include "base/planted.h"
#include "flow/refresh.h"
#include "item/canonical.h"

namespace dynamodb_replicator::flow {

// Ends the turns of a written batch; where asked, only after the primary has been seen unchanged. A
// key that is changed faster than this takes is passed on to its newer record, or it would hold up
// its shard for ever.
Task<void> Refresher::verify(Batch written, Instant issued) {
  Batch unsure;
  Turns turns;
  for (Pending& done : written) {
    const bool passed_on = done.turn.verify && turns_.newer_waits(done.turn);
    if (passed_on) base::mark(base::Mark::duty_passed_on);
    if (!done.turn.verify || passed_on) {
      apply(done, issued);
    } else {
      turns.push_back(done.turn);
      unsure.push_back(std::move(done));
    }
  }
  if (unsure.empty()) co_return;
  const std::vector<item::KeyRef> keys = keys_of(turns);
  co_await context_.loop.sleep_until(read_budget_.ready_at());
  Result<ReadAnswer> answer =
      co_await context_.primary.read(keys, context_.clock.now() + kReadTimeout);
  if (!answer) {
    note(answer.error(), read_blocked_);
    retry_all(turns, answer.error(), std::nullopt);
    co_return;
  }
  context_.metrics.read_units += answer->units;
  read_budget_.charge(answer->units, context_.clock.now());
  for (std::size_t i = 0; i < unsure.size(); ++i) {
    const ReadAnswer::Entry& entry = answer->entries[i];
    const bool read = entry.state != ReadAnswer::State::unprocessed;
    if ((read && item::same_item(entry.item, unsure[i].item)) ||
        turns_.newer_waits(unsure[i].turn)) {
      apply(unsure[i], issued);
    } else if (read) {
      base::mark(base::Mark::verify_repeated);
      ++context_.metrics.verify_repeats;
      turns_.again(unsure[i].turn, context_.clock.now(), std::nullopt, false);
    } else {
      retry(unsure[i].turn, FailureKind::throttled, std::nullopt);
    }
  }
}

// The doubt about these keys is over: look at both sides, and write again where they differ.
Task<void> Refresher::recheck(Turns turns) {
  std::optional<Batch> batch = co_await read_primary(std::move(turns));
  if (!batch) co_return;
  Turns asked;
  for (const Pending& pending : *batch) asked.push_back(pending.turn);
  const std::vector<item::KeyRef> keys = keys_of(asked);
  Result<ReadAnswer> answer =
      co_await context_.replica_reader.read(keys, context_.clock.now() + kReadTimeout);
  if (!answer) {
    note(answer.error(), read_blocked_);
    retry_all(asked, answer.error(), std::nullopt);
    co_return;
  }
  Batch differing;
  for (std::size_t i = 0; i < batch->size(); ++i) {
    Pending& pending = (*batch)[i];
    const ReadAnswer::Entry& entry = answer->entries[i];
    if (entry.state == ReadAnswer::State::unprocessed) {
      retry(pending.turn, FailureKind::throttled, std::nullopt);
      continue;
    }
    ++context_.metrics.rechecks;
    const bool same = item::same_item(entry.item, pending.item);
    base::mark(same ? base::Mark::recheck_equal : base::Mark::recheck_repaired);
    if (same || base::planted(base::Bug::recheck_trusts_replica)) {
      const std::vector<core::Claim> finished = turns_.confirmed(pending.turn);
      context_.metrics.records_applied += finished.size();
      for (const core::Claim& claim : finished) owners_.at(claim.session)->finished(claim.slot);
    } else {
      ++context_.metrics.rechecks_repaired;
      turns_.reopened(pending.turn);
      differing.push_back(std::move(pending));
    }
  }
  if (!differing.empty()) co_await write_all(std::move(differing));
}

}  // namespace dynamodb_replicator::flow

#include "flow/settle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "async/scope.h"
#include "base/planted.h"
#include "core/batches.h"
#include "flow/content.h"
#include "item/compare.h"

namespace dynamodb_replicator::flow {

Task<Result<void>> Settler::run(core::RunMerge& leftovers) {
  context_.progress.phase = CompareProgress::Phase::settle;
  context_.progress.settle_began = context_.clock.now();
  context_.progress.outcomes = state_.outcomes;
  context_.progress.candidates = state_.candidates;
  Result<void> told = co_await tell_again();
  if (!told) co_return told;
  Result<void> begun = co_await keep();
  if (!begun) co_return begun;
  for (;;) {
    Result<Round> round = next_round(leftovers);
    if (!round) co_return std::move(round).error();
    if (round->empty()) co_return Result<void>{};
    Result<void> settled = co_await settle(std::move(*round));
    if (!settled) co_return settled;
    Result<void> kept = co_await keep();
    if (!kept) co_return kept;
  }
}

Task<Result<void>> Settler::keep() {
  if (context_.resuming.keeper == nullptr) co_return Result<void>{};
  state_.outcomes = context_.progress.outcomes;
  state_.candidates = context_.progress.candidates;
  state_.units = context_.progress.units;
  co_return co_await context_.resuming.keeper->keep(state_);
}

// Findings of this run go to the spill, one a line: the finding's number and its key.
Task<Result<void>> Settler::tell(std::vector<Found> findings) {
  if (context_.resuming.keeper != nullptr && !findings.empty()) {
    std::string lines;
    for (const Found& one : findings) {
      lines += std::to_string(static_cast<int>(one.what)) + one.key->wire() + "\n";
    }
    state_.findings.push_back({context_.resuming.spill->size(), lines.size()});
    Result<void> written = context_.resuming.spill->append(lines);
    if (!written) co_return written;
  }
  co_return co_await findings_.found(std::move(findings));
}

// What the interrupted run has found is told again: this run's answer is whole.
Task<Result<void>> Settler::tell_again() {
  for (const core::SpillPlace& place : state_.findings) {
    Result<std::string> lines =
        context_.resuming.spill->read(place.offset, static_cast<std::size_t>(place.bytes));
    if (!lines) co_return std::move(lines).error();
    std::vector<Found> findings;
    for (std::size_t at = 0; at < lines->size();) {
      const std::size_t end = std::min(lines->find('\n', at), lines->size());
      const int what = (*lines)[at] - '0';
      auto key = item::parse_key(std::string_view(*lines).substr(at + 1, end - at - 1),
                                 context_.settings.schema);
      if (what < 0 || what >= static_cast<int>(kFindings) || !key) {
        Failure failure;
        failure.kind = FailureKind::configuration;
        failure.message = "the findings of the interrupted run cannot be read back";
        failure.hint = "Start it anew, without the file of the interrupted run.";
        co_return failure;
      }
      findings.push_back({static_cast<Finding>(what), std::move(*key)});
      at = end + 1;
    }
    Result<void> told = co_await findings_.found(std::move(findings));
    if (!told) co_return told;
  }
  co_return Result<void>{};
}

Result<Settler::Round> Settler::next_round(core::RunMerge& leftovers) {
  Round round;
  std::optional<base::Digest128> last;
  while (round.size() < kRound) {
    Result<std::optional<core::Leftover>> next = leftovers.next();
    if (!next) return std::move(next).error();
    if (!*next) break;
    const core::Leftover& leftover = **next;
    if (state_.settled_to && !(*state_.settled_to < leftover.key)) continue;
    last = leftover.key;
    Result<item::KeyRef, std::string> key =
        item::parse_key(leftover.key_text, context_.settings.schema);
    if (!key) {
      Failure failure;
      failure.kind = FailureKind::configuration;
      failure.message = "a key that was kept of the scan cannot be read: " + key.error();
      return failure;
    }
    Candidate& candidate = round.emplace_back();
    candidate.key = std::move(*key);
    for (std::size_t i = 0; i < 2; ++i) candidate.scanned[i] = leftover.content[i].has_value();
  }
  context_.progress.candidates += round.size();
  if (last) state_.settled_to = last;
  return round;
}

Task<Result<void>> Settler::settle(Round round) {
  std::vector<Found> findings;
  for (unsigned looks = 1; !round.empty(); ++looks) {
    if (looks > 1 && context_.settings.settle > Duration{0}) {
      const bool stopped =
          co_await context_.stop.wait_until(context_.clock.now() + context_.settings.settle);
      if (stopped) co_return stopped_failure();
    }
    Result<void> looked = co_await look(round);
    if (!looked) co_return looked;
    std::erase_if(round, [&](Candidate& one) { return decide(one, looks, findings); });
  }
  co_return co_await tell(std::move(findings));
}

bool Settler::decide(Candidate& candidate, unsigned looks, std::vector<Found>& findings) {
  Outcomes& outcomes = context_.progress.outcomes;
  const Look now = candidate.now;
  const bool primary = now.content[0].has_value();
  const bool replica = now.content[1].has_value();
  if (now.content[0] == now.content[1]) return finish(candidate, outcomes.settled), true;
  // The service deletes what has expired when it likes, on each side for itself.
  if (primary ? now.expired[0] : now.expired[1]) return finish(candidate, outcomes.expired), true;
  const bool only_replica_scanned = !candidate.scanned[0] && candidate.scanned[1];
  if (!context_.settings.whole && only_replica_scanned && primary)
    return finish(candidate, outcomes.elsewhere), true;
  const bool held_still =
      (looks > 1 && now == candidate.before) || base::planted(base::Bug::settles_at_one_look);
  if (!held_still && looks < kLooksMax) {
    candidate.before = now;
    return false;
  }
  Finding what = Finding::different;
  if (!replica) what = Finding::missing;
  if (!primary) what = Finding::extraneous;
  if (!held_still) what = Finding::changing;
  finish(candidate, outcomes.found[static_cast<std::size_t>(what)]);
  findings.push_back({what, candidate.key});
  return true;
}

void Settler::finish(const Candidate& candidate, std::uint64_t& outcome) {
  ++outcome;
  for (std::size_t i = 0; i < 2; ++i) {
    context_.progress.outcomes.sides[i] += candidate.scanned[i] ? 1 : 0;
  }
}

Task<Result<void>> Settler::look(Round& round) {
  std::size_t next = 0;
  std::optional<Failure> failed;
  async::Scope scope(context_.loop);
  for (unsigned i = 0; i < kLanes; ++i) scope.spawn(lane(round, next, failed));
  co_await scope.join();
  if (failed) co_return *failed;
  co_return Result<void>{};
}

Task<void> Settler::lane(Round& round, std::size_t& next, std::optional<Failure>& failed) {
  while (next < round.size() && !failed) {
    const std::size_t count = std::min(core::kReadKeysMax, round.size() - next);
    const std::span<Candidate> part(round.data() + next, count);
    next += count;
    // The replica first: what it held then and the primary lacks afterwards is gone from there
    // since before the next look. The other way round a key that is made, copied and deleted again
    // between two looks counts as extraneous, however quickly the replica follows.
    std::array sides{core::Side::replica, core::Side::primary};
    if (base::planted(base::Bug::looks_at_primary_first)) std::swap(sides[0], sides[1]);
    for (const core::Side side : sides) {
      Result<void> done = co_await read(side, part);
      if (done) continue;
      if (!failed) failed = std::move(done).error();
      co_return;
    }
  }
}

Task<Result<void>> Settler::read(core::Side side, std::span<Candidate> part) {
  const std::size_t i = core::index_of(side);
  TableReader& reader = *context_.readers[i];
  std::vector<Candidate*> pending;
  for (Candidate& candidate : part) pending.push_back(&candidate);
  for (unsigned rounds = 1; !pending.empty(); ++rounds) {
    std::vector<item::KeyRef> keys;
    keys.reserve(pending.size());
    for (const Candidate* candidate : pending) keys.push_back(candidate->key);
    const auto expected = static_cast<double>(keys.size());  // one unit for up to 4 KB
    Result<ReadAnswer> answer = co_await insist<ReadAnswer>(
        context_, side, expected, kReadTimeout,
        [&reader, &keys](Instant deadline) { return reader.read(keys, deadline); });
    if (!answer) co_return std::move(answer).error();
    std::vector<Candidate*> unprocessed;
    for (std::size_t n = 0; n < pending.size(); ++n) {
      const ReadAnswer::Entry& entry = answer->entries[n];
      Look& now = pending[n]->now;
      now.content[i].reset();
      now.expired[i] = false;
      if (entry.state == ReadAnswer::State::unprocessed) {
        unprocessed.push_back(pending[n]);
      } else if (entry.state == ReadAnswer::State::found) {
        now.content[i] = digest_of(entry.item, context_.settings.rules);
        now.expired[i] =
            item::is_expired(entry.item, context_.settings.rules.ttl, context_.clock.wall());
      }
    }
    const bool none = unprocessed.size() == pending.size();
    pending = std::move(unprocessed);
    if (pending.empty()) break;
    // Large items come back a few at a time: that is progress. Nothing at all is a throttle.
    const Duration wait =
        core::retry_after(FailureKind::throttled, none ? rounds : 1, context_.dice.roll());
    const bool stopped = co_await context_.stop.wait_until(context_.clock.now() + wait);
    if (stopped) co_return stopped_failure();
  }
  co_return Result<void>{};
}

}  // namespace dynamodb_replicator::flow

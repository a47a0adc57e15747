#include "core/key_turns.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/planted.h"

namespace dynamodb_replicator::core {
namespace {

void append(std::vector<Claim>& to, std::vector<Claim>& from) {
  to.insert(to.end(), from.begin(), from.end());
  from.clear();
}

void add_sessions(std::vector<std::uint64_t>& sessions, const std::vector<Claim>& claims) {
  for (const Claim& claim : claims) {
    if (std::find(sessions.begin(), sessions.end(), claim.session) == sessions.end()) {
      sessions.push_back(claim.session);
    }
  }
}

}  // namespace

void KeyTurns::arrive(const item::KeyRef& key, Claim claim) {
  Entry& entry = keys_[key->canonical()];
  if (!entry.key) entry.key = key;
  entry.fresh.push_back(claim);
  ++claims_[claim.session];
  if (entry.state == State::idle) {
    entry.state = State::queued;
    ready_.push_back(key->canonical());
  }
}

// Keys whose doubt is over: those with held claims get a turn, the others are forgotten.
void KeyTurns::resolve_doubts(Instant now) {
  while (!in_doubt_.empty() && in_doubt_.begin()->first <= now) {
    const std::string canonical = std::move(in_doubt_.begin()->second);
    in_doubt_.erase(in_doubt_.begin());
    const auto found = keys_.find(canonical);
    if (found == keys_.end() || found->second.state != State::idle || !found->second.doubt)
      continue;
    Entry& entry = found->second;
    if (*entry.doubt > now)
      continue;  // it has grown since: settle() has entered the later time too
    if (entry.held.empty()) {
      keys_.erase(found);
    } else {
      entry.state = State::queued;
      ready_.push_back(canonical);
    }
  }
}

std::vector<Turn> KeyTurns::take(Instant now, std::size_t max) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    ready_.push_back(std::move(delayed_.begin()->second));
    delayed_.erase(delayed_.begin());
  }
  resolve_doubts(now);
  std::vector<Turn> turns;
  while (turns.size() < max && !ready_.empty()) {
    const std::string canonical = std::move(ready_.front());
    ready_.pop_front();
    Entry& entry = keys_.at(canonical);
    INVARIANT(entry.state == State::queued, "a key on the ready list is queued");
    append(entry.active, entry.fresh);
    const bool recheck =
        entry.active.empty() && !entry.held.empty() && entry.doubt && *entry.doubt <= now;
    if (entry.active.empty() && !recheck) {  // its sessions ended, or only doubt is left
      entry.state = State::idle;
      if (entry.doubt && *entry.doubt <= now) entry.doubt.reset();  // nothing hangs on it any more
      settle(canonical);
      continue;
    }
    entry.state = State::in_flight;
    entry.rechecking = recheck;
    const bool verify = std::any_of(entry.active.begin(), entry.active.end(),
                                    [](const Claim& c) { return c.verify; });
    Turn turn{entry.key, recheck, verify, {}, entry.failures};
    add_sessions(turn.sessions, entry.active);
    add_sessions(turn.sessions, entry.held);
    turns.push_back(std::move(turn));
  }
  return turns;
}

std::optional<Instant> KeyTurns::next_due() const {
  if (!ready_.empty()) return Instant::min();
  std::optional<Instant> due;
  if (!delayed_.empty()) due = delayed_.begin()->first;
  if (!in_doubt_.empty()) due = std::min(due.value_or(Instant::max()), in_doubt_.begin()->first);
  return due;
}

KeyTurns::Entry& KeyTurns::entry_of(const Turn& turn) {
  Entry& entry = keys_.at(turn.key->canonical());
  INVARIANT(entry.state == State::in_flight, "a turn is given back once");
  return entry;
}

void KeyTurns::queue(Entry& entry, Instant when) {
  entry.state = State::queued;
  delayed_.emplace(when, entry.key->canonical());
}

// After a turn has ended: queue what arrived meanwhile, wait for doubt to pass, or forget the key.
void KeyTurns::settle(const std::string& canonical) {
  const auto found = keys_.find(canonical);
  Entry& entry = found->second;
  if (!entry.fresh.empty() || !entry.active.empty()) {
    entry.state = State::queued;
    ready_.push_back(canonical);
    return;
  }
  entry.state = State::idle;
  if (entry.doubt) {
    in_doubt_.emplace(*entry.doubt, canonical);
  } else {
    INVARIANT(entry.held.empty(), "claims are held only while there is doubt");
    keys_.erase(found);
  }
}

void KeyTurns::forget(const std::vector<Claim>& claims) {
  for (const Claim& claim : claims) {
    const auto count = claims_.find(claim.session);
    if (--count->second == 0) claims_.erase(count);
  }
}

std::vector<Claim> KeyTurns::applied(const Turn& turn, Instant issued,
                                     std::optional<Instant> doubt) {
  Entry& entry = entry_of(turn);
  entry.failures = 0;
  const bool over =
      entry.doubt && (*entry.doubt <= issued || base::planted(base::Bug::doubt_ends_at_next_write));
  if (over) entry.doubt.reset();
  if (doubt) entry.doubt = std::max(entry.doubt.value_or(*doubt), *doubt);
  if (base::planted(base::Bug::late_arrivals_credited)) append(entry.active, entry.fresh);
  append(entry.held, entry.active);
  std::vector<Claim> finished;
  if (!entry.doubt || base::planted(base::Bug::doubt_not_awaited)) finished.swap(entry.held);
  forget(finished);
  settle(turn.key->canonical());
  return finished;
}

void KeyTurns::again(const Turn& turn, Instant when, std::optional<Instant> doubt, bool failed) {
  Entry& entry = entry_of(turn);
  if (doubt) entry.doubt = std::max(entry.doubt.value_or(*doubt), *doubt);
  if (failed) ++entry.failures;
  queue(entry, when);
}

std::vector<Claim> KeyTurns::confirmed(const Turn& turn) {
  Entry& entry = entry_of(turn);
  INVARIANT(entry.rechecking, "only a recheck can confirm");
  entry.failures = 0;
  entry.doubt.reset();
  std::vector<Claim> finished;
  finished.swap(entry.held);
  forget(finished);
  settle(turn.key->canonical());
  return finished;
}

void KeyTurns::reopened(Turn& turn) {
  Entry& entry = entry_of(turn);
  INVARIANT(entry.rechecking, "only a recheck can be reopened");
  entry.rechecking = false;
  append(entry.active, entry.held);
  turn.recheck = false;
  turn.verify = std::any_of(entry.active.begin(), entry.active.end(),
                            [](const Claim& c) { return c.verify; });
}

std::vector<Claim> KeyTurns::refused(const Turn& turn) {
  Entry& entry = entry_of(turn);
  entry.failures = 0;
  std::vector<Claim> claims;
  claims.swap(entry.active);
  append(claims, entry.held);  // what was held would need a write that the service refuses
  forget(claims);
  settle(turn.key->canonical());
  return claims;
}

bool KeyTurns::newer_waits(const Turn& turn) const {
  const Entry& entry = keys_.at(turn.key->canonical());
  return std::any_of(entry.fresh.begin(), entry.fresh.end(),
                     [](const Claim& claim) { return claim.verify; });
}

void KeyTurns::drop_session(std::uint64_t session) {
  for (auto& [canonical, entry] : keys_) {
    for (auto* claims : {&entry.fresh, &entry.active, &entry.held}) {
      std::erase_if(*claims, [session](const Claim& claim) { return claim.session == session; });
    }
  }
  claims_.erase(session);
}

bool KeyTurns::in_flight(std::uint64_t session) const {
  return std::any_of(keys_.begin(), keys_.end(), [session](const auto& pair) {
    const Entry& entry = pair.second;
    const auto ours = [session](const Claim& claim) { return claim.session == session; };
    return entry.state == State::in_flight &&
           (std::any_of(entry.active.begin(), entry.active.end(), ours) ||
            std::any_of(entry.held.begin(), entry.held.end(), ours));
  });
}

bool KeyTurns::busy(std::uint64_t session) const {
  return std::any_of(keys_.begin(), keys_.end(), [session](const auto& pair) {
    const Entry& entry = pair.second;
    const auto ours = [session](const Claim& claim) { return claim.session == session; };
    return std::any_of(entry.fresh.begin(), entry.fresh.end(), ours) ||
           std::any_of(entry.active.begin(), entry.active.end(), ours);
  });
}

bool KeyTurns::has_claims(std::uint64_t session) const { return claims_.contains(session); }

}  // namespace dynamodb_replicator::core

// Turns: at most one operation in flight for one key in the whole process, across shards.
//
// Records that name a key while it is being refreshed collapse into one further refresh, which
// reads after they arrived. A key whose last writes are in doubt (an attempt may land late) is read
// again on both sides when the doubt is over, and only then are its records finished. The life of a
// key:
//
//   arrive -> queued -> take() -> in flight -> applied() -> finished
//                 ^                  |  |         `-> held until the doubt is over -> take() as a
//                 recheck -> ...
//                 `---- again() -----'  `-> refused(): its records are dead letters
//
// Facts and times in, decisions out; no waiting, no I/O. Used by one loop.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "core/watermark.h"
#include "item/key.h"

namespace dynamodb_replicator::core {

// One entry of a stream record that waits for its key: whose session, which record of it.
struct Claim {
  std::uint64_t session = 0;
  Watermark::Slot slot = 0;
  bool verify =
      false;  // another shard may carry records of this key: read the primary again after the write
};

// A key handed out by take(): whoever holds it must give it back by applied(), again(), held_up()
// or refused().
struct Turn {
  item::KeyRef key;
  bool recheck = false;                 // read both sides; write only if they differ
  bool verify = false;                  // one of its claims asks for it
  std::vector<std::uint64_t> sessions;  // on whose behalf; distinct
  unsigned failures = 0;                // attempts of this refresh that failed so far
};

class KeyTurns {
 public:
  void arrive(const item::KeyRef& key, Claim claim);

  // Up to `max` keys whose turn it is now, oldest first.
  std::vector<Turn> take(Instant now, std::size_t max);
  // When take() may have something that it does not have now; nullopt: only arrive() can change
  // that.
  [[nodiscard]] std::optional<Instant> next_due() const;

  // The replica definitely holds what the primary had when this turn was read; the write was issued
  // at `issued` (after the read). `doubt`: until when a write that somebody issued before may still
  // land (a former owner's, say). Older doubt about the key that was over before `issued` ends
  // here: this write came last. Gives the claims that are finished now; the others are held until
  // the doubt is over.
  std::vector<Claim> applied(const Turn& turn, Instant issued, std::optional<Instant> doubt);
  // Not done: try again at `when`. `doubt` as above, for an attempt whose outcome is unknown.
  // `failed` counts towards the next Turn's failures.
  void again(const Turn& turn, Instant when, std::optional<Instant> doubt, bool failed);
  // A recheck found both sides equal. REQUIRES: turn.recheck. Gives the finished claims.
  std::vector<Claim> confirmed(const Turn& turn);
  // A recheck found a difference: the same turn goes on as a refresh at once. REQUIRES:
  // turn.recheck.
  void reopened(Turn& turn);
  // The key can never be applied: its claims, for dead letters.
  std::vector<Claim> refused(const Turn& turn);

  // A record of this key that asks to be verified has arrived since the turn was taken. It will be
  // read, written and verified after this turn, by us or by the next owner of its shard, and so
  // takes over this turn's duty to verify.
  [[nodiscard]] bool newer_waits(const Turn& turn) const;

  // The session has ended: its claims vanish. Doubt about a key outlives the session that caused
  // it.
  void drop_session(std::uint64_t session);

  // Is any key of this session in flight now?
  [[nodiscard]] bool in_flight(std::uint64_t session) const;
  // Is any claim of this session waiting for a read or in flight (held ones do not count)?
  [[nodiscard]] bool busy(std::uint64_t session) const;
  // Is any claim of this session waiting, in flight or held?
  [[nodiscard]] bool has_claims(std::uint64_t session) const;
  [[nodiscard]] std::size_t keys() const { return keys_.size(); }

 private:
  enum class State { idle, queued, in_flight };
  struct Entry {
    item::KeyRef key;
    State state = State::idle;
    std::vector<Claim> fresh;   // arrived since the last read
    std::vector<Claim> active;  // covered by the operation in flight
    std::vector<Claim> held;    // applied, but in doubt
    std::optional<Instant> doubt;
    bool rechecking = false;  // the operation in flight is a recheck
    unsigned failures = 0;
  };
  using Entries = std::unordered_map<std::string, Entry>;
  Entry& entry_of(const Turn& turn);
  void queue(Entry& entry, Instant when);
  void settle(const std::string& canonical);
  void forget(const std::vector<Claim>& claims);
  void resolve_doubts(Instant now);

  Entries keys_;
  std::deque<std::string> ready_;                 // canonical keys, queued, due at once
  std::multimap<Instant, std::string> delayed_;   // queued, due later
  std::multimap<Instant, std::string> in_doubt_;  // idle with held claims, or doubt without claims
  std::unordered_map<std::uint64_t, std::uint64_t> claims_;  // live claims by session
};

}  // namespace dynamodb_replicator::core

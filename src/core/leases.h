// Who may take which shard, and when. Every rule of the lease table that is not the conditional
// write itself.
//
// Leases are taken from nobody alive: a row is free if it has no owner, or if its counter has stood
// still for the lease time on our own clock. No wall clock is compared with another machine's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/rows.h"

namespace dynamodb_replicator::core {

// The owner's side of one lease. `renewed` is when the last confirmed renewal was SENT: rivals
// start to count when they see its effect, which is later, so our end comes before theirs.
struct Hold {
  Instant renewed{};
  Duration lease{};
  [[nodiscard]] Instant renew_at() const { return renewed + lease / 3; }
  [[nodiscard]] Instant issue_until() const {
    return renewed + lease * 2 / 3;
  }  // no write is issued after it
  [[nodiscard]] Instant end() const {
    return renewed + lease;
  }  // every attempt's deadline lies before it
};

// What a rival has seen of other owners' counters, on its own clock.
class LeaseWatch {
 public:
  // REQUIRES: `rows` are all rows of the stream, read after `sent` and before now.
  void saw(const std::vector<ShardRow>& rows, Instant now);
  // True if the row has not changed under our eyes for `lease`, and for the owner's own lease if
  // that is longer.
  [[nodiscard]] bool expired(const ShardRow& row, Instant now, Duration lease) const;

 private:
  struct Seen {
    std::string nonce;
    Instant since{};
  };
  std::map<std::string, Seen> seen_;
};

// May this shard be read now? All parents that are known are finished; a parent that has neither a
// row nor a place in the stream's listing is gone with its data.
bool parents_finished(const ShardRow& row, const std::vector<ShardRow>& rows,
                      const std::set<std::string>& listed);

// Which free shards to try to take now: few at a time, so that several workers end with about the
// same number. `mine`: shards that I run; `avoid`: shards that have stopped here. `roll` spreads
// rivals over the free ones.
std::vector<ShardRow> choose(const std::vector<ShardRow>& rows, const std::set<std::string>& listed,
                             const std::string& me, const std::set<std::string>& mine,
                             const std::set<std::string>& avoid, const LeaseWatch& watch,
                             Instant now, Duration lease, std::uint64_t roll);

}  // namespace dynamodb_replicator::core

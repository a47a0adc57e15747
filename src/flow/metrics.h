// Counters and states of one running replicator; what /metrics, /healthz and /readyz print. Plain
// values, written by the walks, read between awaits by the door server (same loop). No item keys:
// labels are shards only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace dynamodb_replicator::flow {

struct ShardState {
  bool owned = false;
  bool finished = false;
  bool caught_up = false;  // at the stream's tip with nothing unfinished
  std::string stopped;     // why the shard stopped; empty: it goes on
  std::optional<WallTime> read_through;
  Instant last_checkpoint{};
  std::string checkpoint;
};

struct Metrics {
  std::uint64_t records_read = 0;     // entries found in stream records
  std::uint64_t records_applied = 0;  // entries whose key was brought up to date
  std::uint64_t records_coalesced =
      0;  // applied without a write of their own: a later one of the same key did it
  std::uint64_t records_skipped = 0;  // other tables' records
  std::uint64_t dead_lettered = 0;
  std::uint64_t puts = 0;
  std::uint64_t deletes = 0;
  std::uint64_t retries = 0;
  std::uint64_t throttles = 0;
  std::uint64_t unprocessed = 0;
  std::uint64_t rechecks = 0;           // keys read again because a write was in doubt
  std::uint64_t rechecks_repaired = 0;  // of those: the replica differed and was written again
  std::uint64_t verify_repeats = 0;     // keys whose primary had moved on between read and write
  std::uint64_t gaps = 0;  // times that retention had taken records before they were read
  std::uint64_t lease_losses = 0;
  std::uint64_t takeovers = 0;
  std::uint64_t fence_bumps = 0;     // fenced: attempts of unknown outcome that were ended
  std::uint64_t fence_refusals = 0;  // fenced: writes refused because the shard has a new owner
  std::uint64_t write_requests = 0;  // batches or transactions sent to the replica
  double read_units = 0;
  double write_units = 0;
  std::string blocked;  // why nothing can be written until somebody acts; empty if all is well
  std::string source;   // identity of the stream that is followed
  std::map<std::string, ShardState> shards;
};

// Lag in seconds over the shards of this process: now less the oldest `read_through`; a shard that
// is caught up counts as 0, one that has applied nothing yet from its first record on, or since it
// was taken.
double lag_seconds(const Metrics& metrics, WallTime now);

}  // namespace dynamodb_replicator::flow

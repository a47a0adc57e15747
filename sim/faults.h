// What can go wrong in the world, one name for each kind, and how often in this run.
//
// Every run draws its own plan from the seed: about a third of the kinds are off, the others get a
// rate of their own, so that over many seeds each kind is seen alone, in company and often. Each
// strike is counted; the sums are printed at the end of a range of seeds.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace dynamodb_replicator::sim {

enum class Fault : std::uint8_t {
  // one HTTP exchange
  refused,          // nobody listens: certain that nothing was served
  reset_before,     // connection lost, request not served
  reset_after,      // connection lost, request served
  lost_request,     // silence, not served
  lost_answer,      // silence, served
  late_apply,       // silence, served after the client's deadline
  late_error,       // 500 at once, and served after the client's deadline all the same
  error_before,     // 500, not served
  error_after,      // 500, served
  not_json,         // 503 with a page of HTML, not served
  throttled,        // 400 with a throttling code, not served
  broken_body,      // served; a byte of the answer differs from what its checksum was taken of
  truncated,        // served; the answer ends too early
  redirected,       // 307 to another host, not served
  slow,             // seconds of latency, perhaps past the deadline
  slow_write,       // a batch of writes that takes its time
  too_large,        // 413 for a request about more than one item, not served
  stream_limited,   // the stream's service answers that some limit is exceeded, not served
  outage,           // a host is away for seconds
  throttle_burst,   // a table refuses everything, for up to a minute
  lease_throttled,  // the lease table refuses everything, for up to three leases
  // answers that services may give at any time
  unprocessed_keys,
  unprocessed_items,
  transaction_conflict,
  stale_read,          // an eventually consistent read that shows the past
  empty_page,          // GetRecords without records although there are some
  expired_iterator,    // long before its time
  hidden_child,        // a new shard is not listed yet
  open_parent,         // a closed shard is still listed as open
  flickering_listing,  // a new shard is in one listing and not in the next
  unknown_field,       // an answer or a record says more than anybody knows
  trimmed,             // a record that retention has taken before it was read
  // streams
  rotate,
  split,
  merge,
  duplicate_record,
  reordered_record,
  two_spellings,    // one key under a second partition key
  early_trim,       // records of a table's stream are gone long before a day is over
  stream_replaced,  // a table's stream is disabled, and enabled again under another name
  junk,
  wrong_schema,  // a record of a table with another key
  oversize_record,
  poison_item,  // the replica refuses what the primary holds
  // processes
  crash,
  crash_anywhere,  // after any of its steps
  crash_loop,      // several in a row, soon after each start
  clean_stop,      // asked to stop as by SIGTERM, and started again
  machine_crash,   // what was not yet on disk is lost
  pause,
  long_pause,  // up to ten times the lease
  stall,
  clock_jump,   // of wall time
  clock_drift,  // a machine's clock runs up to 1 % too fast or too slow
  credentials_rotated,
  // strangers
  foreign_write,  // on the replica
  lease_stolen,   // a row of the lease table gets another owner and nonce, or none
  // two at once, since each alone rarely meets the other
  zombie_write,  // a batch of writes lands late and its sender is gone, paused or stopped meanwhile
  zombie_read,   // the sender is paused between reading the primary and writing, past its lease
  // what rarely happens by chance, and what only long trouble shows
  silence,          // a host accepts, serves nothing and never answers, for seconds
  slow_lease,       // a write of a lease row is done at once and answered late
  stop_in_trouble,  // asked to stop while a service is silent, or answers are slow
  parting_write,    // asked to stop while the replica refuses; its last writes land late
  hasty_reshard,    // a new shard gets children at once, and is listed after them
  early_absence,    // nobody works for a day, from the first checkpoint on
  racing_owners,    // the last changes meet slow writes and nothing else
  count
};

std::string_view name_of(Fault fault);
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count);

using FaultSet = std::bitset<kFaults>;

class Faults {
 public:
  // `with_chaos` false: nothing ever strikes. Kinds that are `off` are drawn like the others and do
  // nothing, so that a run without them is the same run up to the first of their strikes.
  Faults(base::Prng prng, bool with_chaos, FaultSet off = {});

  // Draws; counts if it strikes. Rates are per opportunity.
  bool strikes(Fault fault);
  // For faults that are scheduled and not drawn: is the kind on in this run?
  [[nodiscard]] bool on(Fault fault) const {
    return rates_[index(fault)] > 0 && !off_.test(index(fault));
  }
  void count(Fault fault) { ++counts_[index(fault)]; }
  // From here on nothing strikes.
  void heal() { rates_.fill(0); }
  // From here on only slow writes strike, often, and what shuffles records.
  void race();
  // From here on this kind strikes, `rate` times of 100,000, and no other; also(): beside what
  // does.
  void only(Fault fault, std::uint32_t rate) {
    heal();
    also(fault, rate);
  }
  void also(Fault fault, std::uint32_t rate) { rates_[index(fault)] = rate; }

  [[nodiscard]] const std::array<std::uint64_t, kFaults>& counts() const { return counts_; }

 private:
  static std::size_t index(Fault fault) { return static_cast<std::size_t>(fault); }
  FaultSet off_;
  std::vector<base::Prng> streams_;  // one for each kind: a draw of one does not move the others'
  std::array<std::uint32_t, kFaults> rates_{};  // of 100,000
  std::array<std::uint64_t, kFaults> counts_{};
};

}  // namespace dynamodb_replicator::sim

// How the simulator is kept honest: bugs planted on purpose, one chosen at run time, which it must
// find; and marks at rare places of the program, which its runs must have reached.
//
// Only the simulator's own build of the files that include this has them
// (DYNAMODB_REPLICATOR_PLANTED, sim/CMakeLists.txt); everywhere else planted() is the constant
// false and mark() is nothing. Included by .cc files only: what a header holds is shared with
// programs that have none of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dynamodb_replicator::base {

enum class Bug : std::uint8_t {
  none,
  // when a record counts as applied
  checkpoint_before_apply,  // what has been read counts
  late_arrivals_credited,   // a record that arrives during a write counts as covered by it
  shard_ends_early,         // read to its end is finished, whatever is still to be written
  junk_not_buried,          // a record set aside counts before it is in a dead letter
  // what an answer means
  unprocessed_items_dropped,
  unprocessed_keys_absent,
  absence_by_text,  // an answered key is compared by its spelling, and absence deletes
  keys_by_text,     // 1 and 1.0 are two keys
  stale_reads,      // of the primary: eventually consistent
  checksum_ignored,
  // whose write lands last
  no_turns,                  // several operations in flight for one key
  no_verify,                 // keys of two shards are not read again after the write
  no_doubt_after_timeout,    // an attempt whose outcome is unknown counts as failed
  doubt_not_awaited,         // a key in doubt counts as applied
  doubt_ends_at_next_write,  // however early that comes
  recheck_trusts_replica,    // when the doubt is over, both sides count as equal
  takeover_trusted,          // a former owner's writes are not reckoned with
  free_row_trusted,          // no doubt where a row looks free
  released_as_clean,         // a row is given back as clean although keys are in doubt
  doubt_of_free_row_short,   // without the deadlines that are still to come
  gap_ends_doubt,            // a shard with a gap is finished before a former owner's writes land
  writes_after_release,      // a row is free while writes are issued for it
  // leases
  writes_past_lease,         // issued, and with deadlines, whatever the lease says
  lease_from_answer,         // counted from the answer of a renewal
  lease_by_wall_clock,       // rivals measure by a clock that is set
  own_write_not_recognised,  // a renewal whose answer was lost counts as a loss
  own_row_forgotten,         // a row with our own name waits until it has expired
  lost_lease_ignored,        // a row that somebody else has changed counts as ours
  // the fence
  bump_left_out,     // an attempt whose outcome is unknown is not ended before the next
  fence_lets_older,  // a check passes for older generations too
  // streams
  child_before_parent,
  hidden_parent_gone,   // a parent that a listing does not show counts as gone
  latest_after_expiry,  // an expired iterator is replaced by one at the end
  gap_silent,           // trimmed records are passed over without a word
  retention_silent,     // and so is what Kinesis drops by itself
  page_has_no_time,     // a checkpoint in the middle of a page has no time
  // the rest
  stop_waits_for_calls,  // a stop waits for an outside that does not answer
  stop_waits_at_start,   // and so does one before a stream is followed
  clock_not_corrected,   // requests are signed by a clock that is 20 minutes wrong
  // second writers
  repair_reads_stale,      // what is read alone is read eventually consistently
  deletes_at_one_look,     // the primary is not read again before a delete
  no_look_after_write,     // nor after a write
  no_look_after_copy,      // nor after a batch of a backfill
  backfill_drops_items,    // UnprocessedItems of a backfill count as written
  compares_by_text,        // 1 and 1.0 are two keys of a comparison
  resumes_without_window,  // what the interrupted scan had seen is not taken up
  settles_at_one_look,     // a difference counts at once
  looks_at_primary_first,  // and at the replica afterwards, which may have followed by then
  count
};

enum class Mark : std::uint8_t {
  iterator_reopened,
  gap_noted,
  junk_refused,
  parent_hidden,
  takeover_in_doubt,
  own_row_retaken,
  forsaken_row_taken,
  self_recognised,
  lease_lost,
  lease_ran_out,
  released_in_doubt,
  not_released,
  write_held_back,
  unprocessed_retried,
  batch_halved,
  batch_split,
  key_refused,
  recheck_equal,
  recheck_repaired,
  verify_repeated,
  duty_passed_on,
  claims_coalesced,
  fence_bumped,
  fenced_out,
  checksum_broken,
  clock_corrected,
  step_broken_off,
  count
};

inline constexpr std::size_t kBugs = static_cast<std::size_t>(Bug::count);
inline constexpr std::size_t kMarks = static_cast<std::size_t>(Mark::count);

#ifdef DYNAMODB_REPLICATOR_PLANTED
inline Bug planted_bug = Bug::none;
inline std::array<std::uint64_t, kMarks> marks{};
inline bool planted(Bug bug) { return planted_bug == bug; }
inline void mark(Mark place) { ++marks[static_cast<std::size_t>(place)]; }
#else
constexpr bool planted(Bug) { return false; }
constexpr void mark(Mark) {}
#endif

}  // namespace dynamodb_replicator::base

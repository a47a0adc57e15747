// What must hold in every run, one name for each, and how often each was looked at.
//
// Each is checked from outside the program: in the tables, on the network, on the disks and in the
// logs. A run is worth something only if its invariants were looked at: the sums are printed at the
// end of a range of seeds. One more belongs to commands that no run starts yet: what a backup
// restores (I11).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dynamodb_replicator::sim {

enum class Invariant : std::uint8_t {
  equal_at_rest,       // I1: in the end the replica equals the primary, key by key
  shown_was_primary,   // I2: every value that the replica shows was once the primary's
  never_back,          // I3: the replica's version of a key never goes back (fast mode: counted)
  checkpoint_covers,   // I4: a checkpoint passes only what is on the replica or in a dead letter
  checkpoint_forward,  // I5: checkpoints go forward, by the hand of the row's owner
  parents_first,       // I6: a shard is read when the ends of its parents are checkpointed
  stale_fence,         // I7: fenced mode: nothing of an older generation is applied
  loss_is_told,        // I8: records that were trimmed before they were read are told as a gap
  in_flight_bounded,   // I9: so many requests of one process, and one at a time that writes a key
  quiet_in_the_end,    // I10: no lag, and next to no requests, soon after healing
  no_secrets,          // I13: planted secrets are in no log, dead letter or page of metrics
  bounded_cost,        // I14: so many items read and written per record
  lease_kept,  // I15: written inside of a lease; a lease is lost, or taken, as the table says
  // Of pair scenes only (sim/pair_scene.h).
  comparison_true,      // I12: what differs is reported, and nothing that was equal in time
  looked_before_write,  // I16: a second writer writes what it has just read, and deletes after two
                        // looks
  count
};

std::string_view name_of(Invariant invariant);  // "I1 equal at rest"
inline constexpr std::size_t kInvariantsReplicating =
    static_cast<std::size_t>(Invariant::comparison_true);  // the first so many
inline constexpr std::size_t kInvariants = static_cast<std::size_t>(Invariant::count);
using InvariantCounts = std::array<std::uint64_t, kInvariants>;

}  // namespace dynamodb_replicator::sim

// What the lease table holds, as plain values: one row a shard, one row for the table as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace dynamodb_replicator::core {

// Where a shard without a checkpoint begins. `latest` is never stored: it becomes a time when it is
// first asked for.
struct StartAt {
  enum class Kind { trim_horizon, at_time };
  Kind kind = Kind::trim_horizon;
  WallTime time{};  // for at_time: records before it are not wanted
  friend bool operator==(const StartAt&, const StartAt&) = default;
};

struct ShardRow {
  std::string stream;  // identity of the stream: its ARN (Kinesis: with '@' and creation time)
  std::string shard;
  std::string owner;          // empty: nobody
  Duration lease{};           // how long after a write the owner counts as alive; zero: not said
  std::uint64_t counter = 0;  // grows with every write: a rival sees by it that the owner lives
  std::string nonce;  // new with every write, the condition of the next: a writer knows its own
  StartAt start;
  std::string
      checkpoint;  // highest sequence number below which nothing is unfinished; empty: none yet
  bool finished = false;  // read to its end and everything applied
  std::vector<std::string> parents;
  std::vector<std::string> children;
  std::optional<WallTime>
      read_through;         // everything up to this time is read and applied; written when idle too
  bool clean = true;        // nobody has owned it, or its owner left nothing in doubt
  std::string draining_to;  // for a hand-over
};

// A shard as the stream's own listing shows it.
struct ListedShard {
  std::string id;
  std::vector<std::string> parents;
  bool closed = false;  // no record will be added
};

// Refuses the wrong lease table: which pair and mode this one belongs to.
struct MetaRow {
  std::string primary;  // identity of the table: ARN, or endpoint and name
  std::string replica;
  std::string mode;  // "fast" or "fenced"
  int format = 1;
  std::string nonce;
  unsigned stripes = 0;  // fenced: how many fence items each shard has; the same for all workers
};

// One stripe of a shard's fence, as its holder knows it. Every write of fenced mode carries the
// condition that the stored item says the same.
struct Fence {
  std::string stream;
  std::string shard;
  unsigned stripe = 0;
  std::uint64_t generation = 0;  // counter of the row when its owner took it: grows with each owner
  std::uint64_t bumps = 0;       // times that this owner ended an attempt whose outcome was unknown
  // The row's nonce when its owner took it. Generations repeat if somebody makes the lease table
  // anew while a late write of the old one is still on its way; nonces do not.
  std::string holder;
};

// Sequence numbers are decimal integers of any length: shorter is smaller, then by text.
bool sequence_less(const std::string& a, const std::string& b);

}  // namespace dynamodb_replicator::core

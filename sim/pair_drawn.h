// The shape of one run of a pair scene, drawn from its seed before it begins.
#pragma once

#include <string>

#include "app/diff.h"
#include "sim/drawn.h"

namespace dynamodb_replicator::sim {

struct PairDrawn {
  enum class Task { compare, repair, backfill };
  Task task = Task::compare;
  Drawn base;               // schema, writer, shards, lease, doubt, mode
  bool moving = false;      // an application writes
  bool replicator = false;  // and a replicator follows
  Engine primary;
  Engine replica;
  bool resume = false;
  bool consistent = false;
  double settle = 1;      // seconds
  double read_units = 0;  // a second
  unsigned concurrency = 0;
};

PairDrawn draw_pair(base::Prng prng);
std::string to_text(const PairDrawn& drawn);
app::DiffOptions options_for(const PairDrawn& drawn);
// How long after its deadline a write may land: within what every writer waits for, on a clock that
// may be 1 % too fast.
Duration lands_within(const PairDrawn& drawn);

inline constexpr const char* kResumeFile = "/var/lib/diff.resume";

}  // namespace dynamodb_replicator::sim

// One run: a table pair, one stream, two workers, an application that writes; a time of chaos, then
// everything is healed and the replica must become equal to the primary in bounded time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "app/replicate.h"
#include "sim/faults.h"
#include "sim/invariants.h"

namespace dynamodb_replicator::sim {

// What runs in each simulated process.
using Replicate =
    std::function<async::Task<int>(async::Doors&, app::ReplicateOptions, app::Control&)>;

struct RunOptions {
  std::uint64_t seed = 0;
  bool show = false;  // print the trace
  bool chaos = true;
  FaultSet off{};  // kinds of faults that never strike
  bool tamper =
      false;  // the canary: the world changes the replica behind everybody's back, at the end
  // A write may land later than a worker waits for it: what fast mode assumes never to happen.
  bool late_beyond_doubt = false;
};

struct RunResult {
  std::optional<std::string> failure;  // why the run failed; nullopt: it passed
  // With late_beyond_doubt: the replica differed at rest, and was equal after the keys that
  // differed had been changed once more.
  bool differed = false;
  bool repaired = false;
  std::uint64_t digest = 0;  // of everything that happened
  std::array<std::uint64_t, kFaults> faults{};
  InvariantCounts invariants{};  // how often each was looked at
  std::uint64_t changes = 0;
  std::uint64_t requests = 0;
  std::uint64_t regressions = 0;  // times that the replica showed an older version for a while
  double virtual_seconds = 0;
  std::string summary;  // what kind of run it was, in one line
};

RunResult run(const RunOptions& options, const Replicate& replicate);

}  // namespace dynamodb_replicator::sim

// Jobs spread over processes. A run that stops its process (a broken invariant, a crash, a run that
// does not end) costs that job and no other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace dynamodb_replicator::sim {

struct Outcome {
  std::string text;      // what the job gave
  std::string died;      // why its process ended; empty: it did not
  std::uint64_t at = 0;  // what the job last noted, if its process ended
};

// Runs in a process of its own; notes in `at` what it is about to do.
using Job = std::function<std::string(std::size_t job, std::atomic<std::uint64_t>& at)>;

// Calls `done` here, in the order in which jobs end; with `jobs` for a process that ended badly
// between two of them.
void run_in_processes(std::size_t jobs, unsigned processes, const Job& job,
                      const std::function<void(std::size_t job, Outcome outcome)>& done);

// How many processes run at once here.
unsigned processors();

}  // namespace dynamodb_replicator::sim

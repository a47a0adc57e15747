// `diff-tables` put together over a given set of doors: options as typed, checked here; what it
// prints goes through a Console, so that a terminal, a pipe and a test see the same program.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/pair.h"
#include "async/gate.h"

namespace dynamodb_replicator::app {

struct DiffOptions {
  PairOptions pair;
  bool repair = false;
  bool backfill = false;
  bool json = false;
  bool exit_code = false;
  bool consistent = false;
  bool yes = false;
  std::string segment;           // a number, or auto: from a batch system's environment; empty: all
  int segments = 0;              // 0: not given
  unsigned concurrency = 0;      // segments at once; 0: as many as keep the processor busy
  std::optional<double> settle;  // seconds; nullopt: from the lease table
  std::vector<std::string> ignore;
  std::string ttl = "ignore";  // or compare
  double read_units = 0;       // a second; 0: no ceiling
  double write_units = 0;
  double sample = 1;
  std::string resume;    // path
  std::string state;     // directory of local state; empty: the usual one
  Duration doubt = 15s;  // D, as in ReplicateOptions
};

// How a command speaks.
struct Console {
  std::function<void(const std::string&)> out;  // a line of the result
  // Why lines of the result could not be written; empty: it is never asked.
  std::function<std::optional<Failure>()> unwritten;
  std::function<void(const std::string&)> say;  // a line for people
  // The line of progress, drawn over the last; empty: not a terminal, then it is said now and then.
  std::function<void(const std::string&)> redraw;
  // Asks a yes-or-no question; empty: there is nobody to ask.
  std::function<bool(const std::string&)> ask;
};

// The exit status: 0 done, 1 differences remain (with exit_code), 2 failed or incomplete
// (also: the result could not be written), 130 `stop` was opened.
async::Task<int> diff_tables(async::Doors& doors, DiffOptions options, const Console& console,
                             async::Gate& stop);

}  // namespace dynamodb_replicator::app

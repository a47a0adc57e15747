// SIGINT and SIGTERM where nothing has to be finished: the process ends with status 130.
#pragma once

#include <csignal>

namespace dynamodb_replicator::os {

// From now on the first of either ends the process. It needs a handler of its own: the kernel gives
// process 1 of a container no default one.
void end_at_next_signal();

// The same while this lives; afterwards they mean again what they meant before.
class EndsAtSignal {
 public:
  EndsAtSignal();
  ~EndsAtSignal();
  EndsAtSignal(const EndsAtSignal&) = delete;
  EndsAtSignal& operator=(const EndsAtSignal&) = delete;

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace dynamodb_replicator::os

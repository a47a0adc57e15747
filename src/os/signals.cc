#include "os/signals.h"

#include <unistd.h>

namespace dynamodb_replicator::os {
namespace {

extern "C" void end_at_once(int) { ::_exit(130); }

}  // namespace

void end_at_next_signal() {
  struct sigaction action {};
  action.sa_handler = end_at_once;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

EndsAtSignal::EndsAtSignal() {
  ::sigaction(SIGINT, nullptr, &interrupt_);
  ::sigaction(SIGTERM, nullptr, &terminate_);
  end_at_next_signal();
}

EndsAtSignal::~EndsAtSignal() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
}

}  // namespace dynamodb_replicator::os

// What went wrong, as a value: an expected failure of the outside world, translated once where it
// was met.
//
// Anything may hold and print a Failure. It never contains a secret or an item's values: `message`
// is the service's text, cut and cleaned by whoever translated it. Impossible states are no
// Failure; they stop the process (base/invariant.h).
#pragma once

#include <string>

namespace dynamodb_replicator {

// What the caller can do about it; the answer to "retry, wait, split, stop?" hangs on this alone.
enum class FailureKind {
  throttled,  // asked too much: back off, shrink the window
  transient,  // 5xx, timeout, reset: try again; a write may have been applied (`maybe_applied`)
  conflict,   // a transaction or a condition lost; look before trying again
  condition_failed,  // the condition of a conditional write was false
  expired_iterator,  // ask for a new iterator
  trimmed,           // retention has taken the asked position: a gap
  not_found,         // table, stream or shard does not exist (here)
  invalid,           // the service will never accept this request
  too_large,         // HTTP 413: split the request
  credentials,       // none, expired beyond refresh, or refused
  denied,            // not allowed; permissions can be repaired while we run
  configuration,     // the user must change something before it can work
  unusable_answer,   // an answer that makes no sense; treated as transient by retry rules
  cancelled,         // we were asked to stop
};

struct Failure {
  FailureKind kind = FailureKind::transient;
  std::string operation;       // "BatchWriteItem on us-east-1/table"
  std::string code;            // the service's code, e.g. "ValidationException"; empty if none
  std::string message;         // one sentence, without values and without secrets
  std::string request_id;      // the service's; empty if none
  int attempts = 1;            // how often it was tried
  std::string hint;            // what the operator can do; empty if nothing special
  bool maybe_applied = false;  // a write that may have happened, or may still happen
};

// One line for people: "BatchWriteItem on ...: ValidationException: ... (request ..., 3 attempts).
// Hint."
std::string to_text(const Failure& failure);

// What the user has to change before it can work (FailureKind::configuration). `message`: one
// sentence; `hint`: the remedy.
Failure misconfigured(std::string message, std::string hint = {});

}  // namespace dynamodb_replicator

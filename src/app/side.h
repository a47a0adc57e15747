// One side of the pair, or a stream, or the lease table: a location understood, with the endpoint
// and the credentials that answer for it.
#pragma once

#include <memory>
#include <string>

#include "async/doors.h"
#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/location.h"
#include "aws/profiles.h"
#include "core/backoff.h"

namespace dynamodb_replicator::app {

struct Side {
  aws::Location location;
  aws::Profile profile;
  aws::Endpoint endpoint;
  std::shared_ptr<aws::CredentialsProvider> credentials;
  std::string where;     // for messages: "us-east-1/table" or "http://127.0.0.1:8000/table"
  std::string identity;  // for the lease table: the same table or stream always has the same
};

// `role` begins messages: "primary". Failure kinds: configuration, credentials.
Result<Side> connect(async::Doors& doors, const std::string& role, const aws::Location& location,
                     aws::Service service, const std::string& asked_profile);

std::unique_ptr<aws::Client> make_client(async::Doors& doors, const Side& side,
                                         aws::Service service);

// A failure found in an answer's bytes: says which call it was, as the client's own failures do.
inline Failure about(Failure failure, const char* operation, const aws::Client& client) {
  failure.operation = std::string(operation) + " on " + client.where();
  return failure;
}

// Tries a call until it succeeds, fails for good, or `give_up` has come. `call`: Instant deadline
// -> Task<Result<T>>. For what happens once, at start or by a command; the walks decide about
// retries themselves.
template <class T, class Call>
async::Task<Result<T>> persist(async::Doors& doors, Instant give_up, Call call) {
  for (unsigned attempts = 1;; ++attempts) {
    const Instant deadline = std::min(give_up, doors.clock.now() + 5s);
    Result<T> result = co_await call(deadline);
    if (result.ok()) co_return result;
    const FailureKind kind = result.error().kind;
    // CreateTable's "it exists already" is a conflict that does not pass.
    const bool exists = result.error().code == "ResourceInUseException";
    const bool passing = kind == FailureKind::transient || kind == FailureKind::throttled ||
                         (kind == FailureKind::conflict && !exists) ||
                         kind == FailureKind::unusable_answer;
    const Duration wait = core::retry_after(FailureKind::transient, attempts, doors.dice.roll());
    if (!passing || doors.clock.now() + wait >= give_up) {
      Failure failure = std::move(result).error();
      failure.attempts = static_cast<int>(attempts);
      co_return failure;
    }
    co_await doors.loop.sleep_until(doors.clock.now() + wait);
  }
}

}  // namespace dynamodb_replicator::app

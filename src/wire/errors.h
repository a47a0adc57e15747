// What a service's error answer means: the one place that knows error codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dynamodb_replicator/failure.h"

namespace dynamodb_replicator::wire {

struct ErrorAnswer {
  int status = 0;
  std::string_view body;        // JSON, or whatever a server or a proxy in between sent
  std::string_view error_type;  // header x-amzn-errortype; empty if none
  std::string_view request_id;  // header x-amzn-requestid; empty if none
};

// Total: every status and every body has a meaning. `maybe_applied` is set for 5xx; the caller
// takes it back where nothing was written. `operation` and `attempts` are left to the caller.
Failure failure_of_answer(const ErrorAnswer& answer);

// The service's code without namespace and address: "ValidationException"; empty if the answer
// names none.
std::string error_code(const ErrorAnswer& answer);

// The codes of CancellationReasons of a TransactionCanceledException, in the order of the request's
// items ("None": this one was innocent); empty if there are none.
std::vector<std::string> cancellation_reasons(std::string_view body);

// Fresh credentials may help.
bool asks_for_credentials(std::string_view code);
// It may be the clock: compare the answer's Date with ours.
bool may_be_clock(std::string_view code);

// One line of at most `limit` bytes of valid UTF-8 that may be shown to anybody: control characters
// become blanks, and what services echo of a request (values, the canonical request with its
// session token) is left out.
std::string clean_message(std::string_view text, std::size_t limit = 300);

}  // namespace dynamodb_replicator::wire

// Signature Version 4 from the service's side: is this request signed by whom it says, now, for
// here? Source: "Create a signed AWS API request", AWS General Reference.
#pragma once

#include <optional>
#include <string>

#include "async/doors.h"
#include "base/time.h"
#include "sim/value.h"

namespace dynamodb_replicator::sim {

struct Identity {
  std::string access_key;
  std::string secret;
  std::string region;
  std::string token{};  // of temporary credentials; empty: none
};

// nullopt: the request is genuine. `service`: the signing name ("dynamodb", "kinesis").
std::optional<ServiceError> refuse_signature(const async::HttpRequest& request,
                                             const Identity& identity, const std::string& service,
                                             WallTime now);

// X-Amz-Date's form; nullopt if it is not one.
std::optional<WallTime> parse_amz_date(const std::string& text);

// A header's value, compared without case; empty if absent.
std::string header_of(const async::HttpRequest& request, std::string_view name);

}  // namespace dynamodb_replicator::sim

// From a location to the host that answers for it: partitions, FIPS, dual-stack, and endpoints set
// by environment or profile, as the AWS CLI finds them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/doors.h"
#include "aws/location.h"
#include "aws/profiles.h"
#include "base/result.h"

namespace dynamodb_replicator::aws {

enum class Service { dynamodb, streams, kinesis };

struct Endpoint {
  bool tls = true;
  std::string host;
  std::uint16_t port = 443;
  std::string signing_region;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  // "host" or "host:port" if the port is not the scheme's own: the Host header.
  [[nodiscard]] std::string authority() const;
  // "https://host:port", for messages.
  [[nodiscard]] std::string url() const;
};

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region; empty if none. Failure: one that is no host
// label.
Result<std::string> chosen_region(async::Environment& environment, const Profile& profile);

// A location's own endpoint wins (signed for the chosen region, us-east-1 if none); then
// AWS_ENDPOINT_URL_DYNAMODB, _DYNAMODB_STREAMS or _KINESIS, AWS_ENDPOINT_URL, the profile's
// services section and endpoint_url, unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS; then the public
// one of the region. Failure kind: configuration.
Result<Endpoint> find_endpoint(const Location& location, Service service,
                               async::Environment& environment, const Profile& profile);

// The public endpoint of a region. REQUIRES: is_region(region).
Endpoint public_endpoint(Service service, std::string_view region, bool fips = false,
                         bool dual_stack = false);

// Both name the same table as far as that can be known without asking: same endpoint, region and
// name, and not two known accounts that differ. `account` may be an account number or an access
// key: equal keys are equal accounts.
struct Place {
  const Location& location;
  const Endpoint& endpoint;
  std::string access_key;
};
bool same_place(const Place& a, const Place& b);

// The words for messages: "us-east-1/table" for the public endpoint, else
// "http://127.0.0.1:8000/table".
std::string describe(const Location& location, const Endpoint& endpoint);

}  // namespace dynamodb_replicator::aws

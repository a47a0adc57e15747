// Who signs. One provider per side: primary and replica may belong to different accounts.
//
// Order: an asked profile; else AWS_ACCESS_KEY_ID in the environment; else the profile of
// AWS_PROFILE or "default": its static keys in the credentials file, then its credential_process,
// then static keys in the config file (the AWS CLI's order). On a loopback endpoint without any of
// these: placeholders.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/doors.h"
#include "async/task.h"
#include "aws/profiles.h"
#include "aws/secret.h"
#include "base/result.h"
#include "base/time.h"

namespace dynamodb_replicator::aws {

struct Credentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;             // empty: none
  std::optional<WallTime> expires;  // nullopt: not known to expire
  std::string source;               // for messages: "profile \"x\"", "the environment"
  bool placeholder = false;         // made up for a local endpoint; whoever sees it says so once
};
using CredentialsRef = std::shared_ptr<const Credentials>;

// May be shared by every client of one side; same loop.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  // Good for signing now; makes new ones when the old are about to expire. Failure kind:
  // credentials.
  virtual Result<CredentialsRef> get() = 0;
  // The service refused `used` as expired or unknown. True: others are at hand now, try again with
  // get().
  virtual bool renew(const CredentialsRef& used) = 0;
};

// `loopback`: the endpoint is on this machine. Reads files and environment at once; with neither,
// the Failure (kind credentials) says in one sentence what to do.
Result<std::shared_ptr<CredentialsProvider>> find_credentials(async::Doors& doors,
                                                              const Profile& profile,
                                                              bool loopback);

// For tests and the simulator.
std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials);

}  // namespace dynamodb_replicator::aws

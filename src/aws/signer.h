// AWS Signature Version 4 for the requests of this program: POST / with a body.
// (AWS General Reference, "Create a signed AWS API request".) A pure function of what it is given.
#pragma once

#include <string>
#include <string_view>

#include "async/doors.h"
#include "aws/credentials.h"
#include "aws/secret.h"
#include "base/time.h"

namespace dynamodb_replicator::aws {

class Signer {
 public:
  // `service`: the signing name, "dynamodb" (for its streams too) or "kinesis".
  Signer(std::string region, std::string service);

  // Adds X-Amz-Date, X-Amz-Security-Token (if there is a token) and Authorization. Signs Host,
  // Content-Type and every X-Amz-* header. REQUIRES: a Host header, target "/", none of the three
  // added headers.
  void sign(async::HttpRequest& request, const Credentials& credentials, WallTime at);

 private:
  const Secret& key_for(const Credentials& credentials, std::string_view date);
  std::string region_;
  std::string service_;
  // The derived key of the last day and secret: it changes once a day or with new credentials.
  std::string key_date_;
  Secret key_secret_;
  Secret key_;
};

}  // namespace dynamodb_replicator::aws

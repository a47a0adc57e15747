// One client per endpoint and service: signs, sends once, checks what came, and says what an error
// means.
//
// What it remembers between calls is how far this machine's clock is from the service's, and
// credentials that were refused. After either was put right, a refused write reads as `transient`,
// and whatever does not write is sent once more at once: it did not fail for a reason that waiting
// would mend. A write is never sent twice by one call: whoever issues it reckons with when it
// leaves.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/doors.h"
#include "async/task.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/signer.h"
#include "base/result.h"
#include "base/time.h"

namespace dynamodb_replicator::aws {

class Client {
 public:
  // `where` ends the operation's name in messages: "BatchWriteItem on <where>".
  Client(async::Doors& doors, Endpoint endpoint, Service service,
         std::shared_ptr<CredentialsProvider> credentials, std::string where);

  // One attempt of, say, "BatchWriteItem" with a JSON body (a second one as above); gives the
  // answer's body. `writes`: a failure without a definite answer is marked `maybe_applied`. The
  // body's bytes were checked against Content-Length and x-amz-crc32; that it is JSON was not.
  async::Task<Result<std::string>> call(std::string operation, std::string body, Instant deadline,
                                        bool writes);

  // What the service's clock shows, as its answers tell it (to some seconds): times that several
  // machines compare must not come from a machine's own clock.
  [[nodiscard]] WallTime service_time() const {
    return doors_.clock.wall() + std::chrono::floor<std::chrono::microseconds>(service_ahead_);
  }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  async::HttpRequest prepare(const std::string& operation, std::string body,
                             const Credentials& credentials);
  Failure failure_of_transport(const async::HttpError& error) const;
  async::Task<Result<std::string>> attempt(const std::string& operation, std::string body,
                                           Instant deadline, bool& cured);
  Failure failure_of_answer(const async::HttpResponse& answer, const CredentialsRef& used,
                            bool& cured);
  bool correct_clock(const async::HttpResponse& answer);
  void note_date(const async::HttpResponse& answer, WallTime sent);

  async::Doors& doors_;
  Endpoint endpoint_;
  Service service_;
  std::shared_ptr<CredentialsProvider> credentials_;
  std::string where_;
  Signer signer_;
  Duration clock_offset_{0};   // the service's clock less ours, when it refused us; for signing
  Duration service_ahead_{0};  // the same, as the last answer showed it; zero if it is near
};

}  // namespace dynamodb_replicator::aws

// TLS as a client: 1.2 or newer, the chain, the name and the dates always checked.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;

namespace dynamodb_replicator::os {

class TlsContext {
 public:
  // `ca_file`: PEM certificates to trust instead of the system's; empty: the system's. The error is
  // one sentence.
  static Result<std::unique_ptr<TlsContext>, std::string> make(const std::string& ca_file);
  ~TlsContext();
  boost::asio::ssl::context& context() { return *context_; }

 private:
  TlsContext();
  std::unique_ptr<boost::asio::ssl::context> context_;
};

// Before the handshake: this is the host that must be there.
void expect_host(ssl_st* session, const std::string& host);

// After a failed handshake: why the certificate was refused, with the remedy; empty if it was not.
std::string certificate_problem(ssl_st* session, const std::string& host);

}  // namespace dynamodb_replicator::os

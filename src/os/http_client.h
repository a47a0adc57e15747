// The HTTP door: keeps connections open between requests, and sends each request exactly once.
//
// A request goes out on a connection that is idle since less than kIdleTime and that the server has
// not closed, or on a new one. If it dies all the same, the caller hears of it with `sent`: whether
// to ask again is not decided here. At the limit of connections to one server a request waits for
// one to become free.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "async/doors.h"
#include "async/gate.h"
#include "os/connection.h"
#include "os/tls.h"

namespace dynamodb_replicator::os {

constexpr Duration kIdleTime = 50s;  // services close theirs after 60

class HttpClient : public async::Http {
 public:
  // `ca_file`: AWS_CA_BUNDLE, or empty. `most`: connections to one server.
  HttpClient(boost::asio::io_context& io, async::Loop& loop, async::Clock& clock,
             std::string ca_file, std::size_t most = 64);

  async::Task<Result<async::HttpResponse, async::HttpError>> send(async::HttpRequest request,
                                                                  Instant deadline) override;
  // Connections that wait for work, over all servers.
  [[nodiscard]] std::size_t idle() const;
  // Host names that are being looked up, also for tasks that are gone.
  [[nodiscard]] std::size_t lookups() const { return lookups_; }

 private:
  struct Idle {
    std::shared_ptr<Connection> connection;
    Instant since;
  };
  struct Server {
    explicit Server(async::Loop& loop) : freed(loop) {}
    std::list<Idle> idle;  // the freshest last
    std::size_t busy = 0;
    async::Signal freed;
  };
  class Turn;

  std::shared_ptr<Connection> take_idle(Server& server);
  Result<TlsContext*, async::HttpError> tls_for(const Target& target);

  boost::asio::io_context& io_;
  async::Loop& loop_;
  async::Clock& clock_;
  std::string ca_file_;
  std::size_t most_;
  std::size_t lookups_ = 0;
  std::unique_ptr<TlsContext> tls_;
  std::map<Target, Server> servers_;
};

}  // namespace dynamodb_replicator::os

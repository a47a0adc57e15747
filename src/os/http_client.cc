#include "os/http_client.h"

#include <utility>

namespace dynamodb_replicator::os {

using async::HttpError;
using async::HttpRequest;
using async::HttpResponse;

// One of a server's connections is ours while this lives.
class HttpClient::Turn {
 public:
  explicit Turn(Server& server) : server_(server) { ++server_.busy; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    --server_.busy;
    server_.freed.notify();
  }

 private:
  Server& server_;
};

HttpClient::HttpClient(boost::asio::io_context& io, async::Loop& loop, async::Clock& clock,
                       std::string ca_file, std::size_t most)
    : io_(io), loop_(loop), clock_(clock), ca_file_(std::move(ca_file)), most_(most) {}

std::shared_ptr<Connection> HttpClient::take_idle(Server& server) {
  while (!server.idle.empty()) {
    Idle last = std::move(server.idle.back());
    server.idle.pop_back();
    if (clock_.now() - last.since < kIdleTime && last.connection->is_reusable()) {
      return last.connection;
    }
    last.connection->close();
  }
  return nullptr;
}

Result<TlsContext*, HttpError> HttpClient::tls_for(const Target& target) {
  if (target.tls && tls_ == nullptr) {
    auto made = TlsContext::make(ca_file_);
    if (!made) return HttpError{HttpError::Stage::tls, false, made.error(), true};
    tls_ = *std::move(made);
  }
  return tls_.get();
}

async::Task<Result<HttpResponse, HttpError>> HttpClient::send(HttpRequest request,
                                                              Instant deadline) {
  const Target target{request.tls, request.host, request.port};
  Server& server = servers_.try_emplace(target, loop_).first->second;
  while (server.busy >= most_) {
    const bool woken = co_await server.freed.wait(deadline);
    if (!woken) {
      co_return HttpError{HttpError::Stage::timeout, false, "no connection became free in time",
                          false};
    }
  }
  const Turn turn(server);
  std::shared_ptr<Connection> connection = take_idle(server);
  if (connection == nullptr) {
    const auto tls = tls_for(target);
    if (!tls) co_return tls.error();
    connection = make_connection({io_, loop_, clock_, lookups_}, target, *tls);
    auto problem = co_await connection->open(deadline);
    if (problem) co_return *std::move(problem);
  }
  auto answer = co_await connection->exchange(std::move(request), deadline);
  if (answer && connection->is_reusable()) {
    const Instant now = clock_.now();
    while (!server.idle.empty() && now - server.idle.front().since >= kIdleTime) {
      server.idle.front().connection->close();
      server.idle.pop_front();
    }
    server.idle.push_back({std::move(connection), now});
  } else {
    connection->close();
  }
  co_return answer;
}

std::size_t HttpClient::idle() const {
  std::size_t count = 0;
  for (const auto& [target, server] : servers_) count += server.idle.size();
  return count;
}

}  // namespace dynamodb_replicator::os

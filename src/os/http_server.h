// A small server for /healthz, /readyz and /metrics: GET and HEAD, nothing that changes anything.
//
// Limits: 8 KiB of header, no body, 5 s for a request to come, 15 s between two, 64 connections
// (the next ones are closed at once). When bound to a loopback address it answers only to loopback
// names, so that a web page elsewhere cannot read it through a name of its own (DNS rebinding).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boost::asio {
class io_context;
}

namespace dynamodb_replicator::os {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Asked on the loop's thread, between two handlers; the path is without the query.
using HttpHandler = std::function<HttpReply(std::string_view path)>;

class HttpServer {
 public:
  // `host`: a numeric address or localhost; `port` 0: any free one. Failure kind: configuration.
  static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io,
                                                    const std::string& host, std::uint16_t port,
                                                    HttpHandler handler);
  ~HttpServer();
  [[nodiscard]] std::uint16_t port() const;
  // Bound to something else than this machine: worth a warning.
  [[nodiscard]] bool is_public() const;

  struct State;  // of http_server.cc alone

 private:
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace dynamodb_replicator::os

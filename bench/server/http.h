// A small HTTP/1.1 server for one thread: keep-alive, bodies with a Content-Length, nothing more.
// Loopback only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace bench {

struct Request {
  std::string_view method, path, target;  // target: the X-Amz-Target header
  std::string_view body;
};

struct Answer {
  int status = 200;
  std::string body;
};

class HttpServer {
 public:
  using Handler = std::function<Answer(const Request&)>;

  // Listens on 127.0.0.1; port 0: one that is free. Throws if it cannot.
  HttpServer(uint16_t port, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const { return port_; }
  // Serves until standard input, where it is a pipe, is closed, or nothing was asked for that long.
  void serve(int idle_seconds);

 private:
  struct Connection {
    std::string in, out;
    size_t sent = 0;
  };

  void accept_all();
  bool read_some(int fd, Connection& connection);  // false: it is over
  bool write_some(int fd, Connection& connection);
  void answer_all(Connection& connection);
  void close_connection(int fd);

  Handler handler_;
  int listener_ = -1, poll_ = -1;
  uint16_t port_ = 0;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace bench

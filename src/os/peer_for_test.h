// For tests of this room: the other side of a loopback socket, in a thread of its own, in plain
// blocking calls.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/invariant.h"

namespace dynamodb_replicator::os {

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { hang_up(); }

  static int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
    return fd;
  }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // One message with its body (by Content-Length); empty when the other side has hung up.
  std::string receive() {
    while (true) {
      const auto end = buffer_.find("\r\n\r\n");
      if (end != buffer_.npos) {
        const auto length = content_length(buffer_.substr(0, end));
        const std::size_t whole = end + 4 + length;
        if (buffer_.size() >= whole) {
          std::string message = buffer_.substr(0, whole);
          buffer_.erase(0, whole);
          return message;
        }
      }
      if (!more()) return "";
    }
  }
  // Everything until the other side hangs up.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(buffer_, "");
  }
  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  static std::size_t content_length(const std::string& header) {
    const auto at = header.find("Content-Length: ");
    return at == header.npos ? 0 : std::stoul(header.substr(at + 16));
  }
  bool more() {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 20000) <= 0) return false;
    std::string piece(65536, '\0');
    const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
    if (got <= 0) return false;
    buffer_.append(piece, 0, static_cast<std::size_t>(got));
    return true;
  }
  int fd_;
  std::string buffer_;
};

// Accepts on a loopback port and gives each connection to `script`, each in its own thread.
class PeerServer {
 public:
  using Script = std::function<void(Peer&)>;
  explicit PeerServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool listening =
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(listener_, 128) == 0;
    INVARIANT(listening, "a test found no port on loopback");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  PeerServer(const PeerServer&) = delete;
  PeerServer& operator=(const PeerServer&) = delete;
  ~PeerServer() { stop(); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int accepted() const { return accepted_; }
  // Waits until every script has ended.
  void stop() {
    if (!acceptor_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    ::close(listener_);
  }

 private:
  void accept() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++accepted_;
      threads_.emplace_back([this, fd] {
        Peer peer(fd);
        script_(peer);
      });
    }
  }
  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::list<std::thread> threads_;  // the acceptor's until it ended
  std::thread acceptor_;
};

}  // namespace dynamodb_replicator::os

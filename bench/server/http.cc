#include "http.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace bench {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kEventsMax = 64;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

bool same_name(std::string_view left, std::string_view lower) {
  if (left.size() != lower.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    const char c = left[i] >= 'A' && left[i] <= 'Z' ? static_cast<char>(left[i] + 32) : left[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Takes one whole request from the beginning of `text`; its length, 0 if it is not whole yet.
size_t parse(std::string_view text, Request& request) {
  const size_t head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return 0;
  std::string_view head = text.substr(0, head_end + 2);
  const std::string_view first = head.substr(0, head.find("\r\n"));
  const size_t space = first.find(' ');
  request.method = first.substr(0, space);
  request.path = first.substr(space + 1, first.rfind(' ') - space - 1);
  size_t length = 0;
  for (head.remove_prefix(first.size() + 2); !head.empty();) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    const size_t colon = line.find(':');
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (same_name(line.substr(0, colon), "content-length"))
      std::from_chars(value.data(), value.data() + value.size(), length);
    if (same_name(line.substr(0, colon), "x-amz-target")) request.target = value;
  }
  if (text.size() < head_end + 4 + length) return 0;
  request.body = text.substr(head_end + 4, length);
  return head_end + 4 + length;
}

void append_answer(const Answer& answer, std::string& out) {
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(answer.body.data()),
                          static_cast<uInt>(answer.body.size()));
  out += "HTTP/1.1 " + std::to_string(answer.status) + (answer.status == 200 ? " OK" : " Error");
  out +=
      "\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: BENCH\r\nx-amz-crc32: " +
      std::to_string(crc);
  out += "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n";
  out += answer.body;
}

}  // namespace

HttpServer::HttpServer(uint16_t port, Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  if (listener_ < 0 || poll_ < 0) fail("socket");
  const int yes = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, any, size) != 0 || listen(listener_, SOMAXCONN) != 0) fail("listen");
  getsockname(listener_, any, &size);
  port_ = ntohs(address.sin_port);
  for (const int fd : {listener_, STDIN_FILENO}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    // A file or /dev/null as standard input cannot be watched, and never ends either.
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0 && fd == listener_) fail("epoll_ctl");
  }
}

HttpServer::~HttpServer() {
  for (const auto& [fd, connection] : connections_) close(fd);
  close(poll_);
  close(listener_);
}

void HttpServer::serve(int idle_seconds) {
  epoll_event events[kEventsMax];
  while (true) {
    const int count = epoll_wait(poll_, events, kEventsMax, idle_seconds * 1000);
    if (count == 0) return;
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) {
        char ignored[256];
        if (read(fd, ignored, sizeof ignored) <= 0) return;
      } else if (fd == listener_) {
        accept_all();
      } else {
        const auto found = connections_.find(fd);
        if (found == connections_.end()) continue;
        const bool good = (events[i].events & EPOLLIN) == 0 || read_some(fd, *found->second);
        if (!good || !write_some(fd, *found->second)) close_connection(fd);
      }
    }
  }
}

void HttpServer::accept_all() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = fd}};
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    connections_.emplace(fd, std::make_unique<Connection>());
  }
}

bool HttpServer::read_some(int fd, Connection& connection) {
  while (true) {
    const size_t before = connection.in.size();
    connection.in.resize(before + kReadBytes);
    const ssize_t got = recv(fd, connection.in.data() + before, kReadBytes, 0);
    connection.in.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) continue;
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return false;
    if (errno == EAGAIN) break;
  }
  answer_all(connection);
  return true;
}

void HttpServer::answer_all(Connection& connection) {
  size_t done = 0;
  while (true) {
    Request request;
    const size_t length = parse(std::string_view(connection.in).substr(done), request);
    if (length == 0) break;
    append_answer(handler_(request), connection.out);
    done += length;
  }
  connection.in.erase(0, done);
}

bool HttpServer::write_some(int fd, Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t put = send(fd, connection.out.data() + connection.sent,
                             connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR;
    connection.sent += static_cast<size_t>(put);
  }
  connection.out.clear();
  connection.sent = 0;
  return true;
}

void HttpServer::close_connection(int fd) {
  connections_.erase(fd);
  close(fd);
}

}  // namespace bench

// The loop that diff-tables is measured beside: scans two tables over one connection each, page by
// page, and does nothing else; with `slices` it also finds where each item of a page begins and
// ends, as any program must.
//
//     bench_plain PORT PRIMARY REPLICA SEGMENTS [slices]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

class Connection {
 public:
  explicit Connection(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no connection");
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The body of the answer; valid until the next call.
  std::string_view ask(const std::string& body) {
    const std::string request =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: "
        "DynamoDB_20120810.Scan\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw std::runtime_error("send");
    size_t have = 0, whole = 0, begin = 0;
    while (whole == 0 || have < whole) {
      if (buffer_.size() < std::max(have + (1 << 16), whole) + simdjson::SIMDJSON_PADDING) {
        buffer_.resize(std::max(have + (1 << 16), whole) + simdjson::SIMDJSON_PADDING);
      }
      const ssize_t got =
          recv(fd_, buffer_.data() + have, buffer_.size() - simdjson::SIMDJSON_PADDING - have, 0);
      if (got <= 0) throw std::runtime_error("the server is gone");
      have += static_cast<size_t>(got);
      if (whole > 0) continue;
      const std::string_view text(buffer_.data(), have);
      const size_t end = text.find("\r\n\r\n");
      if (end == std::string_view::npos) continue;
      begin = end + 4;
      whole = begin +
              static_cast<size_t>(std::atoll(buffer_.data() + text.find("Content-Length: ") + 16));
    }
    return {buffer_.data() + begin, whole - begin};
  }

 private:
  int fd_;
  std::string buffer_;
};

size_t slices(simdjson::ondemand::parser& parser, std::string_view page) {
  simdjson::ondemand::document document =
      parser.iterate(page.data(), page.size(), page.size() + simdjson::SIMDJSON_PADDING);
  size_t bytes = 0;
  for (simdjson::ondemand::object item : document["Items"].get_array())
    bytes += std::string_view(item.raw_json()).size();
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 2;
  try {
    const auto port = static_cast<uint16_t>(std::atoi(arguments[1]));
    const int segments = std::atoi(arguments[4]);
    std::array<Connection, 2> connections = {Connection(port), Connection(port)};
    simdjson::ondemand::parser parser;
    size_t pages = 0, bytes = 0;
    for (int segment = 0; segment < segments; ++segment) {
      std::array<std::string, 2> start;
      std::array<bool, 2> more = {true, true};
      while (more[0] || more[1]) {
        for (size_t side = 0; side < 2; ++side) {
          if (!more[side]) continue;
          const std::string_view page = connections[side].ask(
              std::string(R"({"TableName":")") + arguments[2 + side] + R"(","Segment":)" +
              std::to_string(segment) + R"(,"TotalSegments":)" + std::to_string(segments) +
              start[side] + "}");
          const size_t last = page.rfind(R"("LastEvaluatedKey":)");
          more[side] = last != std::string_view::npos &&
                       page.size() - last < 1000;  // the server puts it last
          if (more[side])
            start[side] = R"(,"ExclusiveStartKey":)" +
                          std::string(page.substr(last + 19, page.size() - last - 20));
          bytes += count > 5 ? slices(parser, page) : page.size();
          ++pages;
        }
      }
    }
    std::printf("%zu pages, %zu bytes\n", pages, bytes);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_plain: %s\n", error.what());
    return 2;
  }
  return 0;
}

// One connection to a server: made once, used for one exchange after another, never for two at a
// time.
//
// Every wait is a coroutine's. A task that is destroyed while it waits closes the connection; what
// the kernel still holds of it keeps the buffers alive and is forgotten when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "async/doors.h"

namespace boost::asio {
class io_context;
}

namespace dynamodb_replicator::os {

// The largest answer that is read; the largest that is asked for is Kinesis' 10 MiB of data in
// base64, or 16 MB of items.
constexpr std::size_t kAnswerLimit = 64 << 20;
constexpr std::size_t kAnswerHeaderLimit = 16 << 10;
constexpr Duration kConnectTime = 3s;    // to each address of a name
constexpr Duration kHandshakeTime = 5s;  // TLS

struct Target {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  friend bool operator<(const Target& a, const Target& b) {
    return std::tie(a.tls, a.host, a.port) < std::tie(b.tls, b.host, b.port);
  }
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Resolves, connects, shakes hands. nullopt: done.
  virtual async::Task<std::optional<async::HttpError>> open(Instant deadline) = 0;
  // REQUIRES: open, and idle.
  virtual async::Task<Result<async::HttpResponse, async::HttpError>> exchange(
      async::HttpRequest request, Instant deadline) = 0;
  // After an exchange: another may follow, as far as both sides said and nothing unasked has come.
  virtual bool is_reusable() = 0;
  virtual void close() = 0;
};

class TlsContext;  // tls.h

struct Surroundings {
  boost::asio::io_context& io;
  async::Loop& loop;
  async::Clock& clock;
  std::size_t& lookups;  // counts host names being looked up; outlives every handler
};

// `tls` may be null for a target without TLS.
std::shared_ptr<Connection> make_connection(const Surroundings& around, Target target,
                                            TlsContext* tls);

}  // namespace dynamodb_replicator::os

#include "cli/running.h"

#include <charconv>

#include "app/status.h"

namespace dynamodb_replicator::cli {
namespace {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<Address> parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Address address{text.substr(0, colon), 0};
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return address;
}

}  // namespace

int run_replicator(const std::string& name, os::Outside& outside,
                   const app::ReplicateOptions& options, const std::string& http) {
  async::Doors& doors = outside.doors();
  app::Control control(doors.loop);
  if (!http.empty()) {
    const std::optional<Address> address = parse_address(http);
    if (!address)
      return complain(name, "--http " + http + " is not HOST:PORT, such as 127.0.0.1:8080");
    Result<std::uint16_t> port =
        outside.serve(address->host, address->port, [&](std::string_view path) {
          app::StatusAnswer answer =
              app::status_answer(control.metrics, path, doors.clock.now(), doors.clock.wall());
          return os::HttpReply{answer.status, std::move(answer.content_type),
                               std::move(answer.body)};
        });
    if (!port) return complain(name, "--http: " + to_text(port.error()));
    doors.log.info("serving /healthz, /readyz and /metrics",
                   {{"at", "http://" + address->host + ":" + std::to_string(*port)}});
  }
  return outside.run(app::replicate(doors, options, control), [&] {
    doors.log.info("stopping: finishing what is in flight (a second signal ends at once)");
    control.stop.open();
  });
}

}  // namespace dynamodb_replicator::cli

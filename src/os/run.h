// The real outside: opens every door, drives the loop, and hears signals. One per process.
//
//   os::Outside outside(os::LogForm::text, async::Level::info);
//   app::Control control(outside.doors().loop);
//   return outside.run(app::replicate(outside.doors(), options, control), [&] {
//   control.stop.open(); });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/doors.h"
#include "async/task.h"
#include "os/http_server.h"
#include "os/log.h"

namespace dynamodb_replicator::os {

class Outside {
 public:
  explicit Outside(LogForm form = LogForm::text, async::Level least = async::Level::info);
  ~Outside();
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

  async::Doors& doors();

  // Runs `main` to its end and gives its value. The first SIGINT or SIGTERM calls `on_signal` on
  // the loop; a second one ends the process at once with status 130. Without `on_signal` the first
  // one does.
  int run(async::Task<int> main, std::function<void()> on_signal = {});

  // Serves `handler` while this lives; the port that was bound. Warns if others than this machine
  // can reach it. Failure kind: configuration.
  Result<std::uint16_t> serve(const std::string& host, std::uint16_t port, HttpHandler handler);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dynamodb_replicator::os

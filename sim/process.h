// A simulated machine with its disk and clocks, and a process that runs on it behind its own doors.
//
// A crash destroys, in one stroke, the process's root task, its doors and its loop, as SIGKILL
// would: nothing of it runs again, while its requests on the way live on in the world. A machine's
// disk survives. A process is crashed, paused or started by events of the world only, never from
// inside one of its own handlers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "app/replicate.h"
#include "async/doors.h"
#include "sim/http_door.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

struct Machine {
  std::string name;
  Duration boot{0};         // what its CLOCK_BOOTTIME showed when the world began
  Duration wall_offset{0};  // its wall clock less the true time
  std::map<std::string, std::string> variables;
  struct File {
    std::string durable;
    std::string pending;  // written and not yet on disk
  };
  std::map<std::string, File> files;
  std::int64_t drift =
      0;  // of CLOCK_BOOTTIME, in parts of 10,000; others keep the wall clock right
  // CLOCK_BOOTTIME at a time of the world, and the first time of the world at which it shows that.
  [[nodiscard]] Instant boottime(Duration world) const {
    return Instant{} + boot + world + world * drift / 10'000;
  }
  [[nodiscard]] Duration world_time(Instant boottime) const;
  std::set<std::string> locked{};  // names that its running programs hold
  // What was pending is lost, but for a prefix that the seed chooses.
  void lose_power(base::Prng& prng);
};

// "host@pid" of the machine's `start`-th program.
std::string identity_of(const Machine& machine, int start);

class Process {
 public:
  using Program = std::function<async::Task<int>(async::Doors&, app::Control&)>;
  // REQUIRES: world, machine and network outlive it.
  Process(World& world, Machine& machine, Network& network, std::string name);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  // REQUIRES: !running().
  void start(const Program& program);
  void crash();
  // Crashes by itself after so many more of its handlers have run, if it still runs then.
  void crash_after(std::uint64_t steps, std::function<void()> then);
  void pause(Duration how_long);
  // Runs again, and does not crash by itself any more.
  void resume() {
    frozen_until_ = Duration{0};
    steps_left_ = 0;
  }
  [[nodiscard]] bool frozen() const { return world_.now() < frozen_until_; }
  [[nodiscard]] Duration frozen_left() const {
    return frozen() ? frozen_until_ - world_.now() : Duration{0};
  }
  [[nodiscard]] Duration frozen_for() const { return frozen_for_; }  // all pauses so far
  // As SIGTERM does. REQUIRES: running().
  void ask_to_stop();
  // Of the running program, or of the last one.
  [[nodiscard]] bool asked_to_stop() const { return asked_to_stop_; }

  [[nodiscard]] const std::string& name() const { return name_; }
  // As the program that runs calls itself, "host@pid": new with every start.
  [[nodiscard]] std::string identity() const { return identity_of(machine_, starts_); }
  Machine& machine() { return machine_; }
  [[nodiscard]] bool running() const { return life_ != nullptr; }
  // The exit status of the last program that ended by itself.
  [[nodiscard]] std::optional<int> exit_status() const { return exit_status_; }
  // Of the running program, or of the last one that ended by itself.
  [[nodiscard]] const flow::Metrics& metrics() const;

  // Gaps that all its programs so far have reported.
  [[nodiscard]] std::uint64_t gaps() const { return gaps_ + (running() ? metrics().gaps : 0); }

  // For the world, which drives it.
  [[nodiscard]] std::size_t ready() const;
  void run(std::size_t index);
  void fire();
  [[nodiscard]] std::optional<Duration> next_time() const;

 private:
  struct Life;
  void notice_end();

  World& world_;
  Machine& machine_;
  Network& network_;
  std::string name_;
  base::Prng dice_;
  int starts_ = 0;
  bool asked_to_stop_ = false;
  Duration frozen_until_{0};
  Duration frozen_for_{0};
  std::uint64_t steps_left_ = 0;  // 0: it does not crash by itself
  std::function<void()> on_crash_;
  std::optional<int> exit_status_;
  std::uint64_t gaps_ = 0;
  flow::Metrics last_metrics_;
  std::unique_ptr<Life> life_;
};

}  // namespace dynamodb_replicator::sim

// The doors of a simulated process but HTTP: clocks, dice, files, environment and log of its
// machine.
#pragma once

#include <string>

#include "async/doors.h"
#include "sim/process.h"

namespace dynamodb_replicator::sim {

class MachineClock : public async::Clock {
 public:
  MachineClock(const World& world, const Machine& machine) : world_(world), machine_(machine) {}
  Instant now() override { return machine_.boottime(world_.now()); }
  WallTime wall() override {
    return world_.wall() +
           std::chrono::duration_cast<std::chrono::microseconds>(machine_.wall_offset);
  }

 private:
  const World& world_;
  const Machine& machine_;
};

class SeededDice : public async::Dice {
 public:
  explicit SeededDice(base::Prng& prng) : prng_(prng) {}
  std::uint64_t roll() override { return prng_.next(); }

 private:
  base::Prng& prng_;
};

// What append_line wrote is durable when its task has ended, and not before.
class MachineFiles : public async::Files {
 public:
  MachineFiles(World& world, Machine& machine, async::Loop& loop, base::Prng& prng)
      : world_(world), machine_(machine), loop_(loop), prng_(prng) {}
  Result<std::optional<std::string>> read(const std::string& path) override;
  async::Task<Result<void>> append_line(const std::string& path, std::string line) override;
  Result<void> probe_append(const std::string& path) override;
  // The old text until the disk has the new one.
  async::Task<Result<void>> replace(const std::string& path, std::string text) override;
  Result<std::unique_ptr<async::Spill>> scratch(const std::string& directory) override;
  Result<std::unique_ptr<async::Spill>> spill(const std::string& path) override;
  Result<void> make_directories(const std::string&) override { return {}; }
  Result<void> remove(const std::string& path) override;
  Result<std::unique_ptr<async::Lock>> lock(const std::string& path) override;

 private:
  World& world_;
  Machine& machine_;
  async::Loop& loop_;
  base::Prng& prng_;
};

class MachineEnvironment : public async::Environment {
 public:
  MachineEnvironment(const Machine& machine, int start) : machine_(machine), start_(start) {}
  std::optional<std::string> variable(const std::string& name) override;
  std::string home() override { return "/home/" + machine_.name; }
  std::string process_name() override { return identity_of(machine_, start_); }
  Result<std::string> run_command(const std::string& command) override;

 private:
  const Machine& machine_;
  int start_;
};

class CapturedLog : public async::Log {
 public:
  CapturedLog(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  void write(async::Level level, std::string_view message,
             const std::vector<Field>& fields) override;

 private:
  World& world_;
  std::string name_;
};

}  // namespace dynamodb_replicator::sim

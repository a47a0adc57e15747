// The stage of one run: what is drawn from the seed before it begins, and who stands on it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sim/check.h"
#include "sim/drawn.h"
#include "sim/endpoint.h"
#include "sim/fences.h"
#include "sim/leases.h"
#include "sim/process.h"
#include "sim/run.h"
#include "sim/traffic.h"
#include "sim/writer.h"

namespace dynamodb_replicator::sim {

class Scene {
 public:
  Scene(const RunOptions& options, const Replicate& replicate);

  // Runs to the end and says how it was.
  RunResult play();

 private:
  struct Worker {
    std::unique_ptr<Machine> machine;
    std::unique_ptr<Process> process;
    Duration started{0};
    std::optional<Fault> armed;  // strikes with its next fitting request
    int loops = 0;               // crashes to come, each soon after its start
    bool by_profile = false;     // its credentials are in a file; else in its environment
  };
  void open_services();
  void open_workers();
  void start(Worker& worker);
  void start_later(Worker& worker, Duration delay);
  void trouble_workers();
  void stop_cleanly(Worker& worker);
  void stop_if_running(Worker& worker);
  void trouble_process(Worker& worker, Duration away);
  void crash_somewhere(Worker& worker, std::uint64_t steps_max);
  std::optional<Fault> meddle(const std::string& sender, const std::string& operation,
                              const async::HttpRequest& request);
  [[nodiscard]] bool is_throttled(const async::HttpRequest& request) const;
  void strike_late_writer(Worker& worker);
  void trouble_streams();
  void trouble_network();
  void trouble_tables();
  void write_as_stranger();
  void steal_lease();
  void rotate_credentials();
  void give_credentials(Worker& worker, const Identity& identity);
  void replace_stream();
  void new_stream();
  [[nodiscard]] Duration last_moment() const;
  void watch_workers();
  void look_at(const flow::Metrics& metrics);
  void race_to_the_end();
  void be_absent();
  void work_until_absence();
  void stop_in_trouble(Worker& worker);
  void hear(const std::string& process, std::string_view message, const World::Fields& fields);
  void heal();
  void converge();
  void be_quiet();
  void wind_down();
  void look_at_cost();
  void see_residual();
  [[nodiscard]] double worst_lag() const;
  [[nodiscard]] std::size_t open_shards() const;
  [[nodiscard]] std::string states() const;
  [[nodiscard]] std::optional<std::string> unfinished() const;
  void tamper();
  [[nodiscard]] std::optional<std::string> silent_loss() const;
  void reshard_at_least(std::uint64_t times);
  [[nodiscard]] std::uint64_t reshards() const;
  [[nodiscard]] std::optional<std::string> tame() const;

  RunOptions options_;
  Replicate replicate_;
  World world_;
  base::Prng prng_;
  base::Prng trouble_;  // of the accidents that were thought of later
  Drawn drawn_;
  Network network_;
  DynamoDb primary_db_;
  DynamoDb replica_db_;
  Table& primary_;
  Table& replica_;
  std::unique_ptr<TableStream> stream_;
  std::vector<std::unique_ptr<TableStream>> old_streams_;
  std::unique_ptr<Kinesis> kinesis_;
  Endpoint primary_endpoint_;
  Endpoint replica_endpoint_;
  Endpoint kinesis_endpoint_;
  Traffic traffic_;
  LeaseChecker leases_;
  std::vector<Worker> workers_;
  std::unique_ptr<Checker> checker_;
  FenceChecker fences_;
  std::unique_ptr<Writer> writer_;
  Identity identity_;  // the newest
  int rotations_ = 0;
  Duration replica_throttled_until_{0};
  Duration primary_throttled_until_{0};
  Duration leases_throttled_until_{0};
  Duration leases_slow_until_{0};
  Duration looks_slow_until_{0};
  bool trimmed_early_ = false;
  bool absent_ = false;
  bool healed_ = false;
  Duration healed_at_{0};
  bool differed_ = false;
  bool repaired_ = false;
  bool ending_ = false;
};

}  // namespace dynamodb_replicator::sim

// The other kind of run: `diff-tables` over a pair of tables, alone or beside a replicator and an
// application that writes.
//
// The pair differs when the run begins. The command is started, killed, stopped and started again,
// as its user would, until it has come to its end; then everything is healed. What it says is held
// against the tables' histories, what it writes against the wire, and what it leaves against the
// primary. The tables run on engines that scan in orders of their own.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/endpoint.h"
#include "sim/pair_drawn.h"
#include "sim/process.h"
#include "sim/run.h"
#include "sim/second_writer.h"
#include "sim/streams.h"
#include "sim/writer.h"

namespace dynamodb_replicator::sim {

using Compare = std::function<async::Task<int>(async::Doors&, app::DiffOptions, const app::Console&,
                                               async::Gate&)>;
struct Commands {
  Replicate replicate;
  Compare compare;
};

class PairScene : NetworkWatcher {
 public:
  PairScene(const RunOptions& options, const Commands& commands);
  PairScene(const PairScene&) = delete;
  PairScene& operator=(const PairScene&) = delete;
  // The processes go first: what they give up is told to us.
  ~PairScene() override {
    desk_.process.reset();
    replicators_.clear();
  }
  RunResult play();

  // A write whose answer its sender did not get may be applied again.
  void sent(std::uint64_t number, const std::string& sender, const std::string& operation,
            const async::HttpRequest& request, Duration deadline) override;
  void applied(std::uint64_t number, const std::string& operation,
               const async::HttpRequest& request, const async::HttpResponse& response) override;
  void over(std::uint64_t number, bool heard) override;

 private:
  struct Host {
    std::unique_ptr<Machine> machine;
    std::unique_ptr<Process> process;
  };
  struct Sent {
    async::HttpRequest request;
    Duration deadline{0};
    bool done = false;  // the service has done it
  };
  Host make_host(const std::string& name);
  void open_services();
  void differ_at_first();
  void start_command();
  void start_command_later(Duration delay);
  void watch_hosts();
  void ended(int status);
  void say(const std::string& line);
  void out(const std::string& line);
  void trouble();
  void trouble_replicator(Host& host);
  void kill_command_soon();
  void kill_command();
  std::optional<Fault> meddle(const std::string& sender, const std::string& operation,
                              const async::HttpRequest& request);
  [[nodiscard]] std::string canonical(const std::string& plain) const;
  void look_at_report();
  void look_at_leavings();
  [[nodiscard]] bool must_be_equal(const std::string& key) const;
  [[nodiscard]] std::optional<std::string> difference() const;
  void heal();
  void come_to_an_end();
  void run_once_more();
  void be_at_rest();

  RunOptions options_;
  Commands commands_;
  World world_;
  base::Prng prng_;
  base::Prng trouble_;
  PairDrawn drawn_;
  Network network_;
  DynamoDb primary_db_;
  DynamoDb replica_db_;
  Table& primary_;
  Table& replica_;
  Identity identity_;
  Endpoint primary_endpoint_;
  Endpoint replica_endpoint_;
  SecondWriterChecker checker_;
  std::unique_ptr<TableStream> stream_;
  std::unique_ptr<Writer> writer_;
  app::Console console_;
  Host desk_;
  std::vector<Host> replicators_;
  std::map<std::uint64_t, Sent> writes_;
  std::map<std::string, std::string> reported_;  // by key: as what; of the program that runs
  std::map<std::string, std::string> keys_;      // canonical, by what a program prints
  std::set<std::string> told_before_;            // keys, by those that the program goes on from
  Duration started_{0};                          // the program that runs, or ran last
  Duration begun_{0};                            // the first program of the run that it resumes
  bool going_on_ = false;
  Duration throttled_until_[2] = {0s, 0s};
  int kills_ = 0;
  bool starting_ = false;
  bool finished_ = false;  // the command has come to its end
  bool healed_ = false;
  Duration healed_at_{0};
  bool ending_ = false;
};

RunResult run_pair(const RunOptions& options, const Commands& commands);

}  // namespace dynamodb_replicator::sim

// The process's surroundings: variables, the home directory, commands.
#pragma once

#include "async/doors.h"

namespace dynamodb_replicator::os {

class Environment : public async::Environment {
 public:
  // How long a command may take; then it is killed with everything that it started.
  static constexpr Duration kCommandTime = 60s;
  // At most this much of its output is read.
  static constexpr std::size_t kOutputLimit = 1 << 20;

  explicit Environment(async::Clock& clock) : clock_(clock) {}
  std::optional<std::string> variable(const std::string& name) override;
  std::string home() override;
  std::string process_name() override;
  // By /bin/sh, with no input; its standard error is thrown away, for it may hold secrets. Blocks
  // the loop.
  Result<std::string> run_command(const std::string& command) override;

 private:
  async::Clock& clock_;
};

}  // namespace dynamodb_replicator::os

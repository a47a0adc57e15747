// What every command shares: its own CLI11 parser, the options that all have, and how parsing ends.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "os/log.h"

namespace dynamodb_replicator::cli {

using Arguments = std::vector<std::string>;  // without the program's and the command's name

// A parser with --help, --version, --config, --log and --log-level. `name` is what the user typed.
class Command {
 public:
  Command(const std::string& name, const std::string& purpose, const std::string& examples);
  CLI::App& app() { return app_; }
  // nullopt: go on. Else the exit status: 0 after --help or --version, 2 after wrong usage (said on
  // standard error).
  std::optional<int> parse(Arguments arguments);
  [[nodiscard]] os::LogForm log_form() const;
  // As asked, else `unasked`.
  [[nodiscard]] async::Level log_level(async::Level unasked = async::Level::info) const;

 private:
  CLI::App app_;
  std::string name_;
  std::string log_ = "text";
  std::string log_level_ = "info";
};

// Prints "NAME: SENTENCE" on standard error, NAME being the command's; gives 2.
int complain(const std::string& name, const std::string& sentence);
// Prints a result of the command on standard output; gives `status`, or 2 where it cannot be
// written.
int print_result(const std::string& name, const std::string& text, int status);

// The commands. Each gives the exit status.
int replicate(const std::string& name, Arguments arguments);
int launch_kinesis_cluster(const std::string& name, Arguments arguments);
int leases(const std::string& name, Arguments arguments);
int diff_tables(const std::string& name, Arguments arguments);
int diff_record(const std::string& name, Arguments arguments);
int replicate_record(const std::string& name, Arguments arguments);
int check(const std::string& name, Arguments arguments);

}  // namespace dynamodb_replicator::cli

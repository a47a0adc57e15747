#include "cli/command.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "os/terminal.h"

namespace dynamodb_replicator::cli {

Command::Command(const std::string& name, const std::string& purpose, const std::string& examples)
    : app_(purpose, name), name_(name) {
  app_.footer("\n" + examples);
  app_.get_formatter()->column_width(34);
  app_.set_version_flag("--version", "dynamodb-replicator " DYNAMODB_REPLICATOR_VERSION,
                        "print the version");
  app_.set_help_flag("-h,--help", "print this");
  app_.set_config("--config", "", "read options from this TOML file; flags win over it")
      ->type_name("FILE");
  app_.allow_config_extras(CLI::config_extras_mode::error);
  app_.add_option("--log", log_, "text or json, on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  app_.add_option("--log-level", log_level_, "debug, info, warn or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "warning", "error", "fatal"}));
}

std::optional<int> Command::parse(Arguments arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 wants the last first
  try {
    app_.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app_.exit(error);
      return 0;
    }
    std::cerr << name_ << ": " << error.what() << "\nTry '" << name_ << " --help'.\n";
    return 2;
  }
  return std::nullopt;
}

os::LogForm Command::log_form() const {
  return os::parse_log_form(log_).value_or(os::LogForm::text);
}

async::Level Command::log_level(async::Level unasked) const {
  if (app_.count("--log-level") == 0) return unasked;
  if (log_level_ == "trace" || log_level_ == "debug") return async::Level::debug;
  if (log_level_ == "warn" || log_level_ == "warning") return async::Level::warning;
  if (log_level_ == "error" || log_level_ == "fatal") return async::Level::error;
  return async::Level::info;
}

int complain(const std::string& name, const std::string& sentence) {
  std::cerr << name << ": " << sentence << "\n";
  return 2;
}

int print_result(const std::string& name, const std::string& text, int status) {
  const Result<void> printed = os::print(text);
  return printed ? status : complain(name, to_text(printed.error()));
}

}  // namespace dynamodb_replicator::cli

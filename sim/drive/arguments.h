// What was typed after `simulate`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/drive/runs.h"

namespace dynamodb_replicator::sim {

struct Arguments {
  enum class Command { help, list, one, range, mutants, regressions };
  Command command = Command::help;
  Plan plan;  // of every run; its seed is the first
  std::uint64_t seeds = 1;
  std::uint64_t trials = 1;
  bool shrink = false;
  bool kinds_alone = false;  // of the list
  unsigned jobs = 1;
  std::string file;
};

// nullopt: `why` says what is wrong.
std::optional<Arguments> parse(int argc, char** argv, std::string& why);

extern const char* const kHelp;

}  // namespace dynamodb_replicator::sim

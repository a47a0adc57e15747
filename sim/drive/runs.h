// One run as the driver sees it: what is asked for, what came of it, and the command that repeats
// it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/drive/bugs.h"
#include "sim/pair_scene.h"
#include "sim/run.h"

namespace dynamodb_replicator::sim {

struct Plan {
  std::uint64_t seed = 1;
  FaultSet off{};
  base::Bug bug = base::Bug::none;
  Kind kind = Kind::replicate;
  bool calm = false;
  bool show = false;
  bool tamper = false;
};

// What is summed over runs. Plain numbers: they travel between processes as they are.
struct Numbers {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t changes = 0;
  std::uint64_t requests = 0;
  std::uint64_t regressions = 0;
  std::uint64_t digest = 0;
  double virtual_seconds = 0;
  std::array<std::uint64_t, kFaults> faults{};
  std::array<std::uint64_t, kInvariants> invariants{};
  std::array<std::uint64_t, base::kMarks> marks{};
  void add(const Numbers& other);
};

struct Ran {
  Numbers numbers;
  std::string failure;  // empty: it passed
  std::string summary;
};

// Runs here and now. A run that takes more than a minute of real time kills the process (SIGALRM),
// a broken invariant does too: whoever wants to survive that asks a crew (sim/drive/crew.h).
Ran run_plan(const Plan& plan);

// As bytes for another process of the same program.
std::string pack(const Ran& ran);
Ran unpack(std::string_view bytes);

// What to type to see the same run again.
std::string command_for(const Plan& plan);
// "a,b"; "all".
std::string to_text(FaultSet kinds);
// nullopt: `bad` is no kind of fault.
std::optional<FaultSet> kinds_named(std::string_view list, std::string& bad);

}  // namespace dynamodb_replicator::sim

// simulate: runs the replicator in simulated worlds. `simulate --help` says what it can do.
#include <cstdio>

#include "sim/drive/mutants.h"
#include "sim/drive/range.h"

namespace {

using namespace dynamodb_replicator::sim;
namespace base = dynamodb_replicator::base;

void line(std::string_view name, std::string_view sentence = {}) {
  std::printf("  %-28.*s %.*s\n", static_cast<int>(name.size()), name.data(),
              static_cast<int>(sentence.size()), sentence.data());
}

int list(const Arguments& arguments) {
  std::printf("kinds of faults:\n");
  for (std::size_t i = 0; i < kFaults; ++i) line(name_of(static_cast<Fault>(i)));
  if (arguments.kinds_alone) return 0;
  std::printf("invariants:\n");
  for (std::size_t i = 0; i < kInvariants; ++i) line(name_of(static_cast<Invariant>(i)));
  std::printf("marks:\n");
  for (std::size_t i = 0; i < base::kMarks; ++i) line(name_of(static_cast<base::Mark>(i)));
  std::printf("planted bugs:\n");
  for (std::size_t i = 1; i < base::kBugs; ++i) {
    const auto bug = static_cast<base::Bug>(i);
    line(name_of(bug), sentence_of(bug));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string why;
  const auto arguments = parse(argc, argv, why);
  if (!arguments) {
    std::fprintf(stderr, "simulate: %s\nsimulate --help says more.\n", why.c_str());
    return 2;
  }
  switch (arguments->command) {
    case Arguments::Command::help:
      std::fputs(kHelp, stdout);
      return 0;
    case Arguments::Command::list:
      return list(*arguments);
    case Arguments::Command::one:
      return run_one(*arguments);
    case Arguments::Command::range:
      return run_range(*arguments);
    case Arguments::Command::mutants:
      return run_mutants(*arguments);
    case Arguments::Command::regressions:
      return run_regressions(*arguments);
  }
  return 2;
}

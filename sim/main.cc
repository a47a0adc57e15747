// simulate: runs the replicator in simulated worlds.
//
//   simulate --first-seed N --seeds K   a range of seeds; ends with "K passed, 0 failed"
//   simulate --seed N [--trace]         one seed; ends with "trace HEX", the same for the same seed
//   and program
//   --calm                              without any fault
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/run.h"

namespace {

using namespace dynamodb_replicator;

struct Arguments {
  std::uint64_t first = 0;
  std::uint64_t seeds = 1;
  bool one = true;
  bool trace = false;
  bool calm = false;
};

int usage() {
  std::fputs(
      "usage: simulate --seed N [--trace] [--calm]\n       simulate --first-seed N --seeds K "
      "[--calm]\n",
      stderr);
  return 2;
}

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto number = [&](std::uint64_t& value) {
      if (i + 1 == argc) return false;
      char* end = nullptr;
      value = std::strtoull(argv[++i], &end, 10);
      return *end == '\0' && end != argv[i];
    };
    if (name == "--trace") {
      out.trace = true;
    } else if (name == "--calm") {
      out.calm = true;
    } else if (name == "--seed") {
      if (!number(out.first)) return false;
    } else if (name == "--first-seed") {
      out.one = false;
      if (!number(out.first)) return false;
    } else if (name == "--seeds") {
      out.one = false;
      if (!number(out.seeds)) return false;
    } else {
      return false;
    }
  }
  return true;
}

void print_faults(const std::array<std::uint64_t, sim::kFaults>& counts) {
  for (std::size_t i = 0; i < sim::kFaults; ++i) {
    const std::string_view name = sim::name_of(static_cast<sim::Fault>(i));
    std::printf("  %-18.*s %llu\n", static_cast<int>(name.size()), name.data(),
                static_cast<unsigned long long>(counts[i]));
  }
}

sim::RunResult run(const Arguments& arguments, std::uint64_t seed) {
  return sim::run({seed, arguments.trace, !arguments.calm},
                  [](async::Doors& doors, app::ReplicateOptions options, app::Control& control) {
                    return app::replicate(doors, std::move(options), control);
                  });
}

void print_failure(const Arguments& arguments, std::uint64_t seed, const sim::RunResult& result) {
  std::printf("seed %llu FAILED: %s\n  (%s)\n  replay: simulate --seed %llu --trace%s\n",
              static_cast<unsigned long long>(seed), result.failure->c_str(),
              result.summary.c_str(), static_cast<unsigned long long>(seed),
              arguments.calm ? " --calm" : "");
  std::fflush(stdout);
}

int run_one(const Arguments& arguments) {
  const sim::RunResult result = run(arguments, arguments.first);
  if (result.failure) print_failure(arguments, arguments.first, result);
  std::printf("%s\n%llu changes, %llu requests, %.1f virtual seconds, %llu regressions\n",
              result.summary.c_str(), static_cast<unsigned long long>(result.changes),
              static_cast<unsigned long long>(result.requests), result.virtual_seconds,
              static_cast<unsigned long long>(result.regressions));
  std::printf("trace %016llx\n", static_cast<unsigned long long>(result.digest));
  return result.failure ? 1 : 0;
}

int run_range(const Arguments& arguments) {
  std::array<std::uint64_t, sim::kFaults> counts{};
  std::uint64_t failed = 0;
  std::uint64_t changes = 0;
  std::uint64_t regressions = 0;
  double virtual_seconds = 0;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const sim::RunResult result = run(arguments, seed);
    for (std::size_t i = 0; i < sim::kFaults; ++i) counts[i] += result.faults[i];
    changes += result.changes;
    regressions += result.regressions;
    virtual_seconds += result.virtual_seconds;
    if (!result.failure) continue;
    ++failed;
    print_failure(arguments, seed, result);
  }
  std::printf("faults that struck:\n");
  print_faults(counts);
  std::printf(
      "%llu changes in %.1f virtual hours; the replica stepped back %llu times and recovered\n",
      static_cast<unsigned long long>(changes), virtual_seconds / 3600,
      static_cast<unsigned long long>(regressions));
  std::printf("%llu passed, %llu failed\n",
              static_cast<unsigned long long>(arguments.seeds - failed),
              static_cast<unsigned long long>(failed));
  return failed > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage();
  return arguments.one ? run_one(arguments) : run_range(arguments);
}

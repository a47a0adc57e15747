#include "sim/drive/mutants.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/invariant.h"
#include "sim/drive/crew.h"
#include "sim/drive/range.h"

namespace dynamodb_replicator::sim {
namespace {

using Count = unsigned long long;

// ---- mutants

// One bug over one range of seeds.
struct Search {
  base::Bug bug = base::Bug::none;
  std::uint64_t first = 0;
  std::uint64_t needed = 0;  // seeds until it was found; 0: it was not
  std::uint64_t seed = 0;    // that found it
  std::string said;
  FaultSet off;  // kinds that did not strike
};

// The next seed from `from` on that fails with the bug, and passes without: else it says nothing
// about the bug. Gives "SEED reason", or nothing.
std::string search(Plan plan, std::uint64_t from, std::uint64_t end,
                   std::atomic<std::uint64_t>& at) {
  const base::Bug bug = plan.bug;
  for (plan.seed = from; plan.seed < end; ++plan.seed) {
    at = plan.seed;
    plan.bug = bug;
    const Ran ran = run_plan(plan);
    if (ran.failure.empty()) continue;
    plan.bug = base::Bug::none;
    if (run_plan(plan).failure.empty()) return std::to_string(plan.seed) + " " + ran.failure;
  }
  return "";
}

// The kinds that do not strike where the bug is sought.
FaultSet off_for(base::Bug bug) {
  const std::string_view only = only_kinds_of(bug);
  if (only.empty()) return {};
  std::string bad;
  const auto kinds = kinds_named(only, bad);
  INVARIANT(kinds.has_value(), "a planted bug names kinds of faults that there are");
  return ~*kinds;
}

void note(Search& search, const Outcome& outcome) {
  if (!outcome.died.empty()) {
    search.seed = outcome.at;
    search.said = outcome.died;
  } else if (!outcome.text.empty()) {
    const std::size_t space = outcome.text.find(' ');
    search.seed = std::stoull(outcome.text.substr(0, space));
    search.said = outcome.text.substr(space + 1);
  } else {
    return;
  }
  search.needed = search.seed - search.first + 1;
}

// The middle of the trials; one that found nothing counts as more than all.
std::string median(std::vector<std::uint64_t> needed) {
  for (std::uint64_t& seeds : needed) seeds = seeds == 0 ? UINT64_MAX : seeds;
  std::sort(needed.begin(), needed.end());
  const std::uint64_t middle = needed[(needed.size() - 1) / 2];
  return middle == UINT64_MAX ? "-" : std::to_string(middle);
}

// One line of the table. Gives whether every trial found the bug.
bool print_bug(const Search* trials, std::size_t count, std::uint64_t most) {
  std::vector<std::uint64_t> needed;
  for (std::size_t i = 0; i < count; ++i) needed.push_back(trials[i].needed);
  const bool all = std::find(needed.begin(), needed.end(), 0U) == needed.end();
  const auto found = std::find_if(trials, trials + count, [](const Search& s) { return s.needed; });
  const std::string name(name_of(trials->bug));
  if (found == trials + count) {
    std::printf("%-26s MISSED in %llu seeds\n", name.c_str(), Count{most});
  } else {
    constexpr std::size_t kSaid = 150;
    const std::string with = found->off.none() ? "" : " --kinds-on " + to_text(~found->off);
    std::printf("%-26s %5s%s  seed %llu%s: %s\n", name.c_str(), median(needed).c_str(),
                all ? "" : " (MISSED in a trial)", Count{found->seed}, with.c_str(),
                found->said.substr(0, kSaid).c_str());
  }
  return all;
}

// ---- regressions

struct Line {
  Plan plan;
  std::string what;
};

std::optional<std::vector<Line>> read_lines(const std::string& path, std::string& why) {
  std::ifstream file(path);
  if (!file) {
    why = "cannot read " + path;
    return std::nullopt;
  }
  std::vector<Line> lines;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    if (text.empty() || text.starts_with('#')) continue;
    std::istringstream words(text);
    Line line;
    std::string seed;
    std::string bug;
    std::string off;
    words >> seed >> bug >> off >> std::ws;
    const bool pair = seed.starts_with("pair:");
    line.plan.seed = std::strtoull(seed.c_str() + (pair ? 5 : 0), nullptr, 10);
    std::getline(words, line.what);
    std::string bad;
    const auto planted = bug == "-" ? base::Bug::none : bug_named(bug);
    const auto kinds = kinds_named(off == "-" ? "" : off, bad);
    if (!planted || !kinds || line.what.empty()) {
      why = path + ":" + std::to_string(number) + ": not [pair:]SEED BUG KINDS-OFF WHAT";
      return std::nullopt;
    }
    line.plan.bug = *planted;
    line.plan.off = *kinds;
    if (pair) line.plan.kind = Kind::pair;
    lines.push_back(std::move(line));
  }
  return lines;
}

// Why the line does not hold; empty if it does.
std::string trouble(const Line& line) {
  Plan plan = line.plan;
  plan.bug = base::Bug::none;
  const Ran healthy = run_apart(plan);
  if (!healthy.failure.empty()) return "fails: " + healthy.failure;
  if (line.plan.bug != base::Bug::none && run_apart(line.plan).failure.empty())
    return "passes with the bug";
  return "";
}

}  // namespace

int run_mutants(const Arguments& arguments) {
  std::vector<Search> searches;
  const bool one = arguments.plan.bug != base::Bug::none;
  for (std::size_t bug = 1; bug < base::kBugs; ++bug) {
    if (one ? static_cast<base::Bug>(bug) != arguments.plan.bug
            : is_rare(static_cast<base::Bug>(bug)))
      continue;
    for (std::uint64_t trial = 0; trial < arguments.trials; ++trial) {
      searches.push_back(
          {static_cast<base::Bug>(bug),
           arguments.plan.seed + trial * arguments.seeds,
           0,
           0,
           {},
           arguments.plan.off.none() ? off_for(static_cast<base::Bug>(bug)) : arguments.plan.off});
    }
  }
  run_in_processes(
      searches.size(), arguments.jobs,
      [&](std::size_t job, std::atomic<std::uint64_t>& at) {
        Plan plan = arguments.plan;
        plan.bug = searches[job].bug;
        if (!one) plan.kind = kind_of(plan.bug);
        plan.off = searches[job].off;
        return search(plan, searches[job].first, searches[job].first + arguments.seeds, at);
      },
      [&](std::size_t job, Outcome outcome) {
        if (job < searches.size()) note(searches[job], outcome);
      });
  std::printf("bug                        seeds  what was said first\n");
  const std::size_t bugs = searches.size() / arguments.trials;
  std::size_t found = 0;
  for (std::size_t i = 0; i < bugs; ++i)
    found += print_bug(&searches[i * arguments.trials], arguments.trials, arguments.seeds);
  if (!one) {
    std::printf("not sought, for too few seeds tell them (tests/regress/seeds.txt has one each):");
    for (std::size_t bug = 1; bug < base::kBugs; ++bug) {
      if (is_rare(static_cast<base::Bug>(bug)))
        std::printf(" %s", std::string(name_of(static_cast<base::Bug>(bug))).c_str());
    }
    std::printf("\n");
  }
  std::printf("%zu passed, %zu failed\nmutants %zu/%zu\n", found, bugs - found, found, bugs);
  return found == bugs ? 0 : 1;
}

int run_regressions(const Arguments& arguments) {
  std::string why;
  const auto lines = read_lines(arguments.file, why);
  if (!lines) {
    std::fprintf(stderr, "simulate: %s\n", why.c_str());
    return 2;
  }
  std::size_t failed = 0;
  for (const Line& line : *lines) {
    const std::string wrong = trouble(line);
    failed += wrong.empty() ? 0 : 1;
    std::printf("[%s] %s: %s%s%s\n", wrong.empty() ? "passed" : "FAILED",
                command_for(line.plan).c_str(), line.what.c_str(), wrong.empty() ? "" : ": ",
                wrong.c_str());
  }
  std::printf("%zu passed, %zu failed\n", lines->size() - failed, failed);
  return failed == 0 && !lines->empty() ? 0 : 1;
}

}  // namespace dynamodb_replicator::sim

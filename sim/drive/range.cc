#include "sim/drive/range.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "sim/drive/crew.h"

namespace dynamodb_replicator::sim {
namespace {

using Count = unsigned long long;

constexpr std::uint64_t kCanaryFrom = 100;  // seeds in a range
constexpr std::uint64_t kCensusFrom = 2000;
constexpr std::uint64_t kPairCensusFrom = 200;
constexpr std::size_t kShrunkMax = 3;  // failing seeds of a range that are made small
constexpr unsigned kShrinkRuns = 200;

// Strikes consistent reads never: only a planted bug meets with it.
constexpr Fault kNeedsABug[] = {Fault::stale_read};

Ran from(const Outcome& outcome) {
  if (outcome.died.empty()) return unpack(outcome.text);
  Ran ran;
  ran.failure = outcome.died;
  ran.numbers.runs = ran.numbers.failed = 1;
  return ran;
}

void print_failure(const Plan& plan, const Ran& ran) {
  std::printf("seed %llu FAILED: %s\n  (%s)\n  replay: %s --trace\n", Count{plan.seed},
              ran.failure.c_str(), ran.summary.c_str(), command_for(plan).c_str());
  std::fflush(stdout);
}

// Switches kinds off, many at once and then fewer, as long as the run still fails.
Plan shrink(Plan plan, unsigned runs) {
  for (std::size_t size = kFaults; size > 0; size /= 2) {
    std::vector<std::size_t> on;
    for (std::size_t i = 0; i < kFaults; ++i) {
      if (!plan.off.test(i)) on.push_back(i);
    }
    for (std::size_t begin = 0; begin < on.size(); begin += size) {
      if (runs-- == 0) return plan;
      Plan smaller = plan;
      for (std::size_t i = begin; i < std::min(begin + size, on.size()); ++i)
        smaller.off.set(on[i]);
      if (!run_apart(smaller).failure.empty()) plan = smaller;
    }
  }
  return plan;
}

void print_shrunk(const Plan& plan) {
  const Plan small = shrink(plan, kShrinkRuns);
  std::printf("seed %llu, made small: %s\n  %s\n", Count{plan.seed}, command_for(small).c_str(),
              run_apart(small).failure.c_str());
}

// Names and counts, three in a line.
template <class Name>
void print_counts(const char* title, const std::uint64_t* counts, std::size_t size, Name name) {
  std::printf("%s:\n", title);
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view text = name(i);
    std::printf("  %-28.*s %12llu%s", static_cast<int>(text.size()), text.data(), Count{counts[i]},
                i % 3 == 2 || i + 1 == size ? "\n" : "");
  }
}

std::string_view fault_name(std::size_t i) { return name_of(static_cast<Fault>(i)); }
std::string_view invariant_name(std::size_t i) { return name_of(static_cast<Invariant>(i)); }
std::string_view mark_name(std::size_t i) { return name_of(static_cast<base::Mark>(i)); }

void print_sums(const Numbers& sums) {
  print_counts("faults that struck", sums.faults.data(), kFaults, fault_name);
  print_counts("invariants that were looked at", sums.invariants.data(), kInvariants,
               invariant_name);
  print_counts("marks that were reached", sums.marks.data(), base::kMarks, mark_name);
  std::printf(
      "%llu changes and %llu requests in %.1f virtual hours; the replica stepped back %llu times "
      "and recovered\n",
      Count{sums.changes}, Count{sums.requests}, sums.virtual_seconds / 3600,
      Count{sums.regressions});
}

// What never happened in all these runs was not tested by them. Gives how much that was.
std::uint64_t print_what_never_happened(const Numbers& sums) {
  std::uint64_t never = 0;
  const auto look = [&](const char* what, std::uint64_t count, std::string_view name) {
    if (count > 0) return;
    ++never;
    std::printf("NEVER HAPPENED: %s %.*s\n", what, static_cast<int>(name.size()), name.data());
  };
  for (std::size_t i = 0; i < kFaults; ++i) {
    const bool needs_a_bug = std::find(std::begin(kNeedsABug), std::end(kNeedsABug),
                                       static_cast<Fault>(i)) != std::end(kNeedsABug);
    if (!needs_a_bug) look("fault", sums.faults[i], fault_name(i));
  }
  for (std::size_t i = 0; i < kInvariantsReplicating; ++i)
    look("invariant", sums.invariants[i], invariant_name(i));
  for (std::size_t i = 0; i < base::kMarks; ++i) look("mark", sums.marks[i], mark_name(i));
  return never;
}

// Of pair scenes, which look at few invariants.
std::uint64_t print_what_was_not_looked_at(const Numbers& sums) {
  std::uint64_t never = 0;
  for (const Invariant one : {Invariant::equal_at_rest, Invariant::no_secrets,
                              Invariant::comparison_true, Invariant::looked_before_write}) {
    if (sums.invariants[static_cast<std::size_t>(one)] > 0) continue;
    ++never;
    std::printf("NEVER HAPPENED: invariant %s\n", std::string(name_of(one)).c_str());
  }
  return never;
}

// A run that has to fail; false: it passed, and so would anything.
bool canary_dies(Plan plan) {
  plan.tamper = true;
  const Ran ran = run_apart(plan);
  if (ran.failure.empty())
    std::printf("the alarm is broken: %s passed\n", command_for(plan).c_str());
  else
    std::printf("the canary died as it should: %s\n", ran.failure.c_str());
  return !ran.failure.empty();
}

// Collects what the crew sends and tells it in the order of the seeds.
class Range {
 public:
  explicit Range(const Arguments& arguments) : arguments_(arguments) {}

  void take(std::size_t job, Outcome outcome) {
    waiting_[job] = from(outcome);
    for (auto next = waiting_.find(told_); next != waiting_.end(); next = waiting_.find(told_)) {
      tell(plan_of(told_), next->second);
      waiting_.erase(next);
      ++told_;
    }
    constexpr std::uint64_t kProgressEvery = 5000;
    if (told_ > 0 && told_ % kProgressEvery == 0 && told_ < arguments_.seeds)
      std::fprintf(stderr, "%llu of %llu seeds\n", Count{told_}, Count{arguments_.seeds});
  }
  [[nodiscard]] Plan plan_of(std::size_t job) const {
    Plan plan = arguments_.plan;
    plan.seed += job;
    return plan;
  }
  [[nodiscard]] const Numbers& sums() const { return sums_; }
  [[nodiscard]] const std::vector<Plan>& failing() const { return failing_; }

 private:
  void tell(const Plan& plan, const Ran& ran) {
    sums_.add(ran.numbers);
    if (ran.failure.empty()) return;
    failing_.push_back(plan);
    print_failure(plan, ran);
  }
  const Arguments& arguments_;
  std::map<std::size_t, Ran> waiting_;
  std::size_t told_ = 0;
  Numbers sums_;
  std::vector<Plan> failing_;
};

}  // namespace

Ran run_apart(const Plan& plan) {
  Ran ran;
  run_in_processes(
      1, 1, [&plan](std::size_t, std::atomic<std::uint64_t>&) { return pack(run_plan(plan)); },
      [&ran](std::size_t, Outcome outcome) { ran = from(outcome); });
  return ran;
}

int run_one(const Arguments& arguments) {
  const Plan& plan = arguments.plan;
  if (arguments.shrink) {
    const Ran whole = run_apart(plan);
    if (whole.failure.empty()) {
      std::printf("seed %llu passes: there is nothing to make small\n", Count{plan.seed});
      return 0;
    }
    print_failure(plan, whole);
    print_shrunk(plan);
    return 1;
  }
  const Ran ran = run_plan(plan);
  if (!ran.failure.empty()) print_failure(plan, ran);
  std::printf("%s\n%llu changes, %llu requests, %.1f virtual seconds, %llu regressions\n",
              ran.summary.c_str(), Count{ran.numbers.changes}, Count{ran.numbers.requests},
              ran.numbers.virtual_seconds, Count{ran.numbers.regressions});
  std::printf("trace %016llx\n", Count{ran.numbers.digest});
  return ran.failure.empty() ? 0 : 1;
}

int run_range(const Arguments& arguments) {
  Range range(arguments);
  run_in_processes(
      arguments.seeds, arguments.jobs,
      [&range](std::size_t job, std::atomic<std::uint64_t>&) {
        return pack(run_plan(range.plan_of(job)));
      },
      [&range](std::size_t job, Outcome outcome) { range.take(job, std::move(outcome)); });
  const std::vector<Plan>& failing = range.failing();
  for (std::size_t i = 0; i < std::min(failing.size(), kShrunkMax); ++i) print_shrunk(failing[i]);
  print_sums(range.sums());
  std::uint64_t failed = failing.size();
  const Plan& plan = arguments.plan;
  const bool whole = plan.off.none() && !plan.calm && !plan.tamper;
  const bool pair = plan.kind == Kind::pair;
  if (whole && !pair && arguments.seeds >= kCensusFrom)
    failed += print_what_never_happened(range.sums());
  if (whole && pair && arguments.seeds >= kPairCensusFrom)
    failed += print_what_was_not_looked_at(range.sums());
  if (!plan.tamper && arguments.seeds >= kCanaryFrom && !canary_dies(plan)) ++failed;
  std::printf("%llu passed, %llu failed\n", Count{arguments.seeds - failing.size()}, Count{failed});
  return failed > 0 ? 1 : 0;
}

}  // namespace dynamodb_replicator::sim

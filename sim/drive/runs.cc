#include "sim/drive/runs.h"

#include <sys/time.h>

#include <algorithm>
#include <cstring>

namespace dynamodb_replicator::sim {
namespace {

// Of the processor's time: a run takes a tenth of a second, and the machine may be busy.
constexpr time_t kSecondsMax = 60;

// The process ends by SIGPROF if that much is used before the next call; 0: it does not.
void limit_time(time_t seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

template <std::size_t N>
void add_all(std::array<std::uint64_t, N>& to, const std::array<std::uint64_t, N>& from) {
  for (std::size_t i = 0; i < N; ++i) to[i] += from[i];
}

}  // namespace

void Numbers::add(const Numbers& other) {
  runs += other.runs;
  failed += other.failed;
  changes += other.changes;
  requests += other.requests;
  regressions += other.regressions;
  virtual_seconds += other.virtual_seconds;
  add_all(faults, other.faults);
  add_all(invariants, other.invariants);
  add_all(marks, other.marks);
}

Ran run_plan(const Plan& plan) {
  base::planted_bug = plan.bug;
  base::marks.fill(0);
  limit_time(plan.show ? 0 : kSecondsMax);
  RunOptions options;
  options.seed = plan.seed;
  options.show = plan.show;
  options.chaos = !plan.calm;
  options.off = plan.off;
  options.tamper = plan.tamper;
  const Commands commands{
      [](async::Doors& doors, app::ReplicateOptions replicate, app::Control& control) {
        return app::replicate(doors, std::move(replicate), control);
      },
      [](async::Doors& doors, app::DiffOptions diff, const app::Console& console,
         async::Gate& stop) { return app::diff_tables(doors, std::move(diff), console, stop); }};
  RunResult result =
      plan.kind == Kind::pair ? run_pair(options, commands) : run(options, commands.replicate);
  limit_time(0);
  Ran ran;
  ran.numbers.runs = 1;
  ran.numbers.failed = result.failure ? 1 : 0;
  ran.numbers.changes = result.changes;
  ran.numbers.requests = result.requests;
  ran.numbers.regressions = result.regressions;
  ran.numbers.digest = result.digest;
  ran.numbers.virtual_seconds = result.virtual_seconds;
  ran.numbers.faults = result.faults;
  ran.numbers.invariants = result.invariants;
  ran.numbers.marks = base::marks;
  ran.failure = result.failure.value_or("");
  ran.summary = std::move(result.summary);
  return ran;
}

std::string pack(const Ran& ran) {
  std::string bytes(sizeof(Numbers), '\0');
  std::memcpy(bytes.data(), &ran.numbers, sizeof(Numbers));
  return bytes + ran.failure + '\0' + ran.summary;
}

Ran unpack(std::string_view bytes) {
  Ran ran;
  std::memcpy(&ran.numbers, bytes.data(), sizeof(Numbers));
  bytes.remove_prefix(sizeof(Numbers));
  const std::size_t end = bytes.find('\0');
  ran.failure = bytes.substr(0, end);
  ran.summary = bytes.substr(end + 1);
  return ran;
}

std::string to_text(FaultSet kinds) {
  if (kinds.all()) return "all";
  std::string text;
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (!kinds.test(i)) continue;
    text.append(text.empty() ? "" : ",").append(name_of(static_cast<Fault>(i)));
  }
  return text;
}

std::optional<FaultSet> kinds_named(std::string_view list, std::string& bad) {
  if (list == "all") return FaultSet().set();
  FaultSet kinds;
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(name.size() + 1, list.size()));
    std::size_t i = 0;
    while (i < kFaults && name_of(static_cast<Fault>(i)) != name) ++i;
    if (i == kFaults) {
      bad = name;
      return std::nullopt;
    }
    kinds.set(i);
  }
  return kinds;
}

std::string command_for(const Plan& plan) {
  std::string command = "simulate --seed " + std::to_string(plan.seed);
  if (plan.bug != base::Bug::none) command.append(" --mutant ").append(name_of(plan.bug));
  if (plan.kind == Kind::pair) command += " --scene pair";
  if (plan.calm) command += " --calm";
  if (plan.tamper) command += " --canary";
  if (plan.off.none()) return command;
  const bool few = plan.off.count() * 2 <= kFaults || plan.off.all();
  return command +
         (few ? " --kinds-off " + to_text(plan.off) : " --kinds-on " + to_text(~plan.off));
}

}  // namespace dynamodb_replicator::sim

#include "sim/world.h"

#include <algorithm>
#include <cstdio>

#include "base/digests.h"
#include "sim/process.h"

namespace dynamodb_replicator::sim {
namespace {

// 2030-01-01T00:00:00Z: no run depends on the day it is run.
constexpr WallTime kBeginning{std::chrono::microseconds{1'893'456'000'000'000}};
// A process that never lets time go on is a bug of its own.
constexpr std::uint64_t kHandlersAtOneTime = 200'000;

}  // namespace

World::World(Options options)
    : options_(options),
      pick_(part("pick")),
      faults_(part("faults"), options.chaos, options.off),
      digest_(options.seed) {}

WallTime World::wall() const {
  return kBeginning + std::chrono::duration_cast<std::chrono::microseconds>(now_);
}

void World::at(Duration when, std::function<void()> event) {
  events_.push({std::max(when, now_), numbers_++, std::move(event)});
}

void World::skip(Duration how_long) {
  std::priority_queue<Event> later;
  for (; !events_.empty(); events_.pop()) {
    Event event = events_.top();
    event.when += how_long;
    later.push(std::move(event));
  }
  events_ = std::move(later);
  now_ += how_long;
  skipped_ += how_long;
}

base::Prng World::part(std::string_view name) const {
  return base::Prng(base::digest128(std::to_string(options_.seed) + "/" + std::string(name)).low);
}

void World::trace(std::string_view who, std::string_view what, std::string_view detail) {
  std::string line = std::to_string(digest_);
  line.append("|").append(std::to_string(now_.count())).append("|");
  line.append(who).append("|").append(what).append("|").append(detail);
  digest_ = base::digest128(line).low;
  if (!options_.show) return;
  constexpr std::size_t kShownAtMost = 1500;
  detail = detail.substr(0, kShownAtMost);
  std::printf("%12.6f %-10.*s %-14.*s %.*s\n", base::seconds(now_), static_cast<int>(who.size()),
              who.data(), static_cast<int>(what.size()), what.data(),
              static_cast<int>(detail.size()), detail.data());
}

void World::expect_no_secret(std::string_view where, std::string_view text) {
  for (const std::string& secret : secrets_) {
    expect(Invariant::no_secrets, text.find(secret) == text.npos,
           [&] { return "a secret is in " + std::string(where) + ": " + std::string(text); });
  }
}

void World::fail(std::string reason) {
  trace("world", "FAILED", reason);
  if (!failure_) failure_ = std::move(reason);
}

bool World::run_one_handler() {
  std::size_t ready = 0;
  for (Process* process : processes_) {
    process->fire();  // a timer that was set to the past is as ready as anything else
    ready += process->ready();
  }
  if (ready == 0) return false;
  std::size_t index = pick_.below(ready);
  for (Process* process : processes_) {
    const std::size_t here = process->ready();
    if (index < here) {
      if (faults_.strikes(Fault::stall)) {
        process->pause(between(pick_, 1ms, 300ms));
      } else {
        process->run(index);
      }
      break;
    }
    index -= here;
  }
  ++handlers_;
  if (++handlers_at_this_time_ > kHandlersAtOneTime)
    fail("a process never waits: time stands still");
  return true;
}

std::optional<Duration> World::next_time() const {
  std::optional<Duration> next;
  const auto take = [&next](std::optional<Duration> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  if (!events_.empty()) take(events_.top().when);
  for (const Process* process : processes_) take(process->next_time());
  return next;
}

void World::run_until(Duration horizon, const std::function<bool()>& enough) {
  while (!failure_) {
    if (run_one_handler()) continue;
    const auto next = next_time();
    if (!next || *next > horizon) {
      now_ = std::max(now_, horizon);
      return;
    }
    if (*next > now_) handlers_at_this_time_ = 0;
    now_ = std::max(now_, *next);
    if (events_.empty() || events_.top().when > now_) continue;
    const auto event = std::move(events_.top().what);
    events_.pop();
    event();
    if (enough && enough()) return;
  }
}

Duration between(base::Prng& prng, Duration from, Duration to) {
  return from + Duration(static_cast<Duration::rep>(
                    prng.below(static_cast<std::uint64_t>((to - from).count()) + 1)));
}

}  // namespace dynamodb_replicator::sim

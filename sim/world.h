// The simulated world: virtual time, one queue of events, one seed.
//
// Everything that happens is an event of the world (a request arrives, a shard splits, a machine
// dies) or one ready handler of one process. While a process has a ready handler, the seed picks
// which one runs next; when none has, time moves to the next event or timer. So a run is a function
// of its seed. What must hold:
//  - Every part draws from its own generator, part(name): a new draw in one part does not shift the
//  others.
//  - Nothing here iterates over pointers or hashes; nothing reads a real clock.
//  - Everything worth telling goes through trace(): its digest is the identity of the run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "sim/faults.h"
#include "sim/invariants.h"

namespace dynamodb_replicator::sim {

class Process;

class World {
 public:
  struct Options {
    std::uint64_t seed = 0;
    bool show = false;  // print the trace
    bool chaos = true;  // false: nothing goes wrong
    FaultSet off{};     // kinds that never strike
  };
  explicit World(Options options);

  [[nodiscard]] Duration now() const { return now_; }  // since the beginning
  [[nodiscard]] WallTime wall() const;                 // true UTC
  void at(Duration when, std::function<void()> event);
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }

  // A long time in which nothing happens: whatever was to come comes that much later. REQUIRES: no
  // process runs.
  void skip(Duration how_long);
  [[nodiscard]] Duration skipped() const { return skipped_; }

  [[nodiscard]] base::Prng part(std::string_view name) const;
  Faults& faults() { return faults_; }

  // What must never be seen outside of a signed request.
  void plant(std::string secret) { secrets_.push_back(std::move(secret)); }
  void expect_no_secret(std::string_view where, std::string_view text);

  void trace(std::string_view who, std::string_view what, std::string_view detail = {});
  [[nodiscard]] bool shown() const { return options_.show; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

  // Told of every line that a process logs.
  using Fields = std::vector<std::pair<std::string_view, std::string>>;
  using Line = std::function<void(const std::string& process, std::string_view message,
                                  const Fields& fields)>;
  void listen(Line listener) { listener_ = std::move(listener); }
  void logged(const std::string& process, std::string_view message, const Fields& fields) {
    if (listener_) listener_(process, message, fields);
  }

  // A broken promise: the first reason is kept and ends the run.
  void fail(std::string reason);
  // One look at an invariant; `reason()` is asked for only if it is broken. Gives `holds`.
  template <class Reason>
  bool expect(Invariant invariant, bool holds, const Reason& reason) {
    ++looked_[static_cast<std::size_t>(invariant)];
    if (!holds) fail(std::string(name_of(invariant)) + ": " + reason());
    return holds;
  }
  [[nodiscard]] const InvariantCounts& looked() const { return looked_; }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

  // Until `horizon`, or until fail(), or until `enough` (asked after each event of the world, not
  // each handler).
  void run_until(Duration horizon, const std::function<bool()>& enough = {});

  [[nodiscard]] std::uint64_t handlers() const { return handlers_; }

 private:
  friend class Process;
  struct Event {
    Duration when;
    std::uint64_t number;
    mutable std::function<void()> what;         // moved out of the queue's top, which is const
    bool operator<(const Event& other) const {  // the queue's top is its largest
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  bool run_one_handler();
  [[nodiscard]] std::optional<Duration> next_time() const;

  Options options_;
  Duration now_{0};
  Duration skipped_{0};
  std::priority_queue<Event> events_;
  std::uint64_t numbers_ = 0;
  std::vector<Process*> processes_;  // in the order of their creation
  base::Prng pick_;
  Faults faults_;
  std::uint64_t digest_ = 0;
  std::uint64_t handlers_ = 0;
  std::uint64_t handlers_at_this_time_ = 0;
  InvariantCounts looked_{};
  std::vector<std::string> secrets_;
  std::optional<std::string> failure_;
  Line listener_;
};

// Uniform in [from, to].
Duration between(base::Prng& prng, Duration from, Duration to);

}  // namespace dynamodb_replicator::sim

// What the parts of a comparison share: the two tables, settings, what is known so far, and how
// they ask (in turn with the budget, again after failures that pass).
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/doors.h"
#include "async/gate.h"
#include "core/backoff.h"
#include "core/compare_state.h"
#include "core/scan_plan.h"
#include "core/window.h"
#include "flow/content.h"
#include "flow/ports.h"

namespace dynamodb_replicator::flow {

struct CompareSettings {
  item::KeySchema schema;
  ContentRules rules;
  int segments = 1;
  std::vector<int> chosen = {0};  // those that are scanned, in this order
  // The chosen ones are all of them: a key that was not seen is not there. Else it may be in
  // another.
  bool whole = true;
  unsigned concurrency = 0;  // segments at once; 0: as many as keep the processor busy
  bool consistent = false;
  Duration settle = 5s;
  double read_units = 0;      // a second, both sides together; 0: no ceiling
  double units_a_page = 128;  // expected of the first pages: 1 MB, eventually consistent
  std::string scratch;        // directory for what does not fit into memory
  std::size_t window_bytes = core::ScanWindow::kBytesMax;
};

enum class Finding { missing, different, extraneous, changing };
using core::kFindings;
using core::Outcomes;

struct Found {
  Finding what = Finding::missing;
  item::KeyRef key;
};

// Makes the state of a comparison durable, with the spill that it speaks of.
class StateKeeper {
 public:
  virtual ~StateKeeper() = default;
  virtual Task<Result<void>> keep(const core::CompareState& state) = 0;
};

// For whoever shows progress.
struct CompareProgress {
  enum class Phase { scan, settle };
  Phase phase = Phase::scan;
  Instant settle_began{};
  core::Tally tally;
  Outcomes outcomes;
  std::size_t segments_done = 0;
  std::array<double, 2> units{};  // consumed, by side
  std::uint64_t candidates = 0;   // taken up for consistent reads so far
  std::uint64_t spilled = 0;      // bytes of the window on disk
};

// What a comparison goes on from, and where it keeps its state; nullptr: it does not.
struct Resuming {
  StateKeeper* keeper = nullptr;
  async::Spill* spill = nullptr;
  std::optional<core::CompareState> from;  // of an interrupted run
};

struct CompareContext {
  async::Loop& loop;
  async::Clock& clock;
  async::Dice& dice;
  async::Files& files;
  async::Log& log;
  std::array<TableScanner*, 2> scanners;  // by core::index_of
  std::array<TableReader*, 2> readers;
  const CompareSettings& settings;
  async::Gate& stop;
  Resuming resuming{};
  CompareProgress progress{};
  core::Budget budget{settings.read_units};
  core::Window lanes{core::kScanConcurrencyAskedMax};  // shrinks when throttled
  std::optional<Instant> answered{};                   // the last answer of either side
  std::optional<Instant> silence_told{};               // when that none comes was last said
};

Failure stopped_failure();

// How long no answer at all may come before the comparison gives up.
inline constexpr Duration kPatience = 5min;
// After so long without any that is said, and again every so often.
inline constexpr Duration kSilent = 5s;
inline constexpr Duration kSaySilentEvery = 30s;

// Will to try again help, without anybody's hand?
bool passes(FailureKind kind);
// Notes the failure of the n-th attempt and gives how long to wait; nullopt: give up.
std::optional<Duration> wait_after(CompareContext& context, const Failure& failure,
                                   unsigned attempts, Instant begun);

// The segment to scan next: one that an interrupted run was at (`resumed`), else the next of
// `chosen`. REQUIRES: there is one.
int take_segment(const std::vector<int>& chosen, std::size_t& next, std::vector<int>& resumed);

// Waits for its turn in the budget.
Task<bool> take_turn(CompareContext& context, double expected);
void pay(CompareContext& context, core::Side side, double expected, double consumed);

// Asks until there is an answer: backs off when throttled, never gives up while answers come.
// `call`: Instant deadline -> Task<Result<T>>, T with `units`.
template <class T, class Call>
Task<Result<T>> insist(CompareContext& context, core::Side side, double expected, Duration timeout,
                       Call call) {
  const Instant begun = context.clock.now();
  for (unsigned attempts = 1;; ++attempts) {
    const bool turn = co_await take_turn(context, expected);
    if (!turn) co_return stopped_failure();
    Result<T> answer = co_await call(context.clock.now() + timeout);
    if (answer) {
      context.answered = context.clock.now();
      pay(context, side, expected, answer->units);
      co_return answer;
    }
    pay(context, side, expected, 0);
    const std::optional<Duration> wait = wait_after(context, answer.error(), attempts, begun);
    if (!wait) {
      Failure failure = std::move(answer).error();
      failure.attempts = static_cast<int>(attempts);
      co_return failure;
    }
    co_await context.stop.wait_until(context.clock.now() + *wait);
  }
}

}  // namespace dynamodb_replicator::flow

#include "flow/compare.h"

#include <algorithm>

#include "core/batches.h"

namespace dynamodb_replicator::flow {

Failure stopped_failure() {
  Failure failure;
  failure.kind = FailureKind::cancelled;
  failure.message = "interrupted";
  return failure;
}

std::optional<Duration> wait_after(CompareContext& context, const Failure& failure,
                                   unsigned attempts, Instant begun) {
  const Instant now = context.clock.now();
  if (!core::passes(failure.kind)) return std::nullopt;
  const Instant since = std::max(begun, context.answered.value_or(begun));
  if (now - since > kPatience) return std::nullopt;
  if (failure.kind == FailureKind::throttled) context.lanes.throttled(now);
  const bool silent = now - since > kSilent;
  if (silent && (!context.silence_told || now - *context.silence_told > kSaySilentEvery)) {
    context.silence_told = now;
    const auto left = static_cast<long long>(base::seconds(since + kPatience - now));
    context.log.warning(
        "nothing is answered; asked again until it is given up",
        {{"giving_up_after_seconds", std::to_string(left)}, {"after", to_text(failure)}});
  }
  context.log.debug("asking again", {{"after", to_text(failure)}});
  return core::retry_after(failure.kind, attempts, context.dice.roll());
}

int take_segment(const std::vector<int>& chosen, std::size_t& next, std::vector<int>& resumed) {
  if (resumed.empty()) return chosen[next++];
  const int segment = resumed.back();
  resumed.pop_back();
  return segment;
}

Task<bool> take_turn(CompareContext& context, double expected) {
  while (!context.stop.is_open() && context.budget.ready_at() > context.clock.now()) {
    const Instant ready = context.budget.ready_at();
    co_await context.stop.wait_until(ready);
  }
  if (context.stop.is_open()) co_return false;
  context.budget.charge(expected, context.clock.now());
  co_return true;
}

void pay(CompareContext& context, core::Side side, double expected, double consumed) {
  context.budget.charge(consumed - expected, context.clock.now());
  context.progress.units[core::index_of(side)] += consumed;
}

}  // namespace dynamodb_replicator::flow

#include "flow/fence.h"

#include <algorithm>

#include "base/planted.h"
#include "core/backoff.h"

namespace dynamodb_replicator::flow {

ShardFence::ShardFence(Context& context, const core::ShardRow& row)
    : context_(context),
      stream_(row.stream),
      shard_(row.shard),
      generation_(row.counter),
      holder_(row.nonce),
      highest_(row.counter),
      stripes_(context.settings.stripes),
      changed_(context.loop) {
  INVARIANT(!stripes_.empty(), "a fence has at least one stripe");
}

core::Fence ShardFence::pass(unsigned stripe) const {
  return {stream_, shard_, stripe, generation_, stripes_[stripe].bumps, holder_};
}

Task<bool> ShardFence::raise() {
  for (unsigned stripe = 0; stripe < stripes_.size(); ++stripe) {
    const bool ours = co_await move(stripe, Step::raise);
    if (!ours) co_return false;
  }
  co_return true;
}

Task<bool> ShardFence::bump(unsigned stripe) {
  ++context_.metrics.fence_bumps;
  base::mark(base::Mark::fence_bumped);
  if (base::planted(base::Bug::bump_left_out)) co_return true;
  const bool ours = co_await move(stripe, Step::bump);
  co_return ours;
}

// One conditional step of one stripe, until it is known to be done.
Task<bool> ShardFence::move(unsigned stripe, Step step) {
  const core::Fence from = pass(stripe);
  core::Fence to = from;
  if (step == Step::bump) ++to.bumps;
  for (unsigned failures = 0; !closed_;) {
    const Instant deadline = context_.clock.now() + kCallTimeout;
    Result<void> moved;
    if (step == Step::raise) {
      moved = co_await context_.leases.raise_fence(to, deadline);
    } else {
      moved = co_await context_.leases.bump_fence(from, deadline);
    }
    std::optional<bool> ours;
    if (moved) {
      ours = true;
    } else if (moved.error().kind == FailureKind::condition_failed) {
      // Either an attempt of ours whose answer was lost got there first, or the shard has a new
      // owner.
      ours = co_await find_out(to);
    }
    if (ours) {
      if (*ours) stripes_[stripe].bumps = to.bumps;
      co_return *ours && !closed_;
    }
    if (!moved) co_await pause(moved.error(), ++failures);
  }
  co_return false;
}

// Does the stored fence say what we want it to say? nullopt: not known, try again.
Task<std::optional<bool>> ShardFence::find_out(const core::Fence& wanted) {
  Result<std::optional<core::Fence>> stored =
      co_await context_.leases.get_fence(wanted, context_.clock.now() + kCallTimeout);
  if (!stored || !*stored) co_return std::nullopt;
  const core::Fence& there = **stored;
  highest_ = std::max(highest_, there.generation);
  if (there.generation < wanted.generation) co_return std::nullopt;
  const bool ours = there.generation == wanted.generation && there.holder == wanted.holder &&
                    there.bumps == wanted.bumps;
  co_return ours;
}

Task<void> ShardFence::pause(const Failure& failure, unsigned failures) {
  ++context_.metrics.retries;
  if (context_.complaints.due("fence" + failure.code, context_.clock.now())) {
    context_.log.warning("cannot move a shard's fence; trying again",
                         {{"shard", shard_}, {"because", to_text(failure)}});
  }
  const Duration wait = core::retry_after(FailureKind::transient, failures, context_.dice.roll());
  co_await context_.loop.sleep_until(context_.clock.now() + std::min<Duration>(wait, 1s));
}

Task<std::optional<unsigned>> ShardFence::take() {
  while (!closed_) {
    for (unsigned i = 0; i < stripes_.size(); ++i) {
      if (stripes_[i].taken) continue;
      stripes_[i].taken = true;
      co_return i;
    }
    co_await changed_.wait();
  }
  co_return std::nullopt;
}

void ShardFence::give_back(unsigned stripe) {
  stripes_[stripe].taken = false;
  changed_.notify();
}

void ShardFence::close() {
  closed_ = true;
  changed_.notify();
}

}  // namespace dynamodb_replicator::flow

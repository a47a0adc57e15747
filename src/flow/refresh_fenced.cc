// How the refresher writes in fenced mode: one transaction at a time under each stripe of a shard's
// fence.
#include <map>
#include <utility>

#include "base/planted.h"
#include "flow/refresh.h"

namespace dynamodb_replicator::flow {
namespace {

// Holds a stripe for as long as it lives.
class Held {
 public:
  Held(ShardFence& fence, unsigned stripe) : fence_(fence), stripe_(stripe) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { fence_.give_back(stripe_); }

 private:
  ShardFence& fence_;
  unsigned stripe_;
};

}  // namespace

// Not written, for no fault of the keys: look again soon whether somebody may write them.
void Refresher::give_back(const Batch& batch) {
  for (const Pending& pending : batch)
    turns_.again(pending.turn, context_.clock.now() + kLookAgain, std::nullopt, false);
}

Task<void> Refresher::write_all_fenced(Batch batch) {
  std::map<std::uint64_t, Batch> by_session;
  for (Pending& pending : batch) {
    const std::optional<std::uint64_t> session = best_session(pending.turn);
    by_session[session.value_or(0)].push_back(std::move(pending));  // 0: nobody's any more
  }
  async::Scope scope(context_.loop);
  for (auto& [session, pendings] : by_session) {
    std::vector<std::size_t> bytes;
    for (const Pending& pending : pendings)
      bytes.push_back(pending.item.size() + pending.turn.key->wire().size());
    std::size_t begin = 0;
    for (const std::size_t end : core::cut_batches(bytes, batch_max_, core::kFencedBytesMax)) {
      const auto first = pendings.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = pendings.begin() + static_cast<std::ptrdiff_t>(end);
      scope.spawn(write_fenced(Batch(std::make_move_iterator(first), std::make_move_iterator(last)),
                               session));
      begin = end;
    }
  }
  co_await scope.join();
}

// Waits for a free stripe and writes under it.
Task<void> Refresher::write_fenced(Batch batch, std::uint64_t session) {
  const auto owner = owners_.find(session);
  // Kept alive here: the session may end while we wait.
  const std::shared_ptr<ShardFence> fence =
      owner == owners_.end() ? nullptr : owner->second->fence();
  if (fence == nullptr) {
    give_back(batch);
    co_return;
  }
  co_await context_.loop.sleep_until(write_budget_.ready_at());
  const std::optional<unsigned> stripe = co_await fence->take();
  if (!stripe) {
    give_back(batch);
    co_return;
  }
  std::vector<Written> written;
  {
    const Held held(*fence, *stripe);
    co_await write_under(std::move(batch), session, *fence, *stripe, written);
  }
  for (Written& part : written) co_await verify(std::move(part.batch), part.issued);
}

Task<void> Refresher::write_under(Batch batch, std::uint64_t session, ShardFence& fence,
                                  unsigned stripe, std::vector<Written>& written) {
  const Instant issued = context_.clock.now();
  const auto owner = owners_.find(session);
  // Safety needs no lease here, the fence sees to it; a worker that is about to lose its shard
  // should not keep the next one busy all the same.
  if (owner == owners_.end() || issued >= owner->second->hold().issue_until()) {
    give_back(batch);
    co_return;
  }
  const Instant deadline = std::min(issued + kWriteTimeout, owner->second->hold().end());
  std::vector<Write> writes;
  for (const Pending& pending : batch) writes.push_back({pending.turn.key, pending.item});
  ++context_.metrics.write_requests;
  Result<WriteAnswer> answer =
      co_await context_.fenced->write(fence.pass(stripe), writes, deadline);
  if (!answer) {
    co_await not_written(std::move(batch), session, fence, stripe, std::move(answer).error(),
                         written);
    co_return;
  }
  context_.metrics.write_units += answer->units;
  write_budget_.charge(answer->units, context_.clock.now());
  write_blocked_.clear();
  Written part{{}, issued};
  sort_out(std::move(batch), *answer, deadline, part.batch);
  written.push_back(std::move(part));
}

Task<void> Refresher::not_written(Batch batch, std::uint64_t session, ShardFence& fence,
                                  unsigned stripe, Failure failure, std::vector<Written>& written) {
  if (failure.maybe_applied) {
    note(failure, write_blocked_);
    batch_max_ = std::max<std::size_t>(1, batch_max_ / 2);
    // From here on the attempt cannot land any more, or it has landed; either way what is read next
    // is newer. If the bump is refused we are not the owner: the next one reads after its raising.
    co_await fence.bump(stripe);
    for (const Pending& pending : batch) retry(pending.turn, failure.kind, std::nullopt);
    co_return;
  }
  if (failure.kind == FailureKind::condition_failed) {
    ++context_.metrics.fence_refusals;
    base::mark(base::Mark::fenced_out);
    const auto owner = owners_.find(session);
    if (owner != owners_.end()) owner->second->fenced_out();
    give_back(batch);
    co_return;
  }
  if (core::worth_splitting(failure.kind)) {
    if (batch.size() == 1) {
      refuse(batch.front().turn,
             "the replica refuses this item: " + failure.code + ": " + failure.message);
      co_return;
    }
    Batch rest = core::split_off(batch);
    co_await write_under(std::move(batch), session, fence, stripe, written);
    co_await write_under(std::move(rest), session, fence, stripe, written);
    co_return;
  }
  note(failure, write_blocked_);
  for (const Pending& pending : batch) retry(pending.turn, failure.kind, std::nullopt);
}

}  // namespace dynamodb_replicator::flow

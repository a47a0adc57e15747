// A shard's fence, from the side of the session that owns the shard (fenced mode).
//
// A fence is a few items (stripes) in the lease table, beside the replica. Every write carries a
// check of one of them in the same transaction, so a write of a former owner, however late it
// lands, is refused. What must hold:
//  - All stripes are raised to the new owner's generation before it reads or writes anything: what
//    it reads then is newer than anything that a former owner can still bring to the replica.
//    Raising goes by generation alone, not by what was read before, so that a former owner who
//    wakes up in the middle of its own raising cannot go on.
//  - At most one transaction is in flight for one stripe (two checks of one item conflict), and an
//    attempt whose outcome is unknown holds its stripe until a bump has ended it: after the bump it
//    cannot land any more, and the key may be read and written again.
// Fence items are never deleted: a late raise would make one again that an even later write passes.
// Never renewed: heartbeats touch the lease row only, or they would conflict with the writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "core/rows.h"
#include "flow/context.h"

namespace dynamodb_replicator::flow {

class ShardFence {
 public:
  static constexpr Duration kCallTimeout = 3s;

  // `row`: as stored by our acquisition; its counter is our generation.
  ShardFence(Context& context, const core::ShardRow& row);

  // Raises every stripe, one by one, as often as it takes. False: the shard has a newer owner, or
  // the session is over.
  Task<bool> raise();

  // A stripe with nothing in flight, waited for; nullopt: the session is over. Whoever has it gives
  // it back.
  Task<std::optional<unsigned>> take();
  void give_back(unsigned stripe);
  // REQUIRES: taken.
  [[nodiscard]] core::Fence pass(unsigned stripe) const;
  // Ends whatever was sent under the stripe's pass, as often as it takes. False: as for raise().
  // REQUIRES: taken.
  Task<bool> bump(unsigned stripe);

  // The session is over: nothing waits any more, nothing is sent any more.
  void close();
  // The highest generation that was met, ours or another's.
  [[nodiscard]] std::uint64_t highest() const { return highest_; }

 private:
  struct Stripe {
    std::uint64_t bumps = 0;
    bool taken = false;
  };
  enum class Step { raise, bump };
  Task<bool> move(unsigned stripe, Step step);
  Task<std::optional<bool>> find_out(const core::Fence& wanted);
  Task<void> pause(const Failure& failure, unsigned failures);

  Context& context_;
  std::string stream_;
  std::string shard_;
  std::uint64_t generation_;
  std::string holder_;
  std::uint64_t highest_;
  std::vector<Stripe> stripes_;
  async::Signal changed_;
  bool closed_ = false;
};

}  // namespace dynamodb_replicator::flow

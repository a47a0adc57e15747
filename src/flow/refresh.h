// The one place that writes the replica, and so the one place where order is argued about. It has
// two forms: this one, for whoever follows a stream and holds leases, and the guarded one
// (flow/refresh_guarded.h), for second writers. Nothing else writes the replica.
//
// Refresher takes turns (core/key_turns.h), reads their keys consistently from the primary and puts
// or deletes them on the replica, in batches, several at a time. What must hold in both modes:
//  - The value written is never older than the start of the turn: every attempt after a failure
//  reads again,
//    except the halves of a batch that the service refused as a whole (nothing of it was applied,
//    no time passed).
//  - Where a key may have records on two shards, the primary is read again after the write, until
//  it holds still or
//    a newer record of the key waits for its own turn here (then that one's turn has to see it hold
//    still).
// In fenced mode (flow/fence.h): every write carries a check of a stripe of its shard's fence, and
// an attempt that may have been applied is ended by a bump of that stripe before its keys are read
// again. In fast mode:
//  - A write is issued only while one of its key's sessions may still issue (two thirds of the
//  lease), and its
//    deadline lies inside that lease.
//  - An attempt that may have been applied, or an unprocessed item, puts its key in doubt until its
//  deadline + D;
//    so does a write issued in the first D seconds after a takeover. Doubt ends by reading both
//    sides.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/scope.h"
#include "core/backoff.h"
#include "core/batches.h"
#include "core/key_turns.h"
#include "core/leases.h"
#include "flow/context.h"
#include "flow/fence.h"

namespace dynamodb_replicator::flow {

// Whose claims the turns hold: a shard session, seen from here.
class ClaimOwner {
 public:
  virtual ~ClaimOwner() = default;
  [[nodiscard]] virtual core::Hold hold() const = 0;
  // Until when a former owner's writes may still land; nullopt: there was none in doubt.
  [[nodiscard]] virtual std::optional<Instant> takeover_until() const = 0;
  // Fenced mode: raised already; nullptr in fast mode.
  [[nodiscard]] virtual std::shared_ptr<ShardFence> fence() const = 0;
  // The shard has a new owner, says its fence.
  virtual void fenced_out() = 0;
  virtual void finished(core::Watermark::Slot slot) = 0;
  // The key can never be applied; `reason` is for the dead letter.
  virtual void refused(core::Watermark::Slot slot, const std::string& reason) = 0;
};

std::vector<item::KeyRef> keys_of(const std::vector<core::Turn>& turns);

class Refresher {
 public:
  static constexpr unsigned kLanes =
      8;  // batch reads in flight; memory: 8 x (16 MB answer + its copies) at worst
  static constexpr Duration kReadTimeout = 10s;
  static constexpr Duration kWriteTimeout = 5s;  // per attempt; less when the lease ends before
  static constexpr Duration kLookAgain = 200ms;  // has the lease been renewed?

  explicit Refresher(Context& context)
      : context_(context),
        changed_(context.loop),
        window_(kLanes),
        batch_limit_(context.fenced != nullptr ? core::kFencedWritesMax : core::kBatchWritesMax),
        batch_max_(batch_limit_),
        read_budget_(context.settings.read_units),
        write_budget_(context.settings.write_units) {}

  // Runs until it is destroyed.
  Task<void> run();

  std::uint64_t enlist(ClaimOwner& owner);
  // The owner's claims vanish; nothing calls it any more.
  void dismiss(std::uint64_t session);

  void arrive(const item::KeyRef& key, const core::Claim& claim) { turns_.arrive(key, claim); }
  void poke() { changed_.notify(); }
  [[nodiscard]] const core::KeyTurns& turns() const { return turns_; }
  // Why nothing can be written at the moment (a person must act); empty if all is well.
  [[nodiscard]] const std::string& blocked() const {
    return write_blocked_.empty() ? read_blocked_ : write_blocked_;
  }

 private:
  struct Pending {  // a turn and what the primary has for it
    core::Turn turn;
    std::string item;  // empty: absent
  };
  using Turns = std::vector<core::Turn>;
  using Batch = std::vector<Pending>;
  struct Written {
    Batch batch;
    Instant issued;
  };

  Task<void> lane();
  Turns take_turns();
  Task<void> refresh(Turns turns);
  Task<void> recheck(Turns turns);
  Task<std::optional<Batch>> read_primary(Turns turns);
  Task<void> write_all(Batch batch);
  Task<void> write_batch(Batch batch);
  Task<void> write_all_fenced(Batch batch);
  Task<void> write_fenced(Batch batch, std::uint64_t session);
  Task<void> write_under(Batch batch, std::uint64_t session, ShardFence& fence, unsigned stripe,
                         std::vector<Written>& written);
  Task<void> not_written(Batch batch, std::uint64_t session, ShardFence& fence, unsigned stripe,
                         Failure failure, std::vector<Written>& written);
  void give_back(const Batch& batch);
  Task<void> verify(Batch written, Instant issued);
  void sort_out(Batch batch, const WriteAnswer& answer, Instant deadline, Batch& written);
  void apply(const Pending& done, Instant issued);
  void refuse(const core::Turn& turn, const std::string& reason);
  void retry(const core::Turn& turn, FailureKind kind, std::optional<Instant> doubt);
  void retry_all(const Turns& turns, const Failure& failure, std::optional<Instant> doubt);
  void note(const Failure& failure, std::string& blocked);
  [[nodiscard]] std::optional<std::uint64_t> best_session(const core::Turn& turn) const;
  [[nodiscard]] std::optional<core::Hold> best_hold(const core::Turn& turn) const;
  [[nodiscard]] bool may_issue(const core::Turn& turn, Instant now) const;
  [[nodiscard]] std::optional<Instant> takeover_doubt(const core::Turn& turn, Instant issued) const;

  Context& context_;
  core::KeyTurns turns_;
  std::map<std::uint64_t, ClaimOwner*> owners_;
  std::uint64_t next_session_ = 1;
  async::Signal changed_;
  core::Window window_;
  unsigned active_ = 0;
  std::size_t batch_limit_;  // writes a batch, at most
  std::size_t batch_max_;    // halved by timeouts
  core::Budget read_budget_;
  core::Budget write_budget_;
  std::string read_blocked_;
  std::string write_blocked_;
};

}  // namespace dynamodb_replicator::flow

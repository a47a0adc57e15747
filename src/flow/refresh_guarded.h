// The guarded form of writing the replica: what a second writer does, beside a replicator that may
// be running (repair, one item, backfill). flow/refresh.h is the other form; there is no third.
//
// A second writer holds no lease and takes no turn. Per key it
//  1. notes the key in the journal, together with those that are refreshed at once;
//  2. reads the replica, then the primary, both consistently: the same, and nothing is written;
//  3. deletes only if a further consistent read of the primary shows the item absent again;
//  4. writes on the condition that the replica still holds what was seen (core/guard.h): this only
//     narrows the time in which a newer value could be written over;
//  5. reads the primary again. Unchanged, and the key is in line: a change after that read has a
//     record which its replicator handles later. Changed, and it begins again.
// An attempt that may have been applied, or may still be, puts the key in doubt: D after its
// deadline both sides are read once more. What is left to chance: a death between 4 and 5 whose
// journal is lost too; the next comparison finds it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/doors.h"
#include "async/gate.h"
#include "core/backoff.h"
#include "core/window.h"
#include "flow/journal.h"
#include "flow/ports.h"
#include "item/compare.h"

namespace dynamodb_replicator::flow {

// What a second writer works over; all of it outlives the writer. Nothing else of this process may
// write these keys meanwhile.
struct SecondWriter {
  async::Loop& loop;
  async::Clock& clock;
  async::Dice& dice;
  TableReader& primary;
  TableReader& replica;
  GuardedWriter& guarded;
  TableWriter& batches;
  const item::KeySchema& schema;
  const item::Ignored& ignored;
  Journal* journal = nullptr;  // open; nullptr: nothing is noted (tests)
  // Ceilings, shared with whoever else of this process consumes; nullptr: none.
  core::Budget* reads = nullptr;
  core::Budget* writes = nullptr;
};

struct GuardedSettings {
  unsigned lanes = 8;    // keys, or batches, at once
  unsigned rounds = 12;  // of reading and writing one key that does not hold still
  Duration doubt = 15s;  // D, as in flow::Settings
  // Every key that is not in line in the end stays in the journal. Else only those which something
  // of ours was written to, or may have been: what finds the others is to look again.
  bool keep_failed = false;
};

struct Outcome {
  enum class Kind {
    settled,   // it was equal, or became so by itself; nothing of ours changed it
    repaired,  // put or deleted by us, and the primary has been seen unchanged since
    changing,  // did not hold still for as long as we tried
    failed,    // `reason`: one sentence
  };
  Kind kind = Kind::failed;
  bool deleted = false;  // repaired: by a delete
  std::string reason;
  bool stops = false;  // failed: a person must mend what would fail every other key as well
  [[nodiscard]] bool in_line() const { return kind == Kind::settled || kind == Kind::repaired; }
};

// A scanned item of the primary.
struct Scanned {
  item::KeyRef key;
  std::string item;
};

class GuardedRefresher {
 public:
  static constexpr Duration kReadTimeout = 10s;
  static constexpr Duration kWriteTimeout = 5s;
  // Failures since a key's last write was answered, some five minutes of waiting, after which it
  // has failed.
  static constexpr unsigned kFailuresMax = 30;
  // Batches of a backfill that the journal has in one line, and again when they are in line: the
  // disk's wait would else be longer than the service's. So many keys, 1,000, a killed run leaves
  // at most for each page that it was at.
  static constexpr std::size_t kBatchesNoted = 40;

  struct Totals {
    std::array<double, 2> read_units{};  // by core::index_of(side)
    double write_units = 0;
    std::uint64_t puts = 0;
    std::uint64_t deletes = 0;
    std::uint64_t lost = 0;  // conditions that were false
    std::uint64_t throttles = 0;
    std::uint64_t unprocessed = 0;
  };

  GuardedRefresher(const SecondWriter& outside, const GuardedSettings& settings)
      : out_(outside), settings_(settings), changed_(outside.loop), window_(settings.lanes) {}

  // One outcome for each key, in order. REQUIRES: all different.
  Task<std::vector<Outcome>> refresh(std::vector<item::KeyRef> keys);

  // Brings in line what interrupted runs left open in the journal. Their last attempts may still be
  // on their way, so this takes as long as a doubt does. A key that cannot be brought in line stays
  // open and holds nothing up. REQUIRES: as refresh().
  Task<std::vector<Outcome>> finish(std::vector<item::KeyRef> keys);

  // Puts what a scan of the primary found, in batches, without asking what the replica has. Nobody
  // can know that no replicator runs (its lease table may have any name), so each key is noted in
  // the journal, the primary is read again after its write, and what changed meanwhile goes through
  // refresh(). Where attributes are ignored, everything does. REQUIRES: as refresh().
  Task<std::vector<Outcome>> backfill(std::vector<Scanned> items);

  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  struct Work {
    item::KeyRef key;
    std::optional<Instant> doubt;  // until then an attempt of ours may still land
    bool left = false;             // by an interrupted run, which may have written
    bool wrote = false;
    bool deleted = false;
    unsigned failures = 0;  // since a write was answered
    // What the replica held when a condition was last called false; empty text: nothing.
    std::optional<std::string> lost_on{};
    bool unguarded = false;  // the engine calls it false of what is there: write without
  };
  struct Part {  // of a batch: an item, and its place among the outcomes
    std::size_t place = 0;
    item::KeyRef key;
    std::string item;
    std::optional<Instant> doubt;
  };
  using Parts = std::vector<Part>;
  struct Copy {  // one call of backfill()
    std::vector<Outcome> outcomes;
    std::vector<item::KeyRef> closed;  // in line or untouched, and not marked so in the journal yet
    Parts later;                       // for refresh(): changed meanwhile, or in doubt
  };
  enum class Written { yes, lost, unknown };

  Task<std::vector<Outcome>> refresh_all(std::vector<Work> work);
  Task<void> lane(std::vector<Work>& work, std::size_t& next, std::vector<Outcome>& outcomes);
  [[nodiscard]] bool stays_open(const Work& work, const Outcome& outcome) const;
  Task<Outcome> settle(Work& work);
  Task<Result<std::string>> read(core::Side side, Work& work);
  Task<void> take_turn(core::Budget* budget, double expected);
  void pay_read(core::Side side, double expected, double consumed);
  void pay_write(double expected, double consumed);
  Task<Result<Written>> write(Work& work, const std::string& wanted, const std::string& seen);
  Task<Result<void>> back_off(Work& work, Failure failure);
  [[nodiscard]] static Outcome finished(const Work& work);
  [[nodiscard]] static Outcome failed(const Failure& failure);

  Task<void> copy_noted(std::span<Parts> batches, Copy& copy);
  Task<void> copy_lane(std::span<Parts> batches, std::size_t& next, Copy& copy);
  Task<void> write_parts(Parts parts, Copy& copy, Parts& written);
  Task<void> look_again(Parts written, Copy& copy);
  void fail(Parts parts, const Failure& failure, Copy& copy);

  SecondWriter out_;
  GuardedSettings settings_;
  async::Signal changed_;
  core::Window window_;
  unsigned active_ = 0;
  Totals totals_;
};

}  // namespace dynamodb_replicator::flow

// The checker: stands in the world, outside the program, and knows everything that ever happened.
//
// All the time: every value the replica shows was once the primary's (I2); its versions do not go
// back, or are counted where fast mode lets them (I3); when a checkpoint passes a record, the
// replica holds (or, where two workers may race for one key by design, has held) what the primary
// had when the record was made, or later, or the record is in a dead letter on disk (I4);
// checkpoints go forward, by the hand of the row's owner (I5); a shard is taken and read only when
// its parents are finished (I6). At the end: the replica equals the primary (I1), and the dead
// letters hold what can never be applied and nothing else.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/http_door.h"
#include "sim/process.h"
#include "sim/records.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

// An item as messages have it, not all of a long one; nullptr: "nothing".
std::string shown(const Item* item);

class Checker : public StreamWatcher {
 public:
  struct Options {
    std::string dead_letters;
    bool strict = true;   // one key never has records on two open shards
    bool fenced = false;  // the program promises that the replica never goes back
    bool settled = true;  // no write lands later than anybody waits for it
  };
  Checker(World& world, const Network& network, Table& primary, Table& replica,
          std::vector<const Machine*> machines, Options options);

  void emitted(const Emitted& record) override;
  void shard_born(const std::string& shard, const std::vector<std::string>& parents) override {
    shards_[shard].parents = parents;
  }
  void trimmed(const std::string& shard, const std::string& sequence) override;
  void page_read(const std::string& shard, const std::string& last) override;
  // Told of each record that a process is given, once.
  using Given = std::function<void(const std::string& process, const std::string& shard,
                                   const std::string& key)>;
  void watch_given(Given watcher) { on_given_ = std::move(watcher); }
  // A gap in this shard was told.
  void gap_told(const std::string& shard) { told_.insert(shard); }
  // All processes have died: what they were given is nobody's any more.
  void all_died();
  // A shard's first checkpoint is between two records that its owner was given.
  [[nodiscard]] bool stands_in_first_page() const { return in_first_page_; }
  // A shard that was begun lost records, and no gap was told in it; empty: there is none.
  [[nodiscard]] std::string silent_shard() const;
  // A change that no stream has a record of.
  void unrecorded() { ++lost_; }
  // A stranger changes the replica: what `change` does is not the program's doing.
  void by_stranger(const std::function<void()>& change);
  void lease_table(Table& leases);

  // Why the replica does not equal the primary; nullopt if it does.
  [[nodiscard]] std::optional<std::string> difference() const;
  // What is not yet checkpointed; nullopt if all is.
  [[nodiscard]] std::optional<std::string> unfinished() const;
  // A shard that the newest of the streams has dropped and that has a row that is not finished: its
  // owner has still to find that out, and its children wait for it; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> dropped_unfinished() const;
  // At the end only.
  void look_at_rest();
  // The keys at which the replica differs from the primary.
  [[nodiscard]] std::vector<Item> differing() const;
  [[nodiscard]] std::optional<std::string> wrong_dead_letters() const;
  [[nodiscard]] std::optional<std::string> unreleased() const;
  // Has any worker begun with a stream of this run?
  [[nodiscard]] bool followed() const;
  // Records that the stream has held.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  // Of those, records that nobody can have read.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  // Times that the replica showed an older version after a newer one.
  [[nodiscard]] std::uint64_t regressions() const { return regressions_; }

 private:
  struct Record {
    std::string sequence;
    std::string key;
    std::size_t version = 0;
    Duration at{0};
    bool lost = false;
  };
  struct Row {  // of the lease table
    std::string checkpoint;
    bool finished = false;
    std::string owner;
    Duration lease{0};
    Duration written{0};
    std::string stream;
  };
  struct Shard {
    std::vector<std::string> parents;
    std::vector<Record> records;
    std::size_t passed = 0;  // records that the checkpoint has passed
    Row row;
    bool gone = false;
    struct Given {
      std::string newest;
      std::size_t count = 0;  // records up to it
    };
    std::map<std::string, Given> given;  // by process
  };
  struct Key {
    std::size_t newest = 0;  // version that a write brought to the replica
    std::size_t lowest = 0;  // that the replica can have now, if it never went back
    std::size_t passed = 0;  // that a checkpoint has passed when the replica had it
    bool strange = false;    // it holds what a stranger wrote
  };
  void replica_changed(const Table::Change& change);
  void replica_written(const std::string& key);
  void row_changed(const Table::Change& change);
  [[nodiscard]] bool is_missed(const Shard& shard, const Record& record) const;
  [[nodiscard]] bool owner_has(const Shard& shard, const Record& record) const;
  void owner_changed(const std::string& name, const Row& before, const Row& after);
  void parents_are_finished(const std::string& name, const char* what);
  void pass(const std::string& name, Shard& shard);
  void pass(const std::string& name, const Shard& shard, const Record& record);
  [[nodiscard]] std::optional<std::size_t> version_of(const std::string& key,
                                                      const Item* item) const;
  [[nodiscard]] std::optional<std::size_t> version_from(const std::string& key, const Item* item,
                                                        std::size_t lowest) const;
  [[nodiscard]] std::set<std::string> buried() const;
  [[nodiscard]] bool was_poisoned(const std::string& key) const;

  World& world_;
  const Network& network_;
  Table& primary_;
  Table& replica_;
  std::vector<const Machine*> machines_;
  Options options_;
  std::map<std::string, Shard> shards_;
  std::map<std::string, Key> keys_;
  Given on_given_;
  std::set<std::string> told_;
  std::set<std::string> lossy_;  // shards that were begun and lost records
  bool in_first_page_ = false;
  bool stranger_ = false;
  std::uint64_t regressions_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace dynamodb_replicator::sim

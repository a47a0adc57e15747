// The checker: stands in the world, outside the program, and knows everything that ever happened.
//
// All the time: every value the replica shows was once the primary's; checkpoints never go back;
// when a checkpoint passes a record, the replica holds (or, where two workers may race for one key
// by design, has held) what the primary had when the record was made, or later; a shard is only
// taken when its parents are finished; junk is in a dead letter on disk by then. At the end: the
// replica equals the primary, and the dead letters hold the junk and nothing else.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/process.h"
#include "sim/records.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class Checker {
 public:
  // `strict`: one key never has records on two open shards.
  Checker(World& world, Table& primary, Table& replica, std::vector<const Machine*> machines,
          std::string dead_letters, bool strict);

  // From now on a replica that shows an older version than before is a broken promise.
  void forbid_regressions() { may_regress_ = false; }
  void emitted(const Emitted& record);
  void shard_born(const std::string& shard, const std::vector<std::string>& parents) {
    shards_[shard].parents = parents;
  }
  void trimmed(const std::string& shard, const std::string& sequence);
  void lease_table(Table& leases);

  // Why the replica does not equal the primary; nullopt if it does.
  [[nodiscard]] std::optional<std::string> difference() const;
  // What is not yet checkpointed; nullopt if all is.
  [[nodiscard]] std::optional<std::string> unfinished() const;
  // At the end only.
  [[nodiscard]] std::optional<std::string> wrong_dead_letters() const;
  [[nodiscard]] std::optional<std::string> unreleased() const;
  // Records that nobody can have read.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  // Times that the replica showed an older version after a newer one.
  [[nodiscard]] std::uint64_t regressions() const { return regressions_; }

 private:
  struct Record {
    std::string sequence;
    std::string key;
    std::size_t version = 0;
    bool lost = false;
  };
  struct Shard {
    std::vector<std::string> parents;
    std::vector<Record> records;
    std::size_t passed = 0;  // records that the checkpoint has passed
    std::string checkpoint;
    bool finished = false;
    bool gone = false;
    std::string owner;
    bool clean = true;
  };
  void replica_changed(const Table::Change& change);
  void replica_written(const std::string& key);
  void row_changed(const Table::Change& change);
  void pass(const std::string& name, Shard& shard);
  [[nodiscard]] std::optional<std::size_t> version_of(const std::string& key,
                                                      const Item* item) const;
  [[nodiscard]] std::set<std::string> buried() const;

  World& world_;
  Table& primary_;
  Table& replica_;
  std::vector<const Machine*> machines_;
  std::string dead_letters_;
  bool strict_;
  bool may_regress_ = true;
  std::map<std::string, Shard> shards_;
  std::map<std::string, std::size_t> shown_;  // newest version that a write brought to the replica
  std::uint64_t regressions_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace dynamodb_replicator::sim

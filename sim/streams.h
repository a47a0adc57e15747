// The DynamoDB Stream of one simulated table: a record for every write that changed something.
//
// Shards follow the key's hash; they rotate (one child) and split (two), never merge. Listings come
// in short pages and may lag: a child not yet listed, a parent still shown as open. Source: Amazon
// DynamoDB Streams API Reference.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "sim/dynamodb.h"
#include "sim/records.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class TableStream {
 public:
  // `number`: the how-many-th stream of its table this is.
  TableStream(World& world, Table& table, const std::string& table_arn, std::size_t shards,
              int number = 0);

  [[nodiscard]] const std::string& arn() const { return arn_; }
  [[nodiscard]] const std::string& label() const { return label_; }
  void watch(StreamWatcher& watcher) { watcher_ = &watcher; }

  // One open shard, chosen by the seed, ends and has one or two children.
  void rotate();
  void split();
  // The newest shard gets children at once, and is listed after them.
  void hasten();
  [[nodiscard]] std::size_t open_shards() const;
  [[nodiscard]] std::uint64_t reshards() const { return reshards_; }  // so far
  // Drops what is older than the retention, closed shards too.
  void trim(Duration retention = kRetention);
  // Takes no more records; can be read to its end for another day.
  void disable();
  [[nodiscard]] bool enabled() const { return enabled_; }

  // Is this request about this stream?
  [[nodiscard]] bool is_asked(Json request) const;
  Answer call(std::string_view operation, Json request);

 private:
  struct Record {
    std::uint64_t number = 0;
    Duration at{0};
    std::string json;
  };
  struct Shard {
    std::string id;
    std::string parent;
    std::uint64_t low = 0;  // of the key's hash, inclusive
    std::uint64_t high = 0;
    std::uint64_t first = 0;  // sequence number from which it could hold records
    bool closed = false;
    Duration born{0};
    Duration listed_from{0};
    Duration shown_closed_from{0};
    std::size_t trimmed = 0;  // records that are gone
    bool gone = false;
    Duration closed_at{0};
    std::vector<Record> records;
  };
  Shard& add(const std::string& parent, std::uint64_t low, std::uint64_t high);
  Shard* pick_open();
  void end(Shard& shard);
  Shard* find(std::string_view id);
  void append(const Table::Change& change);

  [[nodiscard]] bool is_listed(const Shard& shard);
  Answer describe(Json request);
  Answer iterator(Json request);
  Answer records(Json request);

  World& world_;
  Table& table_;
  base::Prng prng_;
  base::Prng hasty_prng_;
  std::string label_;
  std::string arn_;
  std::deque<Shard> shards_;
  std::uint64_t next_number_ = kFirstNumber;
  std::uint64_t reshards_ = 0;
  bool enabled_ = true;
  StreamWatcher* watcher_ = nullptr;
};

}  // namespace dynamodb_replicator::sim

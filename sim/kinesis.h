// A simulated Kinesis stream: shards by ranges of the partition key's MD5, splits and merges, reads
// at most five times a second and shard. Source: Amazon Kinesis Data Streams API Reference.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "sim/dynamodb.h"
#include "sim/records.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class Kinesis {
 public:
  Kinesis(World& world, std::string name, std::size_t shards);

  [[nodiscard]] const std::string& name() const { return name_; }
  void watch(StreamWatcher& watcher) { watcher_ = &watcher; }

  // `key`, `version`: what the record is about, for the checker; key empty: junk.
  void put(const std::string& partition_key, const std::string& data, const std::string& key,
           std::size_t version);
  // One open shard, chosen by the seed; or two neighbours.
  void split();
  // The newest shard gets children at once, and is listed after them.
  void hasten();
  void merge();
  [[nodiscard]] std::size_t open_shards() const;
  [[nodiscard]] std::uint64_t reshards() const { return reshards_; }  // so far
  // Reads that came too soon after others of the same shard.
  [[nodiscard]] std::uint64_t refused_reads() const { return refused_reads_; }
  // Drops what is older than the retention, closed shards too.
  void trim();

  Answer call(std::string_view operation, Json request);

 private:
  struct Record {
    std::uint64_t number = 0;
    Duration at{0};
    std::int64_t millis = 0;  // when it arrived, as shown: since 1970
    std::string partition_key;
    std::string data;
  };
  struct Shard {
    std::string id;
    std::vector<std::string> parents;
    std::vector<std::string> children;
    std::uint64_t low = 0;  // of the hash's upper half, inclusive
    std::uint64_t high = 0;
    std::uint64_t first = 0;
    bool closed = false;
    Duration born{0};
    Duration listed_from{0};
    std::size_t trimmed = 0;  // records that are gone
    bool gone = false;
    Duration closed_at{0};
    std::vector<Record> records;
    std::array<Duration, 5> reads{Duration{-1h}, Duration{-1h}, Duration{-1h}, Duration{-1h},
                                  Duration{-1h}};
    std::size_t next_read = 0;
  };
  Shard& add(const std::vector<Shard*>& parents, std::uint64_t low, std::uint64_t high);
  std::vector<Shard*> open();
  Shard* find(std::string_view id);
  [[nodiscard]] bool named(Json request) const;
  bool too_often(Shard& shard);
  [[nodiscard]] bool is_listed(const Shard& shard);

  Answer summary() const;
  Answer list(Json request);
  Answer iterator(Json request);
  Answer records(Json request);

  World& world_;
  base::Prng prng_;
  base::Prng hasty_prng_;
  std::string name_;
  std::string arn_;
  std::deque<Shard> shards_;
  std::uint64_t next_number_ = kFirstNumber;
  std::uint64_t reshards_ = 0;
  std::uint64_t refused_reads_ = 0;
  StreamWatcher* watcher_ = nullptr;
};

}  // namespace dynamodb_replicator::sim

// The application: changes the primary, and on a Kinesis run tells the stream about it as such
// applications do.
//
// It never fails and knows nothing of the replicator. As mapbox's dyno does, it first writes the
// item and then puts a keys-only record whose partition key is the key's JSON as the caller spelled
// it; so one key may travel on two shards. As AWS does (Kinesis Data Streams for DynamoDB), it
// spreads by a digest of the key, with images, and now and then twice or out of order.
#pragma once

#include <string>
#include <vector>

#include "sim/kinesis.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

// Items with this attribute are good on the primary; a replica may be told to refuse them.
inline constexpr const char* kPoison = "poison";

class Writer {
 public:
  static constexpr Duration kLastChanges = 4s;  // before the end: each key is changed twice
  enum class Records { none, dyno, aws };       // none: the table's own stream sees the writes
  struct Options {
    Records records = Records::none;
    std::size_t keys = 20;
    std::uint64_t changes = 1000;  // at least so many
    std::size_t junk_max = 5;      // fewer than what stops a shard as "wrong stream"
    bool last_changes = true;      // each key is changed twice at the end
  };
  // REQUIRES: `kinesis` unless Records::none.
  Writer(World& world, Table& primary, Kinesis* kinesis, Options options);

  // Puts an item for every key, at once.
  void fill();
  // Writes until then; the last records may follow a little later. In the last seconds every key is
  // changed twice: what goes wrong with a key's last change is not put right by the next one.
  void start(Duration end);
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // Changes one key once more. REQUIRES: one of its keys.
  void touch(const Item& key);
  // No record is on its way any more.
  [[nodiscard]] bool quiet() const { return world_.now() >= quiet_from_; }

 private:
  struct Key {
    Item item;          // normal
    std::string wire;   // as one caller spells it
    std::string other;  // as another does
  };
  Key make_key(std::size_t number);
  Item make_item(const Key& key);
  std::string random_attributes();
  void go_on(Duration end);
  Duration pause_until(Duration end);
  void finish(Duration over);
  std::size_t choose_key();
  enum class Spelling { any, usual, other };
  void put_fresh(std::size_t index, bool poisoned);
  void change(std::size_t index, Spelling spelling = Spelling::any);
  void tell(const Key& key, Spelling spelling, const char* event, const std::string& image);
  void put_record(const std::string& partition_key, const std::string& data,
                  const std::string& canonical);
  std::string unheard();
  void put_junk();
  void put_wrong(Fault kind);
  void poison();
  std::string hex(std::size_t bytes);

  World& world_;
  Table& primary_;
  Kinesis* kinesis_;
  Options options_;
  base::Prng prng_;
  std::vector<Key> keys_;
  std::uint64_t changes_ = 0;
  std::size_t junk_ = 0;
  bool poisoned_ = false;
  std::size_t reserved_ = 0;  // keys at the end that are not changed yet
  Duration quiet_from_{0};
  simdjson::dom::parser parser_;
};

}  // namespace dynamodb_replicator::sim

// A simulated table: linearizable, with the whole history of every key for the checker and for
// stale reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/value.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

struct KeyPart {
  std::string name;
  std::string type;  // S, N, B
};
struct Schema {
  KeyPart hash;
  std::optional<KeyPart> range;
};

struct Version {
  Duration since{0};
  std::shared_ptr<const Item> item;  // nullptr: absent
};

// How the engine behind a table differs from the service.
struct Engine {
  // Scans go in an order of their own, a page of at most `page` items at a time; 0: by key, in
  // whole pages.
  std::uint64_t order = 0;
  std::size_t page = 3;
  bool scatters = false;  // segments are cut by the whole key; else by the partition key
  bool refuses = false;   // conditions that compare anything but a string or a number
  bool spells = false;    // whole numbers are answered with a point: 5.0
};

// What key_of() says of a key of other attributes or types.
inline constexpr std::string_view kKeyMismatch =
    "The provided key element does not match the schema";

class Table {
 public:
  // A write that changed something: version `number` of `key` is the newest now.
  struct Change {
    const std::string& key;
    const Item& key_item;  // the key's attributes only
    std::size_t number;
    const Item* before;
    const Item* after;
  };

  Table(World& world, std::string name, Schema schema)
      : world_(world), name_(std::move(name)), schema_(std::move(schema)) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Schema& schema() const { return schema_; }

  // The canonical key of an item that has at least the key's attributes; `alone`: and nothing else.
  [[nodiscard]] Result<std::string, ServiceError> key_of(const Item& item, bool alone) const;
  [[nodiscard]] Item key_item(const Item& item) const;

  [[nodiscard]] const Item* find(const std::string& key) const;
  // What an eventually consistent read may show: the newest or an older version that was current
  // within `age`.
  [[nodiscard]] const Item* find_stale(const std::string& key, Duration age) const;
  // From now on items with this attribute are refused, as by an index with another type of key.
  void refuse(std::string attribute) { refused_ = std::move(attribute); }
  [[nodiscard]] bool refuses(const Item& item) const { return item.contains(refused_); }

  void run_on(Engine engine) { engine_ = engine; }
  [[nodiscard]] const Engine& engine() const { return engine_; }

  // REQUIRES: `item` has a valid key.
  void put(const Item& item);
  void erase(const Item& key_item);

  // Present items only, by canonical key.
  [[nodiscard]] const std::map<std::string, std::shared_ptr<const Item>>& items() const {
    return items_;
  }
  // Version 0 is "absent since the beginning".
  [[nodiscard]] const std::vector<Version>& history(const std::string& key) const;
  // Of every key that ever was, by canonical key.
  [[nodiscard]] const std::map<std::string, std::vector<Version>>& histories() const {
    return history_;
  }
  // Told of every write of a key, whether it changed anything or not, after watch()'s watchers.
  void watch_writes(std::function<void(const std::string& key)> watcher) {
    write_watchers_.push_back(std::move(watcher));
  }
  void watch(std::function<void(const Change&)> watcher) {
    watchers_.push_back(std::move(watcher));
  }

 private:
  void write(const Item& key_item, const std::shared_ptr<const Item>& item);
  void change(const std::string& key, const Item& key_item,
              const std::shared_ptr<const Item>& item);
  World& world_;
  std::string name_;
  Schema schema_;
  std::string refused_;
  Engine engine_;
  std::map<std::string, std::shared_ptr<const Item>> items_;
  std::map<std::string, std::vector<Version>> history_;
  std::vector<std::function<void(const Change&)>> watchers_;
  std::vector<std::function<void(const std::string&)>> write_watchers_;
};

}  // namespace dynamodb_replicator::sim

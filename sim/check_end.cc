// What the checker says at the end: is it equal, is it all done, is it in the dead letters?
#include <algorithm>

#include "sim/check.h"

namespace dynamodb_replicator::sim {

std::optional<std::string> Checker::difference() const {
  const auto& wanted = primary_.items();
  const auto& present = replica_.items();
  for (const auto& [key, item] : wanted) {
    const Item* other = replica_.find(key);
    if (other == nullptr) return "the replica lacks " + key;
    if (*other != *item)
      return "the replica differs at " + key + ": " + shown(other) + " is not " + shown(item.get());
  }
  for (const auto& [key, item] : present) {
    if (primary_.find(key) == nullptr) return "the replica has " + key + " that the primary lacks";
  }
  return std::nullopt;
}

std::vector<Item> Checker::differing() const {
  std::vector<Item> keys;
  for (const auto& [key, item] : primary_.items()) {
    const Item* present = replica_.find(key);
    if (present == nullptr || *present != *item) keys.push_back(primary_.key_item(*item));
  }
  for (const auto& [key, item] : replica_.items()) {
    if (primary_.find(key) == nullptr) keys.push_back(replica_.key_item(*item));
  }
  return keys;
}

void Checker::look_at_rest() {
  const auto keys = differing();
  for (std::size_t i = 0; i < primary_.items().size() + keys.size(); ++i) {
    world_.expect(Invariant::equal_at_rest, keys.empty(),
                  [&] { return difference().value_or("a key"); });
  }
}

std::optional<std::string> Checker::unfinished() const {
  for (const auto& [name, shard] : shards_) {
    if (shard.passed < shard.records.size()) {
      return "shard " + name + " stands at " +
             (shard.row.checkpoint.empty() ? "no checkpoint" : shard.row.checkpoint) +
             " of owner '" + shard.row.owner + "', its last record is " +
             shard.records.back().sequence;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Checker::dropped_unfinished() const {
  std::string newest;  // a table's streams are named by when they began
  for (const auto& [name, shard] : shards_) newest = std::max(newest, shard.row.stream);
  for (const auto& [name, shard] : shards_) {
    const bool waits = shard.gone && !shard.row.finished;
    if (waits && !newest.empty() && shard.row.stream == newest)
      return "shard " + name + " is not in the stream any more and its row is not finished";
  }
  return std::nullopt;
}

std::string Checker::silent_shard() const {
  for (const std::string& shard : lossy_) {
    if (!told_.contains(shard)) return shard;
  }
  return "";
}

bool Checker::followed() const {
  return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) {
    return !shard.second.row.owner.empty() || !shard.second.row.checkpoint.empty();
  });
}

std::optional<std::string> Checker::unreleased() const {
  for (const auto& [name, shard] : shards_) {
    if (!shard.row.owner.empty() && !shard.gone)
      return "shard " + name + " is still owned by " + shard.row.owner;
  }
  return std::nullopt;
}

// "shard/sequence" of every whole line on any disk.
std::set<std::string> Checker::buried() const {
  std::set<std::string> out;
  simdjson::dom::parser parser;
  for (const Machine* machine : machines_) {
    const auto file = machine->files.find(options_.dead_letters);
    if (file == machine->files.end()) continue;
    const std::string& all = file->second.durable;
    for (std::size_t from = 0; from < all.size();) {
      const std::size_t end = std::min(all.find('\n', from), all.size());
      Json line;
      if (end < all.size() &&
          parser.parse(all.substr(from, end - from)).get(line) == simdjson::SUCCESS) {
        out.insert(std::string(text(line, "shard").value_or("?")) + "/" +
                   std::string(text(line, "sequence").value_or("?")));
      }
      from = end + 1;
    }
  }
  return out;
}

bool Checker::was_poisoned(const std::string& key) const {
  const auto& versions = primary_.history(key);
  return std::any_of(versions.begin(), versions.end(), [this](const Version& version) {
    return version.item != nullptr && replica_.refuses(*version.item);
  });
}

std::optional<std::string> Checker::wrong_dead_letters() const {
  std::set<std::string> junk;
  std::set<std::string> all;  // and what was lost, perhaps after it was buried
  std::map<std::string, bool> looked_up;
  const auto poisoned = [&](const std::string& key) {
    const auto [place, fresh] = looked_up.try_emplace(key, false);
    if (fresh) place->second = was_poisoned(key);
    return place->second;
  };
  for (const auto& [name, shard] : shards_) {
    for (const Record& record : shard.records) {
      if (!record.key.empty() && !poisoned(record.key)) continue;
      all.insert(name + "/" + record.sequence);
      if (!record.lost && record.key.empty()) junk.insert(name + "/" + record.sequence);
    }
  }
  const std::set<std::string> dead = buried();
  for (const Machine* machine : machines_) {
    const auto file = machine->files.find(options_.dead_letters);
    if (file != machine->files.end())
      world_.expect_no_secret("the dead letters", file->second.durable);
  }
  for (const std::string& one : junk) {
    if (!dead.contains(one)) return "junk " + one + " is in no dead letter";
  }
  for (const std::string& one : dead) {
    if (!all.contains(one)) return "a good record is in the dead letters: " + one;
  }
  return std::nullopt;
}

}  // namespace dynamodb_replicator::sim

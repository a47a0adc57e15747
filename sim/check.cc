#include "sim/check.h"

#include <algorithm>

namespace dynamodb_replicator::sim {
namespace {

// Decimal numbers of any length.
bool number_less(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string text_in(const Item& item, const std::string& name) {
  const auto found = item.find(name);
  return found == item.end() ? std::string() : std::string(scalar_text(found->second));
}

bool true_in(const Item& item, const std::string& name) {
  const auto found = item.find(name);
  return found != item.end() && found->second == R"({"BOOL":true})";
}

std::string shown(const Item* item) {
  return item == nullptr ? "nothing" : item_json(*item).substr(0, 300);
}

}  // namespace

Checker::Checker(World& world, Table& primary, Table& replica, std::vector<const Machine*> machines,
                 std::string dead_letters, bool strict)
    : world_(world),
      primary_(primary),
      replica_(replica),
      machines_(std::move(machines)),
      dead_letters_(std::move(dead_letters)),
      strict_(strict) {
  replica_.watch([this](const Table::Change& change) { replica_changed(change); });
  replica_.watch_writes([this](const std::string& key) { replica_written(key); });
}

// The newest version of the key with this value; nullopt: it never had it.
std::optional<std::size_t> Checker::version_of(const std::string& key, const Item* item) const {
  const auto& versions = primary_.history(key);
  for (std::size_t i = versions.size(); i > 0; --i) {
    const Item* version = versions[i - 1].item.get();
    if (item == nullptr ? version == nullptr : version != nullptr && *version == *item)
      return i - 1;
  }
  return std::nullopt;
}

void Checker::replica_changed(const Table::Change& change) {
  const auto version = version_of(change.key, change.after);
  world_.trace("replica", "change",
               change.key + " is version " + (version ? std::to_string(*version) : "unknown"));
  if (!version) {
    world_.fail("the replica shows for " + change.key +
                " what the primary never had: " + shown(change.after));
    return;
  }
  if (*version >= shown_[change.key]) return;
  ++regressions_;
  if (!may_regress_) {
    world_.fail("the replica went back from version " + std::to_string(shown_[change.key]) +
                " of " + change.key + " to version " + std::to_string(*version));
  }
}

void Checker::replica_written(const std::string& key) {
  std::size_t& newest = shown_[key];
  newest = std::max(newest, version_of(key, replica_.find(key)).value_or(0));
}

void Checker::emitted(const Emitted& record) {
  Shard& shard = shards_[record.shard];
  if (shard.finished) world_.fail("shard " + record.shard + " was called finished before its end");
  shard.records.push_back({record.sequence, record.key, record.version});
}

void Checker::trimmed(const std::string& shard, const std::string& sequence) {
  Shard& known = shards_[shard];
  if (sequence.empty()) known.gone = true;
  for (std::size_t i = known.passed; i < known.records.size(); ++i) {
    Record& record = known.records[i];
    if (number_less(sequence, record.sequence)) break;
    record.lost = true;
    // A shard that was never checkpointed begins where the stream begins, whenever that is.
    if (known.checkpoint.empty()) continue;
    ++lost_;
    world_.faults().count(Fault::trimmed);
  }
  pass(shard, known);
}

void Checker::lease_table(Table& leases) {
  leases.watch([this](const Table::Change& change) { row_changed(change); });
}

void Checker::row_changed(const Table::Change& change) {
  const std::string row = text_in(change.key_item, "row");
  constexpr std::string_view kShardRow = "shard#";
  if (!row.starts_with(kShardRow)) return;
  const std::string name = row.substr(kShardRow.size());
  if (change.after == nullptr) {
    world_.fail("the row of shard " + name + " was deleted");
    return;
  }
  Shard& shard = shards_[name];
  const std::string checkpoint = text_in(*change.after, "checkpoint");
  const bool finished = true_in(*change.after, "finished");
  if (number_less(checkpoint, shard.checkpoint) || (shard.finished && !finished)) {
    world_.fail("the checkpoint of " + name + " went back from " + shard.checkpoint + " to " +
                checkpoint);
  }
  const std::string owner = text_in(*change.after, "owner");
  if (!owner.empty() && owner != shard.owner && checkpoint != shard.checkpoint) {
    world_.fail("the checkpoint of " + name + " moved while its owner changed");
  }
  for (const std::string& parent : shard.parents) {
    if (!owner.empty() && !shards_[parent].finished && !shards_[parent].gone) {
      world_.fail("shard " + name + " was taken before its parent " + parent + " was finished");
    }
  }
  shard.checkpoint = checkpoint;
  shard.finished = finished;
  shard.owner = owner;
  shard.clean = true_in(*change.after, "clean");
  pass(name, shard);
}

void Checker::pass(const std::string& name, Shard& shard) {
  std::optional<std::set<std::string>> dead;
  for (; shard.passed < shard.records.size(); ++shard.passed) {
    const Record& record = shard.records[shard.passed];
    if (record.lost) continue;
    if (!shard.finished && number_less(shard.checkpoint, record.sequence)) return;
    if (record.key.empty()) {
      if (!dead) dead = buried();
      if (!dead->contains(name + "/" + record.sequence)) {
        world_.fail("the checkpoint of " + name + " passed junk at " + record.sequence +
                    " that is in no dead letter");
      }
      continue;
    }
    const Item* now = replica_.find(record.key);
    const auto version = version_of(record.key, now);
    const std::size_t reached =
        strict_ ? version.value_or(0) : std::max(version.value_or(0), shown_[record.key]);
    if (reached < record.version) {
      world_.fail("the checkpoint of " + name + " passed " + record.sequence + " of key " +
                  record.key + " (version " + std::to_string(record.version) +
                  ") while the replica has version " + std::to_string(reached));
    }
  }
}

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

std::optional<std::string> Checker::unfinished() const {
  for (const auto& [name, shard] : shards_) {
    if (shard.passed < shard.records.size()) {
      return "shard " + name + " stands at " +
             (shard.checkpoint.empty() ? "no checkpoint" : shard.checkpoint) + " of owner '" +
             shard.owner + "', its last record is " + shard.records.back().sequence;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Checker::unreleased() const {
  for (const auto& [name, shard] : shards_) {
    if (!shard.owner.empty()) return "shard " + name + " is still owned by " + shard.owner;
  }
  return std::nullopt;
}

// "shard/sequence" of every whole line on any disk.
std::set<std::string> Checker::buried() const {
  std::set<std::string> out;
  simdjson::dom::parser parser;
  for (const Machine* machine : machines_) {
    const auto file = machine->files.find(dead_letters_);
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

std::optional<std::string> Checker::wrong_dead_letters() const {
  std::set<std::string> junk;
  std::set<std::string> all;  // and what was lost, perhaps after it was buried
  for (const auto& [name, shard] : shards_) {
    for (const Record& record : shard.records) {
      if (!record.key.empty()) continue;
      all.insert(name + "/" + record.sequence);
      if (!record.lost) junk.insert(name + "/" + record.sequence);
    }
  }
  const std::set<std::string> dead = buried();
  for (const std::string& one : junk) {
    if (!dead.contains(one)) return "junk " + one + " is in no dead letter";
  }
  for (const std::string& one : dead) {
    if (!all.contains(one)) return "a good record is in the dead letters: " + one;
  }
  return std::nullopt;
}

}  // namespace dynamodb_replicator::sim

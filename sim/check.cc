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

Checker::Checker(World& world, const Network& network, Table& primary, Table& replica,
                 std::vector<const Machine*> machines, Options options)
    : world_(world),
      network_(network),
      primary_(primary),
      replica_(replica),
      machines_(std::move(machines)),
      options_(std::move(options)) {
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

// The oldest version from `lowest` on with this value; nullopt: there is none.
std::optional<std::size_t> Checker::version_from(const std::string& key, const Item* item,
                                                 std::size_t lowest) const {
  const auto& versions = primary_.history(key);
  for (std::size_t i = lowest; i < versions.size(); ++i) {
    const Item* version = versions[i].item.get();
    if (item == nullptr ? version == nullptr : version != nullptr && *version == *item) return i;
  }
  return std::nullopt;
}

void Checker::by_stranger(const std::function<void()>& change) {
  stranger_ = true;
  change();
  stranger_ = false;
}

void Checker::replica_changed(const Table::Change& change) {
  if (stranger_) return;
  const auto version = version_of(change.key, change.after);
  world_.trace("replica", "change",
               change.key + " is version " + (version ? std::to_string(*version) : "unknown"));
  world_.expect(Invariant::shown_was_primary, version.has_value(), [&] {
    return "the replica shows for " + change.key +
           " what the primary never had: " + shown(change.after);
  });
}

// The replica stepped back if what it shows is nowhere at or after the oldest version that it can
// have had: the same value may have been there several times.
void Checker::replica_written(const std::string& name) {
  Key& key = keys_[name];
  key.strange = stranger_;
  if (stranger_) return;
  const Item* now = replica_.find(name);
  const std::optional<std::size_t> latest = version_of(name, now);
  if (!latest) return;  // the run has failed already
  key.newest = std::max(key.newest, *latest);
  const std::optional<std::size_t> forward = version_from(name, now, key.lowest);
  const std::size_t before = std::exchange(key.lowest, forward.value_or(*latest));
  if (!forward) ++regressions_;
  world_.expect(Invariant::never_back, forward || !options_.fenced || !options_.strict, [&] {
    return "the replica went back to version " + std::to_string(*latest) + " of " + name +
           " from version " + std::to_string(before) + " or later";
  });
}

void Checker::emitted(const Emitted& record) {
  ++records_;
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

void Checker::parents_are_finished(const std::string& name, const char* what) {
  for (const std::string& parent : shards_[name].parents) {
    const Shard& before = shards_[parent];
    world_.expect(Invariant::parents_first, before.finished || before.gone, [&] {
      return "shard " + name + " was " + what + " before its parent " + parent + " was finished";
    });
  }
}

void Checker::page_read(const std::string& shard) { parents_are_finished(shard, "read"); }

// Only who owns a row moves its checkpoint or gives it away; only who takes a row becomes its
// owner.
void Checker::owner_changed(const std::string& name, const Shard& before, const Shard& after) {
  const std::string& hand = network_.served_for();
  const auto is_hand = [&hand](const std::string& owner) {
    return !owner.empty() && owner.substr(0, owner.find('/')) == hand;
  };
  const bool moved = before.checkpoint != after.checkpoint || before.finished != after.finished;
  if (moved) {
    world_.expect(Invariant::checkpoint_forward, is_hand(before.owner), [&] {
      return "the checkpoint of " + name + ", owned by '" + before.owner + "', was moved by " +
             hand;
    });
  }
  if (before.owner == after.owner) return;
  const std::string& rightful = after.owner.empty() ? before.owner : after.owner;
  const bool right = is_hand(rightful) && !(moved && !after.owner.empty());
  world_.expect(Invariant::checkpoint_forward, right, [&] {
    return "the row of " + name + " went from owner '" + before.owner + "' to '" + after.owner +
           "' by the hand of " + hand + (moved ? " while its checkpoint moved" : "");
  });
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
  const Shard before{{}, {}, 0, shard.checkpoint, shard.finished, false, shard.owner, shard.clean};
  shard.checkpoint = text_in(*change.after, "checkpoint");
  shard.finished = true_in(*change.after, "finished");
  shard.owner = text_in(*change.after, "owner");
  shard.clean = true_in(*change.after, "clean");
  const bool forward =
      !number_less(shard.checkpoint, before.checkpoint) && (shard.finished || !before.finished);
  world_.expect(Invariant::checkpoint_forward, forward, [&] {
    return "the checkpoint of " + name + " went back from " + before.checkpoint + " to " +
           shard.checkpoint;
  });
  owner_changed(name, before, shard);
  if (!shard.owner.empty()) parents_are_finished(name, "taken");
  pass(name, shard);
}

void Checker::pass(const std::string& name, Shard& shard) {
  for (; shard.passed < shard.records.size(); ++shard.passed) {
    const Record& record = shard.records[shard.passed];
    if (record.lost) continue;
    if (!shard.finished && number_less(shard.checkpoint, record.sequence)) return;
    pass(name, shard, record);
  }
}

void Checker::pass(const std::string& name, const Shard& shard, const Record& record) {
  const auto is_buried = [&] { return buried().contains(name + "/" + record.sequence); };
  if (record.key.empty()) {
    world_.expect(Invariant::checkpoint_covers, is_buried(), [&] {
      return "the checkpoint of " + name + " passed junk at " + record.sequence +
             " that is in no dead letter";
    });
    return;
  }
  const Key& key = keys_[record.key];
  const std::size_t now = version_of(record.key, replica_.find(record.key)).value_or(0);
  const bool past_counts = !options_.strict || key.strange;
  const std::size_t reached = past_counts ? std::max(now, key.newest) : now;
  world_.expect(Invariant::checkpoint_covers, reached >= record.version || is_buried(), [&] {
    return "the checkpoint of " + name + " (" + shard.checkpoint + ") passed " + record.sequence +
           " of key " + record.key + " (version " + std::to_string(record.version) +
           ") while the replica has version " + std::to_string(reached);
  });
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

void Checker::look_at_rest() {
  std::set<std::string> keys;
  for (const auto& [key, item] : primary_.items()) keys.insert(key);
  for (const auto& [key, item] : replica_.items()) keys.insert(key);
  for (const std::string& key : keys) {
    const Item* wanted = primary_.find(key);
    const Item* present = replica_.find(key);
    const bool equal = wanted != nullptr && present != nullptr && *wanted == *present;
    world_.expect(Invariant::equal_at_rest, equal, [&] { return difference().value_or(key); });
  }
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

#include "sim/check.h"

#include <algorithm>
#include <utility>

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

// `item`: nullptr is absence.
bool has_value(const Version& version, const Item* item) {
  if (item == nullptr || version.item == nullptr) return item == version.item.get();
  return *version.item == *item;
}

}  // namespace

std::string shown(const Item* item) {
  return item == nullptr ? "nothing" : item_json(*item).substr(0, 300);
}

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
    if (has_value(versions[i - 1], item)) return i - 1;
  }
  return std::nullopt;
}

// The oldest version from `lowest` on with this value; nullopt: there is none.
std::optional<std::size_t> Checker::version_from(const std::string& key, const Item* item,
                                                 std::size_t lowest) const {
  const auto& versions = primary_.history(key);
  for (std::size_t i = lowest; i < versions.size(); ++i) {
    if (has_value(versions[i], item)) return i;
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
  const bool undone = options_.strict && options_.settled && *latest < key.passed;
  world_.expect(Invariant::checkpoint_covers, !undone, [&] {
    return "the replica went back to version " + std::to_string(*latest) + " of " + name +
           ", and a checkpoint has passed version " + std::to_string(key.passed);
  });
}

void Checker::emitted(const Emitted& record) {
  ++records_;
  Shard& shard = shards_[record.shard];
  if (shard.row.finished)
    world_.fail("shard " + record.shard + " was called finished before its end");
  shard.records.push_back({record.sequence, record.key, record.version, world_.now()});
}

// A shard that was never checkpointed begins where the stream begins, whenever that is: unless it
// goes on where a parent ended that somebody has followed, and nobody came for a whole day.
bool Checker::is_missed(const Shard& shard, const Record& record) const {
  if (!shard.row.checkpoint.empty()) return true;
  return world_.now() > record.at + kRetention &&
         std::any_of(shard.parents.begin(), shard.parents.end(), [this](const std::string& parent) {
           const auto known = shards_.find(parent);
           return known != shards_.end() && known->second.row.finished;
         });
}

void Checker::trimmed(const std::string& shard, const std::string& sequence) {
  Shard& known = shards_[shard];
  if (sequence.empty()) known.gone = true;
  for (std::size_t i = known.passed; i < known.records.size(); ++i) {
    Record& record = known.records[i];
    if (number_less(sequence, record.sequence)) break;
    record.lost = true;
    if (!is_missed(known, record) || owner_has(known, record)) continue;
    ++lost_;
    if (!known.row.checkpoint.empty()) lossy_.insert(shard);
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
    world_.expect(Invariant::parents_first, before.row.finished || before.gone, [&] {
      return "shard " + name + " was " + what + " before its parent " + parent + " was finished";
    });
  }
}

void Checker::page_read(const std::string& shard, const std::string& last) {
  parents_are_finished(shard, "read");
  Shard& known = shards_[shard];
  Shard::Given& given = known.given[network_.served_for()];
  if (number_less(given.newest, last)) given.newest = last;
  for (; given.count < known.records.size(); ++given.count) {
    const Record& record = known.records[given.count];
    if (number_less(given.newest, record.sequence)) return;
    if (on_given_) on_given_(network_.served_for(), shard, record.key);
  }
}

void Checker::all_died() {
  for (auto& [name, shard] : shards_) shard.given.clear();
}

// Then it is lost only if the owner dies before it is applied; the next one finds it missing.
bool Checker::owner_has(const Shard& shard, const Record& record) const {
  const auto given = shard.given.find(shard.row.owner.substr(0, shard.row.owner.find('/')));
  return given != shard.given.end() && !number_less(given->second.newest, record.sequence);
}

// Only who owns a row moves its checkpoint or gives it away; only who takes a row becomes its
// owner.
void Checker::owner_changed(const std::string& name, const Row& before, const Row& after) {
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
  // A rival's clock may run a little faster than time.
  const Duration age = world_.now() - before.written;
  const bool alive = !before.owner.empty() && !after.owner.empty() && age < before.lease * 19 / 20;
  world_.expect(Invariant::checkpoint_forward, !alive, [&] {
    return "shard " + name + " was taken from " + before.owner + ", who had renewed its lease " +
           std::to_string(age / 1ms) + " ms before";
  });
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
  const Row before = std::exchange(
      shard.row, Row{text_in(*change.after, "checkpoint"), true_in(*change.after, "finished"),
                     text_in(*change.after, "owner"),
                     std::chrono::microseconds(std::atoll(text_in(*change.after, "lease").c_str())),
                     world_.now(), text_in(change.key_item, "stream")});
  if (stranger_) return;
  const bool forward = !number_less(shard.row.checkpoint, before.checkpoint) &&
                       (shard.row.finished || !before.finished);
  world_.expect(Invariant::checkpoint_forward, forward, [&] {
    return "the checkpoint of " + name + " went back from " + before.checkpoint + " to " +
           shard.row.checkpoint;
  });
  owner_changed(name, before, shard.row);
  if (!shard.row.owner.empty()) parents_are_finished(name, "taken");
  const bool first = before.checkpoint.empty() && !shard.row.checkpoint.empty();
  pass(name, shard);
  const bool more =
      shard.passed < shard.records.size() && owner_has(shard, shard.records[shard.passed]);
  if (first && more && shard.parents.empty()) in_first_page_ = true;
}

void Checker::pass(const std::string& name, Shard& shard) {
  for (; shard.passed < shard.records.size(); ++shard.passed) {
    const Record& record = shard.records[shard.passed];
    if (record.lost) continue;
    if (!shard.row.finished && number_less(shard.row.checkpoint, record.sequence)) return;
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
  if (now >= record.version) keys_[record.key].passed = std::max(key.passed, record.version);
  const bool past_counts = !options_.strict || key.strange;
  const std::size_t reached = past_counts ? std::max(now, key.newest) : now;
  world_.expect(Invariant::checkpoint_covers, reached >= record.version || is_buried(), [&] {
    return "the checkpoint of " + name + " (" + shard.row.checkpoint + ") passed " +
           record.sequence + " of key " + record.key + " (version " +
           std::to_string(record.version) + ") while the replica has version " +
           std::to_string(reached);
  });
}

}  // namespace dynamodb_replicator::sim

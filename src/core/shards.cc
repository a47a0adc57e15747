#include "core/shards.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace dynamodb_replicator::core {
namespace {

const ShardRow* row_of(const std::vector<ShardRow>& rows, const std::string& shard) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const ShardRow& row) { return row.shard == shard; });
  return found == rows.end() ? nullptr : &*found;
}

bool has_children(const std::vector<ListedShard>& listed, const std::string& shard) {
  return std::any_of(listed.begin(), listed.end(), [&](const ListedShard& other) {
    return std::find(other.parents.begin(), other.parents.end(), shard) != other.parents.end();
  });
}

StartAt earlier(const StartAt& a, const StartAt& b) {
  if (a.kind == StartAt::Kind::trim_horizon || b.kind == StartAt::Kind::trim_horizon) return {};
  return a.time < b.time ? a : b;
}

// Where each shard begins: its row says it; else the earliest of its ancestors that have rows; else
// `otherwise_`.
class Beginnings {
 public:
  Beginnings(const std::vector<ListedShard>& listed, const std::vector<ShardRow>& rows,
             const StartAt& start)
      : otherwise_(start) {
    for (const ListedShard& shard : listed) parents_[shard.id] = shard.parents;
    for (const ShardRow& row : rows) {
      otherwise_ = known_.empty() ? row.start : earlier(otherwise_, row.start);
      known_[row.shard] = row.start;
    }
  }
  StartAt of(const std::string& shard) { return inherited(shard).value_or(otherwise_); }

 private:
  std::optional<StartAt> inherited(const std::string& shard) {
    const auto [place, fresh] =
        known_.try_emplace(shard);  // entered at once: a circle in the listing ends here
    if (!fresh) return place->second;
    std::optional<StartAt> start;
    for (const std::string& parent : parents_[shard]) {
      const std::optional<StartAt> above = inherited(parent);
      if (above) start = start ? earlier(*start, *above) : *above;
    }
    return place->second = start;
  }
  std::map<std::string, std::vector<std::string>> parents_;
  std::map<std::string, std::optional<StartAt>> known_;  // nullopt: no ancestor with a row
  StartAt otherwise_;
};

}  // namespace

std::vector<ShardRow> missing_rows(const std::string& stream,
                                   const std::vector<ListedShard>& listed,
                                   const std::vector<ShardRow>& rows, const StartAt& start) {
  Beginnings beginnings(listed, rows, start);
  std::vector<ShardRow> missing;
  for (const ListedShard& shard : listed) {
    if (row_of(rows, shard.id) != nullptr) continue;
    ShardRow row;
    row.stream = stream;
    row.shard = shard.id;
    row.parents = shard.parents;
    row.start = beginnings.of(shard.id);
    missing.push_back(std::move(row));
  }
  return missing;
}

std::optional<WallTime> inherited_read_through(const ShardRow& row,
                                               const std::vector<ShardRow>& rows) {
  if (row.parents.empty()) return std::nullopt;
  std::set<std::string> followed;  // shards that a row follows
  for (const ShardRow& other : rows) followed.insert(other.parents.begin(), other.parents.end());
  const std::set<std::string> parents(row.parents.begin(), row.parents.end());
  const bool known = std::any_of(rows.begin(), rows.end(), [&](const ShardRow& other) {
    return parents.contains(other.shard);
  });
  std::optional<WallTime> through;
  for (const ShardRow& other : rows) {
    const bool before = known ? parents.contains(other.shard) : !followed.contains(other.shard);
    if (!before || !other.finished || !other.read_through) continue;
    through = std::min(through.value_or(*other.read_through), *other.read_through);
  }
  return through;
}

std::vector<ShardRow> vanished(const std::vector<ListedShard>& listed,
                               const std::vector<ShardRow>& rows) {
  std::vector<ShardRow> gone;
  for (const ShardRow& row : rows) {
    const bool there = std::any_of(listed.begin(), listed.end(),
                                   [&](const ListedShard& shard) { return shard.id == row.shard; });
    if (!there && !row.finished) gone.push_back(row);
  }
  return gone;
}

OlderStreams older_streams(const std::vector<ShardRow>& rows, const std::string& current) {
  std::map<std::string, bool> read;  // to the end of every shard that has a row
  bool begun = false;
  for (const ShardRow& row : rows) {
    begun = begun || row.stream == current;
    if (row.stream == current) continue;
    const auto place = read.try_emplace(row.stream, true).first;
    place->second = place->second && row.finished;
  }
  OlderStreams older;
  older.changed_over = !begun && !rows.empty();
  for (const auto& [stream, all] : read)
    (all ? older.seemingly_read : older.unfinished).push_back(stream);
  return older;
}

bool read_until(WallTime when, const std::vector<ListedShard>& listed,
                const std::vector<ShardRow>& rows, bool ended) {
  for (const ListedShard& shard : listed) {
    const ShardRow* row = row_of(rows, shard.id);
    if (row == nullptr) return false;
    if (row->finished && !ended && !has_children(listed, shard.id)) return false;
  }
  return std::all_of(rows.begin(), rows.end(), [&](const ShardRow& row) {
    return row.finished || (row.read_through && *row.read_through >= when);
  });
}

bool all_finished(const std::vector<ListedShard>& listed, const std::vector<ShardRow>& rows) {
  const bool known = std::all_of(listed.begin(), listed.end(), [&](const ListedShard& shard) {
    return row_of(rows, shard.id) != nullptr;
  });
  return known &&
         std::all_of(rows.begin(), rows.end(), [](const ShardRow& row) { return row.finished; });
}

}  // namespace dynamodb_replicator::core

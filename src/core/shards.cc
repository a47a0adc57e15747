#include "core/shards.h"

#include <algorithm>

namespace dynamodb_replicator::core {
namespace {

const ShardRow* row_of(const std::vector<ShardRow>& rows, const std::string& shard) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ShardRow& row) { return row.shard == shard; });
  return found == rows.end() ? nullptr : &*found;
}

bool has_children(const std::vector<ListedShard>& listed, const std::string& shard) {
  return std::any_of(listed.begin(), listed.end(), [&](const ListedShard& other) {
    return std::find(other.parents.begin(), other.parents.end(), shard) != other.parents.end();
  });
}

}  // namespace

std::vector<ShardRow> missing_rows(const std::string& stream, const std::vector<ListedShard>& listed,
                                   const std::vector<ShardRow>& rows, const StartAt& start) {
  std::vector<ShardRow> missing;
  for (const ListedShard& shard : listed) {
    if (row_of(rows, shard.id) != nullptr) continue;
    ShardRow row;
    row.stream = stream;
    row.shard = shard.id;
    row.parents = shard.parents;
    row.start = start;
    for (const std::string& parent : shard.parents) {
      if (const ShardRow* known = row_of(rows, parent)) row.start = known->start;
    }
    missing.push_back(std::move(row));
  }
  return missing;
}

std::vector<ShardRow> vanished(const std::vector<ListedShard>& listed, const std::vector<ShardRow>& rows) {
  std::vector<ShardRow> gone;
  for (const ShardRow& row : rows) {
    const bool there =
        std::any_of(listed.begin(), listed.end(), [&](const ListedShard& shard) { return shard.id == row.shard; });
    if (!there && !row.finished) gone.push_back(row);
  }
  return gone;
}

bool read_until(WallTime when, const std::vector<ListedShard>& listed, const std::vector<ShardRow>& rows, bool ended) {
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
  const bool known = std::all_of(listed.begin(), listed.end(),
                                 [&](const ListedShard& shard) { return row_of(rows, shard.id) != nullptr; });
  return known && std::all_of(rows.begin(), rows.end(), [](const ShardRow& row) { return row.finished; });
}

}  // namespace dynamodb_replicator::core

#include "core/leases.h"

#include <algorithm>

#include "base/planted.h"

namespace dynamodb_replicator::core {

void LeaseWatch::saw(const std::vector<ShardRow>& rows, Instant now) {
  std::map<std::string, Seen> seen;
  for (const ShardRow& row : rows) {
    const auto before = seen_.find(row.shard);
    const bool same = before != seen_.end() && before->second.nonce == row.nonce;
    seen[row.shard] = {row.nonce, same ? before->second.since : now};
  }
  seen_ = std::move(seen);
}

bool LeaseWatch::expired(const ShardRow& row, Instant now, Duration lease) const {
  const auto found = seen_.find(row.shard);
  return found != seen_.end() && found->second.nonce == row.nonce &&
         now - found->second.since >= std::max(lease, row.lease);
}

bool parents_finished(const ShardRow& row, const std::vector<ShardRow>& rows,
                      const std::set<std::string>& listed) {
  if (base::planted(base::Bug::child_before_parent)) return true;
  return std::all_of(row.parents.begin(), row.parents.end(), [&](const std::string& parent) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const ShardRow& other) { return other.shard == parent; });
    return found != rows.end() ? found->finished : !listed.contains(parent);
  });
}

std::vector<ShardRow> choose(const std::vector<ShardRow>& rows, const std::set<std::string>& listed,
                             const std::string& me, const std::set<std::string>& mine,
                             const std::set<std::string>& avoid, const LeaseWatch& watch,
                             Instant now, Duration lease, std::uint64_t roll) {
  std::set<std::string> workers{me};
  std::vector<ShardRow> free;
  std::size_t readable = 0;
  for (const ShardRow& row : rows) {
    if (row.finished || !parents_finished(row, rows, listed)) continue;
    ++readable;
    if (mine.contains(row.shard)) continue;
    const bool own = row.owner == me && !base::planted(base::Bug::own_row_forgotten);
    const bool alive = !row.owner.empty() && !own && !watch.expired(row, now, lease);
    if (alive) {
      workers.insert(row.owner);
    } else if (!avoid.contains(row.shard)) {
      free.push_back(row);
    }
  }
  if (free.empty()) return {};
  const std::size_t share = (readable + workers.size() - 1) / workers.size();
  // A shard that nobody wants for three lease times is taken whatever the share: somebody may count
  // as alive who takes nothing any more.
  const auto forsaken = [&](const ShardRow& row) { return watch.expired(row, now, lease * 3); };
  std::size_t room = share > mine.size() ? share - mine.size() : 0;
  room = std::min(room, std::max<std::size_t>(1, free.size() / 16));
  std::rotate(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(roll % free.size()),
              free.end());
  // A row with our name that we do not run comes from a write of ours whose answer was lost:
  // everybody counts it as ours already, so it is taken whatever the share.
  std::stable_partition(free.begin(), free.end(),
                        [&](const ShardRow& row) { return row.owner == me; });
  std::vector<ShardRow> chosen;
  for (const ShardRow& row : free) {
    const bool fits = row.owner == me || chosen.size() < room;
    if (!fits && chosen.empty() && forsaken(row)) base::mark(base::Mark::forsaken_row_taken);
    if (fits || (chosen.empty() && forsaken(row))) chosen.push_back(row);
  }
  return chosen;
}

}  // namespace dynamodb_replicator::core

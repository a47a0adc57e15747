// The shard graph: which rows the lease table needs, and when the whole stream counts as read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/rows.h"

namespace dynamodb_replicator::core {

// Rows for listed shards that have none. A child begins where its parents or their ancestors did,
// at the earliest (everything in it is newer); a shard without a known ancestor begins at `start`
// if nothing is followed yet, else at the earliest start of all rows: `latest` of today would skip
// what came since we began.
std::vector<ShardRow> missing_rows(const std::string& stream,
                                   const std::vector<ListedShard>& listed,
                                   const std::vector<ShardRow>& rows, const StartAt& start);

// Up to when the records before a shard that nobody has read yet are known to be read; nullopt:
// nothing was read before it. Its parents tell it, as if they and it were one shard. If none of
// them ever had a row, they came and went while nobody looked, and the rows after which the lineage
// breaks off tell it. Retention counts from there: what it has taken since was missed.
std::optional<WallTime> inherited_read_through(const ShardRow& row,
                                               const std::vector<ShardRow>& rows);

// Unfinished rows whose shard the stream no longer has: what they had not read is gone. REQUIRES: a
// listing read completely, after the rows.
std::vector<ShardRow> vanished(const std::vector<ListedShard>& listed,
                               const std::vector<ShardRow>& rows);

// What the rows of a lease table tell of the streams that were followed before the current one.
struct OlderStreams {
  std::vector<std::string> unfinished;  // not read to their ends
  // All that anybody saw of these was read. A last shard may have come and been seen by nobody, so
  // they have to be asked until they say that nothing is left, or are gone.
  std::vector<std::string> seemingly_read;
  bool changed_over = false;  // others were followed, and nobody has begun the current one
};
OlderStreams older_streams(const std::vector<ShardRow>& rows, const std::string& current);

// Everything up to `when` is read and applied. False while a finished shard's children may still be
// unlisted. `ended`: the stream will get no further shard.
bool read_until(WallTime when, const std::vector<ListedShard>& listed,
                const std::vector<ShardRow>& rows, bool ended);

// Every shard that there is or was is finished.
bool all_finished(const std::vector<ListedShard>& listed, const std::vector<ShardRow>& rows);

}  // namespace dynamodb_replicator::core

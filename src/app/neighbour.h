// The replicator of a pair that may be running beside a comparison or a repair. It is known by its
// lease table alone: of the default name beside the replica, or the one that --leases names.
#pragma once

#include <optional>

#include "app/pair.h"
#include "core/rows.h"

namespace dynamodb_replicator::app {

struct Neighbour {
  std::optional<core::MetaRow> meta;  // what it says of itself; nullopt: there is none
  std::optional<Duration> lag;        // of the shard that is furthest behind
};

// `leases`: as in PairOptions. Without one, a table that is not there or not this pair's means that
// there is no replicator, and one that may not be read is warned of. A table that was named must be
// this pair's. `with_lag`: its rows are read too. The Failure is one sentence with the remedy.
async::Task<Result<Neighbour>> find_neighbour(async::Doors& doors, const Pair& pair,
                                              std::string leases, bool with_lag);

// A second writer holds no fence. Beside a fenced replicator it says so, once, and what that costs
// the guarantee.
void warn_beside_fenced(async::Log& log, const Pair& pair, const Neighbour& neighbour);

}  // namespace dynamodb_replicator::app

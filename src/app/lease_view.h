// What `leases list` and `leases show` print.
#pragma once

#include <string>
#include <vector>

#include "async/doors.h"
#include "core/rows.h"

namespace dynamodb_replicator::app {

// All shard rows of the lease table at `location`, by stream and shard. Failures are one sentence
// with the remedy.
async::Task<Result<std::vector<core::ShardRow>>> read_leases(async::Doors& doors,
                                                             std::string location,
                                                             std::string profile);

// One shard a line, with a head; "behind" is the age of what was read and applied, as the row tells
// it.
std::string leases_as_table(const std::vector<core::ShardRow>& rows, WallTime now);
// One JSON object a line.
std::string leases_as_json(const std::vector<core::ShardRow>& rows, WallTime now);
// One field a line.
std::string lease_in_full(const std::vector<core::ShardRow>& rows, WallTime now);

}  // namespace dynamodb_replicator::app

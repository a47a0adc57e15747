// `replicate` put together over a given set of doors: what the command line, an embedding program
// and the simulator all start. Options are as typed by a user; this is where they are understood
// and checked.
#pragma once

#include <optional>
#include <string>

#include "async/doors.h"
#include "async/gate.h"
#include "flow/metrics.h"

namespace dynamodb_replicator::app {

struct ReplicateOptions {
  std::string primary;  // a location in one of the four forms
  std::string replica;
  // For which region requests to an explicit endpoint are signed; empty: the one that the AWS CLI
  // would choose.
  std::string primary_region;
  std::string replica_region;
  std::string kinesis_region;
  std::string kinesis;  // a location; empty: the primary's own DynamoDB Stream
  std::string
      leases;  // a table name or location; empty: "<replica table>-leases" beside the replica
  Duration lease_time = 10s;
  std::string start_at = "trim_horizon";  // or latest, or ISO 8601
  bool create_replica = false;
  std::string mode = "fast";  // or fenced
  unsigned stripes = 8;       // fenced: fence items a shard, where the lease table does not say yet
  std::string verify = "auto";
  std::string dead_letter;  // path; empty: a record that cannot be applied stops its shard
  bool until_caught_up = false;
  double read_units = 0;  // capacity units a second for this process; 0: no ceiling
  double write_units = 0;
  std::string table_name;
  std::string primary_profile;
  std::string replica_profile;
  int num_records = 0;  // records a page; 0: the service's maximum
  int lease_capacity_read =
      0;  // provisioned capacity of a lease table that we create; 0: on-demand
  int lease_capacity_write = 0;
  Duration doubt =
      15s;  // D of "How a write stays right": how long after its deadline a write may still land
};

// How the running replicator is watched and stopped from outside.
struct Control {
  explicit Control(async::Loop& loop) : stop(loop) {}
  async::Gate stop;       // open it to shut down cleanly
  flow::Metrics metrics;  // counters and the state that /metrics and /readyz show
};

// The process's exit status: 0 done or stopped cleanly, 2 failed or incomplete.
async::Task<int> replicate(async::Doors& doors, ReplicateOptions options, Control& control);

}  // namespace dynamodb_replicator::app

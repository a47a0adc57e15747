// Everything that is looked at before the first record is read, so that a wrong setting is one
// sentence within seconds and not a surprise later.
#pragma once

#include <memory>
#include <string>

#include "app/pair.h"
#include "app/replicate.h"
#include "app/side.h"
#include "core/rows.h"
#include "wire/kinesis.h"
#include "wire/tables.h"

namespace dynamodb_replicator::app {

struct Prepared {
  Side primary;
  Side replica;
  std::optional<Side> kinesis;  // nullopt: the primary's own stream
  Side leases;
  wire::TableDescription primary_table;
  wire::TableDescription replica_table;
  std::optional<wire::KinesisSummary> kinesis_stream;
  std::unique_ptr<aws::Client> primary_client;
  std::unique_ptr<aws::Client> replica_client;
  std::unique_ptr<aws::Client> stream_client;
  std::unique_ptr<aws::Client> lease_client;
  core::StartAt start;
};

// Understands the options and checks the outside. The Failure is one sentence with the remedy.
async::Task<Result<Prepared>> prepare(async::Doors& doors, const ReplicateOptions& options);

}  // namespace dynamodb_replicator::app

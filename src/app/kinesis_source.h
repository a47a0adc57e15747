// A Kinesis stream of change records as the walks see it: plain or aggregated by the Kinesis
// Producer Library.
#pragma once

#include <string>

#include "aws/client.h"
#include "aws/location.h"
#include "flow/ports.h"
#include "wire/kinesis.h"
#include "wire/records.h"

namespace dynamodb_replicator::app {

class KinesisSource : public flow::Stream {
 public:
  // `table`: take only this table's records, where records name one; empty: all. `limit` as in
  // StreamsSource.
  KinesisSource(aws::Client& client, const aws::Location& location,
                const wire::KinesisSummary& summary, item::KeySchema schema, std::string table,
                int limit);

  // ARN and creation time: a stream that was created again under its name is another one.
  const std::string& identity() const override { return identity_; }
  bool is_kinesis() const override { return true; }
  WallTime service_time() const override { return client_.service_time(); }
  Duration retention() const override { return retention_; }
  flow::Task<Result<flow::Listing>> list(Instant deadline) override;
  flow::Task<Result<std::string>> open(const std::string& shard, const flow::Position& position,
                                       Instant deadline) override;
  flow::Task<Result<flow::Page>> read(const std::string& iterator, Instant deadline) override;

 private:
  aws::Client& client_;
  std::string stream_;  // name or ARN, as requests want it
  std::string identity_;
  Duration retention_;
  wire::RecordForm form_;
  int limit_;
};

}  // namespace dynamodb_replicator::app

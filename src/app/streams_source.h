// A table's own DynamoDB Stream as the walks see it.
#pragma once

#include <string>

#include "aws/client.h"
#include "flow/ports.h"
#include "wire/records.h"

namespace dynamodb_replicator::app {

class StreamsSource : public flow::Stream {
 public:
  // The table whose stream it is, to be asked when the stream is not found.
  struct OfTable {
    aws::Client* client = nullptr;  // nullptr: the table is not asked
    std::string name;
  };
  // `limit`: records a page; 0: the service's maximum.
  StreamsSource(aws::Client& client, std::string arn, item::KeySchema schema, int limit,
                OfTable table);

  const std::string& identity() const override { return arn_; }
  bool is_kinesis() const override { return false; }
  WallTime service_time() const override { return client_.service_time(); }
  Duration retention() const override { return 24h; }  // of every stream (Developer Guide)
  flow::Task<Result<flow::Listing>> list(Instant deadline) override;
  flow::Task<Result<std::string>> open(const std::string& shard, const flow::Position& position,
                                       Instant deadline) override;
  flow::Task<Result<flow::Page>> read(const std::string& iterator, Instant deadline) override;

 private:
  flow::Task<bool> table_has_left(Instant deadline);

  aws::Client& client_;
  std::string arn_;
  wire::RecordForm form_;
  int limit_;
  OfTable table_;
};

// What a decoded record is to the walks.
std::variant<item::KeyRef, flow::Junk, flow::NotOurs> to_entry(wire::Record record);

}  // namespace dynamodb_replicator::app

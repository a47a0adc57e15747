// A table as the walks see it: batch reads and batch writes over one client. One attempt each.
#pragma once

#include <string>

#include "aws/client.h"
#include "flow/ports.h"

namespace dynamodb_replicator::app {

class BatchTable : public flow::TableReader, public flow::TableWriter {
 public:
  BatchTable(aws::Client& client, std::string table, item::KeySchema schema)
      : client_(client), table_(std::move(table)), schema_(std::move(schema)) {}

  flow::Task<Result<flow::ReadAnswer>> read(std::span<const item::KeyRef> keys,
                                            Instant deadline) override;
  flow::Task<Result<flow::WriteAnswer>> write(std::span<const flow::Write> writes,
                                              Instant deadline) override;

 private:
  aws::Client& client_;
  std::string table_;
  item::KeySchema schema_;
};

}  // namespace dynamodb_replicator::app

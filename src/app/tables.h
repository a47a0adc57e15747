// A table as the walks see it: batch reads, batch writes and scans over one client. One attempt
// each.
#pragma once

#include <string>

#include "aws/client.h"
#include "flow/ports.h"

namespace dynamodb_replicator::app {

class BatchTable : public flow::TableReader, public flow::TableWriter, public flow::TableScanner {
 public:
  BatchTable(aws::Client& client, std::string table, item::KeySchema schema)
      : client_(client), table_(std::move(table)), schema_(std::move(schema)) {}

  flow::Task<Result<flow::ReadAnswer>> read(std::span<const item::KeyRef> keys,
                                            Instant deadline) override;
  flow::Task<Result<flow::WriteAnswer>> write(std::span<const flow::Write> writes,
                                              Instant deadline) override;
  flow::Task<Result<flow::ScanPage>> scan(const flow::ScanAsk& ask, Instant deadline) override;

 private:
  aws::Client& client_;
  std::string table_;
  item::KeySchema schema_;
};

// PutItem and DeleteItem with a condition.
class GuardedTable : public flow::GuardedWriter {
 public:
  GuardedTable(aws::Client& client, std::string table)
      : client_(client), table_(std::move(table)) {}
  flow::Task<Result<double>> write_if(const flow::Write& write, const core::Guard& guard,
                                      Instant deadline) override;

 private:
  aws::Client& client_;
  std::string table_;
};

// TransactWriteItems, with the fence in the lease table beside the replica.
class FencedTable : public flow::FencedWriter {
 public:
  FencedTable(async::Dice& dice, aws::Client& client, std::string table, std::string lease_table)
      : dice_(dice),
        client_(client),
        table_(std::move(table)),
        lease_table_(std::move(lease_table)) {}
  flow::Task<Result<flow::WriteAnswer>> write(const core::Fence& fence,
                                              std::span<const flow::Write> writes,
                                              Instant deadline) override;

 private:
  async::Dice& dice_;
  aws::Client& client_;
  std::string table_;
  std::string lease_table_;
};

}  // namespace dynamodb_replicator::app

// The lease table: opening it (creating it if missing, refusing a table that is somebody else's)
// and its rows.
#pragma once

#include <string>

#include "app/side.h"
#include "aws/client.h"
#include "flow/ports.h"
#include "wire/tables.h"

namespace dynamodb_replicator::app {

class LeaseTable : public flow::LeaseStore {
 public:
  LeaseTable(async::Doors& doors, aws::Client& client, std::string table)
      : doors_(doors), client_(client), table_(std::move(table)) {}

  // Makes sure that the table exists (makes it if it is missing), is ours, and belongs to `meta`'s
  // pair and mode. Gives what the table says of itself. Failures are one sentence with the remedy.
  async::Task<Result<core::MetaRow>> open(const core::MetaRow& meta, wire::Capacity capacity,
                                          Instant give_up);
  // For tools that only look: the table exists and is ours.
  async::Task<Result<void>> look(Instant give_up);
  // Every shard row of every stream; consistent.
  async::Task<Result<std::vector<core::ShardRow>>> all(Instant deadline);
  async::Task<Result<std::optional<core::MetaRow>>> meta(Instant deadline);

  async::Task<Result<std::vector<core::ShardRow>>> list(const std::string& stream,
                                                        Instant deadline) override;
  async::Task<Result<std::optional<core::ShardRow>>> get(const std::string& stream,
                                                         const std::string& shard,
                                                         Instant deadline) override;
  async::Task<Result<void>> create(const core::ShardRow& row, Instant deadline) override;
  async::Task<Result<void>> replace(const core::ShardRow& row, const std::string& expected,
                                    Instant deadline) override;
  async::Task<Result<void>> raise_fence(const core::Fence& fence, Instant deadline) override;
  async::Task<Result<void>> bump_fence(const core::Fence& fence, Instant deadline) override;
  async::Task<Result<std::optional<core::Fence>>> get_fence(const core::Fence& fence,
                                                            Instant deadline) override;

 private:
  async::Task<Result<wire::TableDescription>> describe(Instant give_up);
  async::Task<Result<wire::TableDescription>> wait_active(Instant give_up);
  async::Task<Result<std::string>> read_pages(std::vector<core::ShardRow>& rows,
                                              const std::string* stream, Instant deadline);
  async::Task<Result<void>> write(const char* operation, std::string body, Instant deadline);
  async::Task<Result<void>> check_sample(const item::KeySchema& schema, Instant give_up);
  async::Task<Result<void>> probe_transactions(Instant give_up);
  async::Task<Result<core::MetaRow>> check_meta(const core::MetaRow& wanted, Instant give_up);
  [[nodiscard]] Failure foreign(const item::KeySchema& schema) const;

  async::Doors& doors_;
  aws::Client& client_;
  std::string table_;
};

}  // namespace dynamodb_replicator::app

// One simulated DynamoDB: the operations the program uses, with the checks and limits of the real
// one.
//
// The checks follow the service's documentation (API reference of each operation; "Constraints" of
// the developer guide); the contract suite compares them with real emulators. An operation or a
// parameter that is not known here is refused, so that the program cannot come to rely on something
// the simulator ignores.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sim/table.h"
#include "sim/value.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class TableStream;
using Answer = Result<std::string, ServiceError>;  // the body

class DynamoDb {
 public:
  DynamoDb(World& world, const std::string& name)
      : world_(world), prng_(world.part("dynamodb " + name)), name_(name) {}

  Table& create(const std::string& name, Schema schema);
  // nullptr if there is no such table.
  [[nodiscard]] Table* table(const std::string& name) const;
  // Told in DescribeTable. REQUIRES: the table exists.
  void enable_stream(const std::string& table, TableStream& stream) {
    tables_.at(table).stream = &stream;
  }

  void disable_stream(const std::string& table) { tables_.at(table).stream = nullptr; }

  // Told of tables that requests create.
  void watch_tables(std::function<void(Table&)> watcher) { watcher_ = std::move(watcher); }

  Answer call(std::string_view operation, Json request);

  [[nodiscard]] std::string arn_of(const std::string& table) const {
    return "arn:aws:dynamodb:us-east-1:000000000000:table/" + table;
  }

 private:
  struct Slot {
    std::unique_ptr<Table> table;
    TableStream* stream = nullptr;
    Duration active_from{0};
    Duration created{0};
  };
  Answer describe_table(Json request);
  Answer create_table(Json request);
  Answer get_item(Json request);
  Answer put_item(Json request);
  Answer delete_item(Json request);
  Answer update_item(Json request);
  Answer query(Json request);
  Answer scan(Json request);
  Answer batch_get_item(Json request);
  Answer batch_write_item(Json request);
  Answer transact_write_items(Json request);
  struct Prepared;
  Result<Prepared, ServiceError> prepare(Json one);

  Result<Table*, ServiceError> active(std::string_view name) const;
  Result<Table*, ServiceError> named(Json request) const;
  Answer conditionally(Json request, Table& table, const Item& key_item, const std::string& key,
                       const std::shared_ptr<const Item>& next);
  std::string description(const Slot& slot) const;
  // As the table's engine answers it.
  std::string shown(const Table& table, const Item& item);

  World& world_;
  base::Prng prng_;
  std::string name_;
  std::map<std::string, Slot> tables_;
  std::map<std::string, Duration> transactions_;  // tokens of those that were done, and when
  std::function<void(Table&)> watcher_;
};

}  // namespace dynamodb_replicator::sim

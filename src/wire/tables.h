// Tables of DynamoDB in bytes: describe and create.
// Source: Amazon DynamoDB API Reference (2012-08-10).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "item/key.h"

namespace dynamodb_replicator::wire {

struct Capacity {  // provisioned units a second; both 0: on-demand
  std::int64_t read = 0;
  std::int64_t write = 0;
  friend bool operator==(const Capacity&, const Capacity&) = default;
};

struct IndexDescription {
  std::string name;
  std::string key_schema;  // raw JSON
  std::string projection;  // raw JSON
  Capacity capacity;       // of global indexes
};

struct TableDescription {
  std::string name;
  std::string arn;  // empty on engines that have none
  std::string
      id;  // changes when a table is created again under its name; empty on engines that have none
  std::string status;  // CREATING, ACTIVE, UPDATING, DELETING, ...
  item::KeySchema schema;
  std::int64_t item_count = 0;  // the service's estimate, up to six hours old
  std::int64_t size_bytes = 0;
  bool stream_enabled = false;
  std::string stream_view;  // KEYS_ONLY, NEW_IMAGE, ...; empty: no stream
  std::string stream_arn;   // the latest stream's; there may be one though the stream is disabled
  Capacity capacity;        // {0, 0}: on-demand
  // Raw or nearly, for a copy of the table.
  std::string key_schema;             // raw JSON
  std::string attribute_definitions;  // raw JSON
  std::vector<IndexDescription> global_indexes;
  std::vector<IndexDescription> local_indexes;
};

std::string describe_table_request(std::string_view table);
Result<TableDescription> decode_describe_table(std::string body);

// The attribute by which items expire; empty if the table has none.
std::string describe_ttl_request(std::string_view table);
Result<std::string> decode_describe_ttl(std::string body);

// A table with the same key schema, indexes and billing mode. Not copied: streams, TTL, encryption,
// tags, alarms, auto scaling, deletion protection, contributor insights, table class, on-demand
// limits.
std::string create_copy_request(std::string_view table, const TableDescription& original);

// A lease table: HASH "stream" (S), RANGE "row" (S).
std::string create_lease_table_request(std::string_view table, Capacity capacity);

// CreateTable's answer, which describes the table too.
Result<TableDescription> decode_create_table(std::string body);

}  // namespace dynamodb_replicator::wire

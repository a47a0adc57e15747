// The lease table in bytes. One item a shard (HASH `stream` = the stream's identity, RANGE `row` =
// "shard#" and the shard's id) and one item for the whole table (HASH "dynamodb-replicator", RANGE
// "meta"), which must be found whatever stream a reader follows. Beside them stand the fences of
// fenced mode (wire/fences.h).
//
// Attributes that are not ours are never lost: a replacement names its own attributes only. Times
// are whole microseconds since 1970, durations whole microseconds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/rows.h"
#include "item/key.h"

namespace dynamodb_replicator::wire {

// Items: the rows as JSON. Reading ignores unknown attributes and needs stream, row and nonce only,
// so that an older program reads what a newer one wrote.
std::string shard_row_to_item(const core::ShardRow& row);
Result<core::ShardRow> shard_row_from_item(std::string_view item);
std::string meta_row_to_item(const core::MetaRow& row);
Result<core::MetaRow> meta_row_from_item(std::string_view item);

// Query: consistent, all shard rows of one stream; go on from `last_key` (raw JSON; empty: from the
// beginning).
std::string query_shard_rows_request(std::string_view table, std::string_view stream,
                                     std::string_view last_key);
// Scan: consistent, everything, for tools that list a lease table.
std::string scan_rows_request(std::string_view table, std::string_view last_key);
bool is_shard_row(std::string_view item);

std::string meta_row_key();  // as JSON

// GetItem, consistent.
std::string get_shard_row_request(std::string_view table, std::string_view stream,
                                  std::string_view shard);
std::string get_meta_row_request(std::string_view table);

// PutItem, only if there is no such row.
std::string create_shard_row_request(std::string_view table, const core::ShardRow& row);
std::string create_meta_row_request(std::string_view table, const core::MetaRow& row);

// UpdateItem, only if the stored row's nonce is `expected`.
std::string replace_shard_row_request(std::string_view table, const core::ShardRow& row,
                                      std::string_view expected);

// Whose table is it?
enum class LeaseTableKind {
  ours,
  kcl,           // Kinesis Client Library: HASH leaseKey
  node_library,  // the Node `kinesis-client-library`: HASH type, RANGE id
  unknown,
};
// `sample`: any item of the table, raw JSON; nullopt: it has none. A table with our key schema but
// items of another kind is unknown.
LeaseTableKind recognise_lease_table(const item::KeySchema& schema,
                                     const std::optional<std::string>& sample);

}  // namespace dynamodb_replicator::wire

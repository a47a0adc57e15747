// Fenced mode in bytes: a shard's fence items in the lease table (HASH `stream`, RANGE "fence#",
// the shard's id, "#" and the stripe's number), and the transactions that check them.
//
// Source: Amazon DynamoDB API Reference, TransactWriteItems.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/rows.h"
#include "wire/items.h"

namespace dynamodb_replicator::wire {

// UpdateItem: the fence as given, only if the stored generation is lower or there is none.
std::string raise_fence_request(std::string_view table, const core::Fence& fence);
// UpdateItem: one more bump, only if the stored item says what `fence` says.
std::string bump_fence_request(std::string_view table, const core::Fence& fence);
// GetItem, consistent.
std::string get_fence_request(std::string_view table, const core::Fence& fence);
// `of` names the stripe; generation and bumps come from the item.
Result<core::Fence> fence_from_item(const core::Fence& of, std::string_view item);

// TransactWriteItems: the writes, only if the stored fence says what `fence` says. `token`: new for
// each attempt, 1 to 36 characters; we never send one twice (an attempt is ended by a bump), it is
// for whoever between us and the service might. Items as for batch_write_request. REQUIRES: 1 to 99
// writes, all of different keys.
Result<std::string> transact_write_request(std::string_view lease_table, const core::Fence& fence,
                                           std::string_view table,
                                           std::span<const BatchWrite> writes,
                                           std::string_view token);
// The consumed capacity units of both tables.
Result<double> decode_transact_write(std::string body);

// TransactWriteItems that changes nothing and always succeeds where transactions are known.
std::string probe_transactions_request(std::string_view lease_table);

}  // namespace dynamodb_replicator::wire

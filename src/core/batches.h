// How many writes go into one request.
#pragma once

#include <cstddef>
#include <vector>

namespace dynamodb_replicator::core {

inline constexpr std::size_t kReadKeysMax = 100;    // BatchGetItem's limit (API reference)
inline constexpr std::size_t kBatchWritesMax = 25;  // BatchWriteItem's limit (API reference)
// BatchWriteItem refuses a request over 16 MB on the wire (HTTP 413). One item is at most 400 KB,
// but JSON escapes and base64 blow it up to sixfold, so packing goes by wire bytes: 15 MB leaves
// room for what surrounds the items (25 x ~100 bytes and the table name).
inline constexpr std::size_t kBatchBytesMax = 15'000'000;

// Cuts items of these wire sizes, in order, into batches of at most `count` items and
// kBatchBytesMax bytes; an item that is larger goes alone (the service decides). Gives the end
// index of each batch.
std::vector<std::size_t> cut_batches(const std::vector<std::size_t>& bytes, std::size_t count);

}  // namespace dynamodb_replicator::core

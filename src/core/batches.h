// How many writes go into one request, and what to do with one that is refused as a whole.
#pragma once

#include <cstddef>
#include <iterator>
#include <vector>

#include "dynamodb_replicator/failure.h"

namespace dynamodb_replicator::core {

inline constexpr std::size_t kReadKeysMax = 100;    // BatchGetItem's limit (API reference)
inline constexpr std::size_t kBatchWritesMax = 25;  // BatchWriteItem's limit (API reference)
// BatchWriteItem refuses a request over 16 MB on the wire (HTTP 413). One item is at most 400 KB,
// but JSON escapes and base64 blow it up to sixfold, so packing goes by wire bytes: 15 MB leaves
// room for what surrounds the items (25 x ~100 bytes and the table name).
inline constexpr std::size_t kBatchBytesMax = 15'000'000;

// TransactWriteItems takes 100 actions over items of 4 MB in all (API reference); one action is the
// check of the fence. An item is never larger than its JSON, so packing by wire bytes stays below;
// what a delete removes counts too and is not known here: then the service refuses and the batch is
// halved.
inline constexpr std::size_t kFencedWritesMax = 99;
inline constexpr std::size_t kFencedBytesMax = 3'900'000;

// Cuts items of these wire sizes, in order, into batches of at most `count` items and `bytes_max`
// bytes; an item that is larger goes alone (the service decides). Gives the end index of each
// batch.
std::vector<std::size_t> cut_batches(const std::vector<std::size_t>& bytes, std::size_t count,
                                     std::size_t bytes_max = kBatchBytesMax);

// What writing an item of so many bytes of JSON will cost: a unit for each KB begun (Developer
// Guide). JSON is longer than what is counted, so this is rather too much.
inline double write_units_of(std::size_t bytes) {
  const std::size_t units = bytes / 1024 + (bytes % 1024 != 0 || bytes == 0 ? 1 : 0);
  return static_cast<double>(units);
}

// The same of a consistent read: a unit for each 4 KB begun, also where there is no item.
inline double read_units_of(std::size_t bytes) {
  const std::size_t units = bytes / 4096 + (bytes % 4096 != 0 || bytes == 0 ? 1 : 0);
  return static_cast<double>(units);
}

// Is it worth trying again? Else a person must act, or never.
inline bool passes(FailureKind kind) {
  return kind == FailureKind::throttled || kind == FailureKind::transient ||
         kind == FailureKind::conflict || kind == FailureKind::unusable_answer;
}

// Would a smaller request tell more? These answers concern the request as a whole.
inline bool worth_splitting(FailureKind kind) {
  return kind == FailureKind::invalid || kind == FailureKind::too_large;
}

// Takes the second half of `all` away and gives it.
template <class T>
std::vector<T> split_off(std::vector<T>& all) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::vector<T> rest(std::make_move_iterator(middle), std::make_move_iterator(all.end()));
  all.erase(middle, all.end());
  return rest;
}

}  // namespace dynamodb_replicator::core

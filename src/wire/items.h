// Items of DynamoDB in bytes: batch read, batch write, and pages of items.
//
// Requests are whole JSON bodies. Items go into them exactly as they came out of an answer; they
// are never decoded. Source: Amazon DynamoDB API Reference (2012-08-10).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "item/key.h"

namespace dynamodb_replicator::wire {

// ---- BatchGetItem ----

// Consistent, with total consumed capacity. REQUIRES: 1 to 100 keys, all different.
std::string batch_get_request(std::string_view table, std::span<const item::KeyRef> keys);

struct BatchGetAnswer {
  struct Found {
    item::KeyRef key;
    std::string item;  // the raw JSON slice
  };
  std::vector<Found> found;  // in the service's order: match by key
  std::vector<item::KeyRef> unprocessed;
  double units = 0;
};
// Every item must have a key of `schema`, and belong to `table`; else unusable_answer.
Result<BatchGetAnswer> decode_batch_get(std::string body, std::string_view table,
                                        const item::KeySchema& schema);

// ---- BatchWriteItem ----

struct BatchWrite {
  const item::Key* key = nullptr;
  std::string_view item;  // raw JSON; empty: delete
};
// An item as every write request carries it: without the attributes that the service refuses
// (item::writable_item). The error: FailureKind::invalid, if an item that holds such attributes is
// malformed.
Result<std::string> item_to_write(std::string_view item);
// The error: that of item_to_write. REQUIRES: 1 to 25 writes, all of different keys.
Result<std::string> batch_write_request(std::string_view table, std::span<const BatchWrite> writes);

struct BatchWriteAnswer {
  std::vector<item::KeyRef> unprocessed;
  double units = 0;
};
Result<BatchWriteAnswer> decode_batch_write(std::string body, std::string_view table,
                                            const item::KeySchema& schema);

// ---- PutItem, DeleteItem ----

// Applied only if the stored item meets it. All three are as the API has them: the expression, and
// its names and values as JSON objects (values may be empty). No expression: always applied.
struct Condition {
  std::string_view expression;
  std::string_view names;
  std::string_view values;
};
// One write as a request of its own. The error: that of item_to_write.
Result<std::string> write_one_request(std::string_view table, const BatchWrite& write,
                                      const Condition& condition);
// The operation that such a request is of.
inline const char* write_one_operation(const BatchWrite& write) {
  return write.item.empty() ? "DeleteItem" : "PutItem";
}
Result<double> decode_write_one(std::string body);  // consumed capacity units

// ---- Scan, Query, GetItem ----

// The first `limit` items of a table, in the service's order.
std::string scan_request(std::string_view table, int limit);

struct ScanRequest {
  std::string_view table;
  std::string_view after;  // the last page's last_key, raw JSON; empty: from the beginning
  bool consistent = false;
  int segment = 0;  // of `segments`
  int segments = 1;
  int limit = 0;  // items evaluated at most; 0: the service's 1 MB a page
};
// One page, with consumed capacity.
std::string scan_request(const ScanRequest& request);

struct ItemsPage {
  std::vector<std::string> items;  // raw JSON slices
  std::optional<std::string>
      last_key;  // raw JSON; nullopt: this is the last page. A page may be empty and not last.
  double units = 0;
};
Result<ItemsPage> decode_items_page(std::string body);  // of Scan and Query

// Consistent. `key`: raw JSON.
std::string get_item_request(std::string_view table, std::string_view key);
Result<std::optional<std::string>> decode_get_item(
    std::string body);  // raw JSON; nullopt: no such item

}  // namespace dynamodb_replicator::wire

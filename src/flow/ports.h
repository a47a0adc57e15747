// What the walks need of the outside, in their own words: no bytes, no URL. app/ implements each
// over aws/.
//
// Every call is one attempt: it ends by its deadline, is never repeated behind the caller's back,
// and its Failure says whether a write may have happened (`maybe_applied`). Retry is the caller's
// decision, because only the caller knows whether the lease still allows it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "base/time.h"
#include "core/guard.h"
#include "core/rows.h"
#include "item/key.h"

namespace dynamodb_replicator::flow {

using async::Task;

// ---- tables
// ---------------------------------------------------------------------------------------------------

struct ReadAnswer {
  enum class State { found, absent, unprocessed };
  struct Entry {
    State state = State::unprocessed;
    std::string item;  // found: the raw JSON slice, exactly as it came
  };
  std::vector<Entry> entries;  // one for each asked key, in the asked order
  double units = 0;            // consumed capacity; where the service does not say, by size
};

class TableReader {
 public:
  virtual ~TableReader() = default;
  // Consistent read. REQUIRES: 1 to 100 keys, all different. An item that matches no asked key, or
  // an asked key answered twice, fails the whole call (unusable_answer): absence deletes, so it is
  // never guessed.
  virtual Task<Result<ReadAnswer>> read(std::span<const item::KeyRef> keys, Instant deadline) = 0;
};

struct ScanAsk {
  std::string after;  // the page before this one said so; empty: the segment's beginning
  bool consistent = false;
  int segment = 0;
  int segments = 1;
};

struct ScanPage {
  std::vector<std::string> items;   // raw JSON
  std::optional<std::string> next;  // `after` of the next page; nullopt: the segment's end
  double units = 0;
};

class TableScanner {
 public:
  virtual ~TableScanner() = default;
  // One page, at most 1 MB of items; it may be empty and not the last.
  virtual Task<Result<ScanPage>> scan(const ScanAsk& ask, Instant deadline) = 0;
};

struct Write {
  item::KeyRef key;
  std::string item;  // raw JSON; empty: delete
};

struct WriteAnswer {
  std::vector<bool> done;  // one for each write: false means unprocessed
  double units = 0;
};

class TableWriter {
 public:
  virtual ~TableWriter() = default;
  // BatchWriteItem. REQUIRES: 1 to 25 writes, keys all different, at most kBatchBytesMax
  // (core/batches.h).
  virtual Task<Result<WriteAnswer>> write(std::span<const Write> writes, Instant deadline) = 0;
};

// One item, on a condition: what a second writer does (flow/refresh_guarded.h).
class GuardedWriter {
 public:
  virtual ~GuardedWriter() = default;
  // PutItem or DeleteItem, only if the table still holds what `guard` says; else condition_failed.
  // Gives the consumed capacity units.
  virtual Task<Result<double>> write_if(const Write& write, const core::Guard& guard,
                                        Instant deadline) = 0;
};

// The writer of fenced mode (TransactWriteItems): all of it or nothing.
class FencedWriter {
 public:
  virtual ~FencedWriter() = default;
  // Applied only if the stored fence still says what `fence` says; else condition_failed: somebody
  // else owns the shard now. REQUIRES: 1 to kFencedWritesMax writes, keys all different, at most
  // kFencedBytesMax (core/batches.h).
  virtual Task<Result<WriteAnswer>> write(const core::Fence& fence, std::span<const Write> writes,
                                          Instant deadline) = 0;
};

// ---- streams
// --------------------------------------------------------------------------------------------------

using ShardInfo = core::ListedShard;

struct Listing {
  std::vector<ShardInfo> shards;
  bool ended = false;  // the stream is disabled: no shard will be added
  bool gone = false;   // and not there any more: nothing that was not read will ever be
};

struct Position {
  enum class Kind { trim_horizon, at_time, after };
  Kind kind = Kind::trim_horizon;
  WallTime time{};       // at_time
  std::string sequence;  // after
};

struct Junk {
  std::string reason;  // one sentence, no values
};
struct NotOurs {};  // another table's record on a shared stream

struct StreamRecord {
  std::string sequence;
  WallTime at{};    // when the service got it; epoch if unknown
  std::string raw;  // as received, for a dead letter (Kinesis: the decoded data)
  // Mostly one; an aggregated Kinesis record has many. In the order in which they were written.
  std::vector<std::variant<item::KeyRef, Junk, NotOurs>> entries;
  // Written by AWS itself from the table's log: its place among the shards is a function of the
  // key, so one key is never on two open shards.
  bool from_aws = false;
};

struct Page {
  std::vector<StreamRecord> records;
  std::optional<std::string> next;  // iterator; nullopt: the shard is read to its end
  std::optional<Duration> behind;   // Kinesis: how old the read position is
  std::vector<ShardInfo> children;  // Kinesis tells them on the last page
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual const std::string& identity() const = 0;
  virtual bool is_kinesis() const = 0;
  // What the service's clock shows. Machines' clocks may be minutes apart, and what one writes of
  // times into the lease table another compares with its own.
  virtual WallTime service_time() const = 0;
  // How long the service keeps a record. Known before any listing: a shard may be read before one.
  virtual Duration retention() const = 0;
  virtual Task<Result<Listing>> list(Instant deadline) = 0;
  // An iterator. Failure kinds: trimmed (Streams: the sequence number is gone), not_found (the
  // shard is gone).
  virtual Task<Result<std::string>> open(const std::string& shard, const Position& position,
                                         Instant deadline) = 0;
  // Failure kinds: expired_iterator, trimmed, throttled, ...
  virtual Task<Result<Page>> read(const std::string& iterator, Instant deadline) = 0;
};

// ---- the lease table
// ------------------------------------------------------------------------------------------

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  // Consistent; all shard rows of one stream.
  virtual Task<Result<std::vector<core::ShardRow>>> list(const std::string& stream,
                                                         Instant deadline) = 0;
  // Consistent; nullopt: no such row.
  virtual Task<Result<std::optional<core::ShardRow>>> get(const std::string& stream,
                                                          const std::string& shard,
                                                          Instant deadline) = 0;
  // Only if there is no such row; else condition_failed.
  virtual Task<Result<void>> create(const core::ShardRow& row, Instant deadline) = 0;
  // Only if the stored row has nonce `expected`; else condition_failed.
  virtual Task<Result<void>> replace(const core::ShardRow& row, const std::string& expected,
                                     Instant deadline) = 0;

  // Stores `fence`, only if the stored generation is lower or there is none; else condition_failed.
  virtual Task<Result<void>> raise_fence(const core::Fence& fence, Instant deadline) = 0;
  // One more bump, only if the stored fence says what `fence` says; else condition_failed.
  virtual Task<Result<void>> bump_fence(const core::Fence& fence, Instant deadline) = 0;
  // Consistent; the same stripe as it is stored; nullopt: there is none.
  virtual Task<Result<std::optional<core::Fence>>> get_fence(const core::Fence& fence,
                                                             Instant deadline) = 0;
};

}  // namespace dynamodb_replicator::flow

// Kinesis Data Streams in bytes (JSON 1.1). A stream is named by its name, or by its ARN where that
// is given. Source: Amazon Kinesis Data Streams API Reference (2013-12-02).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/streams.h"

namespace dynamodb_replicator::wire {

struct KinesisSummary {
  std::string name;
  std::string arn;
  std::string status;  // CREATING, ACTIVE, UPDATING, DELETING
  WallTime created{};  // epoch if the engine does not say; tells a stream from a later one of the
                       // same name
  std::int64_t retention_hours = 24;
  std::int64_t open_shards = 0;
};
std::string describe_summary_request(std::string_view stream);
Result<KinesisSummary> decode_describe_summary(std::string body);

struct KinesisShard {
  std::string id;
  std::vector<std::string> parents;  // two after a merge; they may have been trimmed
  bool closed = false;
};
struct KinesisShardsPage {
  std::vector<KinesisShard> shards;
  std::optional<std::string> next;  // token, good for 300 s
};
// `token`: of the page before; empty: the first page. The service refuses both at once.
std::string list_shards_request(std::string_view stream, std::string_view token);
Result<KinesisShardsPage> decode_list_shards(std::string body);

struct KinesisPosition {
  enum class Kind { trim_horizon, at_time, after };
  Kind kind = Kind::trim_horizon;
  WallTime time{};       // at_time: rounded down to a millisecond
  std::string sequence;  // after
};
// The answer is read by decode_iterator().
std::string kinesis_iterator_request(std::string_view stream, std::string_view shard,
                                     const KinesisPosition& position);

// `limit`: at most 10,000; 0: the service's own.
std::string kinesis_records_request(std::string_view iterator, int limit);

struct KinesisRecords {
  std::vector<RawRecord> records;   // `raw` is the decoded data, which may be an aggregated packet
  std::optional<std::string> next;  // iterator; nullopt: the shard is read to its end
  std::optional<Duration> behind;   // MillisBehindLatest
  std::vector<KinesisShard> children;  // told on the last page
};
Result<KinesisRecords> decode_kinesis_records(std::string body);

}  // namespace dynamodb_replicator::wire

// DynamoDB Streams in bytes.
// Source: Amazon DynamoDB Streams API Reference (2012-08-10).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/records.h"

namespace dynamodb_replicator::wire {

struct StreamShard {
  std::string id;
  std::string parent;  // empty: none. It may have been trimmed: then no page lists it.
  std::string first;   // sequence numbers; `last` is empty while the shard is open
  std::string last;
};

struct StreamPage {
  std::string arn;
  std::string status;  // ENABLING, ENABLED, DISABLING, DISABLED
  std::string view;
  std::string table;
  std::vector<StreamShard> shards;
  std::optional<std::string> last_shard;  // ask again from here; nullopt: this is the last page
};

std::string describe_stream_request(std::string_view arn, std::string_view after_shard);
Result<StreamPage> decode_describe_stream(std::string body);

// `after`: a sequence number; empty: the oldest record that retention has left (TRIM_HORIZON).
std::string stream_iterator_request(std::string_view arn, std::string_view shard,
                                    std::string_view after);
Result<std::string> decode_iterator(std::string body);  // of Kinesis too

// `limit`: at most 1000; 0: the service's own.
std::string stream_records_request(std::string_view iterator, int limit);

struct RawRecord {
  std::string sequence;
  std::string raw;  // the record's bytes (Kinesis: decoded from base64)
  WallTime at{};    // when the service got it, or made it; epoch if it does not say
};
struct StreamRecords {
  struct One {
    RawRecord raw;
    Record record;
  };
  std::vector<One> records;
  std::optional<std::string> next;  // iterator; nullopt: the shard is read to its end
};
// A record without a sequence number fails the answer; one with bad keys is a BadRecord in its
// place.
Result<StreamRecords> decode_stream_records(std::string body, const RecordForm& form);

}  // namespace dynamodb_replicator::wire

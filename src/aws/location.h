// Where a table or a stream is, as people write it: one of four forms, and nothing else.
//
//   us-east-1/table                                      region and name
//   127.0.0.1:8000/table, localhost:8000/table           a local endpoint, plain HTTP
//   http://host:port/table, https://host:port/table      any compatible endpoint
//   arn:aws:dynamodb:us-east-1:123456789012:table/table  ARN, any partition
//
// Only the text is looked at here; regions, endpoints and credentials that it leaves open are found
// in endpoint.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dynamodb_replicator::aws {

struct HostPort {
  bool tls = false;
  std::string host;  // lower case, without brackets
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// 127.0.0.0/8, ::1, localhost and names below it.
bool is_loopback(std::string_view host);

// "https://host:port/" or "http://host" without path, user or query. The error is one sentence.
Result<HostPort, std::string> parse_url(std::string_view text);

struct Location {
  enum class What { table, dynamodb_stream, kinesis_stream };
  What what = What::table;
  std::string name;          // the table's or the Kinesis stream's
  std::string region;        // empty: the one that the AWS CLI would choose
  std::string account;       // 12 digits, from an ARN; else empty
  std::string partition;     // from an ARN; else empty
  std::string stream_label;  // of a DynamoDB stream's own ARN: 2015-05-11T21:21:33.291; else empty
  std::optional<HostPort> endpoint;  // given in so many words
  std::string text;                  // as typed

  // The ARN, if the location was given as one; else empty.
  [[nodiscard]] std::string arn() const;
};

// Failure kind: configuration, with the four forms in the message. Names are checked by the
// service's rules (3 to 255 of A-Za-z0-9_.- for a table, 1 to 128 for a Kinesis stream), regions as
// one host label.
Result<Location> parse_table(std::string_view text);
// A Kinesis stream in the four forms, or a DynamoDB stream by its ARN.
Result<Location> parse_stream(std::string_view text);

bool is_table_name(std::string_view name);
bool is_region(std::string_view region);

}  // namespace dynamodb_replicator::aws

// Change records, whoever wrote them: DynamoDB Streams, Kinesis Data Streams for DynamoDB, or an
// application that imitates them (keys only). Only the keys matter; everything else, images too, is
// skipped.
//
// What a record says happened is never believed: the reader of the primary decides. So any
// eventName is fine, and unknown fields anywhere are ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "item/key.h"

namespace dynamodb_replicator::wire {

struct BadRecord {
  std::string reason;  // one sentence for a dead letter, without values
};
struct ForeignRecord {};  // names another table

// What is expected of a stream.
struct RecordForm {
  item::KeySchema schema;
  // Records that name a table (`tableName`, or `table`) are wanted only if it is this one; empty:
  // all are wanted.
  std::string table;
};

struct Record {
  std::variant<item::KeyRef, BadRecord, ForeignRecord> entry;
  std::string
      sequence;  // `dynamodb.SequenceNumber`: orders records of DynamoDB Streams only; may be empty
  std::optional<WallTime> at;  // `dynamodb.ApproximateCreationDateTime`
  // Carries the marks of Kinesis Data Streams for DynamoDB: then its Kinesis partition key is a
  // function of the item's key. Applications that imitate Streams records (eventVersion,
  // SequenceNumber) do not have them.
  bool from_aws = false;
};

Record decode_record(std::string_view json, const RecordForm& form);

// A service's time: seconds (with fraction), milliseconds or microseconds since 1970, told apart by
// magnitude.
WallTime time_from_number(double number);

}  // namespace dynamodb_replicator::wire

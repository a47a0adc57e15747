// Records of the Kinesis Producer Library: many user records packed into one Kinesis record.
//
// F3 89 9A C2, a protobuf message {1: partition keys, 2: explicit hash keys, 3: records {1: index
// into the keys, 2: index into the hash keys, 3: data}}, and the message's MD5. Source: the format
// as the Kinesis Client Library reads it. Left out on purpose: that library drops a whole packet if
// one part's hash lies outside the shard (the producer sends it again after a split); here it is
// read, because a key refreshed once more is harmless.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wire/records.h"

namespace dynamodb_replicator::wire {

// One user record: its bytes (a view into the packet), or why it cannot be one.
using AggregatedPart = std::variant<std::string_view, BadRecord>;

// The parts in the order in which they were written; nullopt: not such a packet (no magic, wrong
// MD5, no message of that form): the blob is one plain record.
std::optional<std::vector<AggregatedPart>> split_aggregated(std::string_view blob);

}  // namespace dynamodb_replicator::wire

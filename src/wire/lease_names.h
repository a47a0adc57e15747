// Names in the lease table that its writer and its reader must spell alike.
#pragma once

#include <string_view>

namespace dynamodb_replicator::wire {

inline constexpr std::string_view kShardPrefix = "shard#";
inline constexpr std::string_view kFencePrefix = "fence#";
inline constexpr std::string_view kTableHash =
    "dynamodb-replicator";  // of what is about the whole table
inline constexpr std::string_view kMetaRow = "meta";

}  // namespace dynamodb_replicator::wire

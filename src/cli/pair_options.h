// The arguments of every command that takes a primary and a replica.
#pragma once

#include "app/pair.h"
#include "cli/command.h"

namespace dynamodb_replicator::cli {

inline void add_pair(CLI::App& app, app::PairOptions& pair) {
  app.add_option("PRIMARY", pair.primary, "the table that is right")->required();
  app.add_option("REPLICA", pair.replica, "the table that should be equal to it")->required();
}

inline void add_profiles(CLI::App& app, app::PairOptions& pair) {
  app.add_option("--primary-profile", pair.primary_profile, "AWS profile for the primary");
  app.add_option("--replica-profile", pair.replica_profile, "AWS profile for the replica");
}

inline constexpr const char* kLocations =
    "A table is given as  us-east-1/table  127.0.0.1:8000/table  https://host:port/table  or its "
    "ARN.\n"
    "Credentials are found as the AWS CLI finds them.";

}  // namespace dynamodb_replicator::cli

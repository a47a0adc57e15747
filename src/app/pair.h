// A primary and a replica, found and checked: what every command begins with that takes both.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "app/side.h"
#include "wire/tables.h"

namespace dynamodb_replicator::app {

inline constexpr Duration kPreflightFor =
    6s;  // how long a call is tried before the answer counts as "no"

struct PairOptions {
  std::string primary;  // locations in one of the four forms
  std::string replica;
  std::string primary_profile;
  std::string replica_profile;
  std::string leases;  // of a replicator that may be running: a table's name beside the replica;
                       // empty: "<replica table>-leases"
};

struct Pair {
  Side primary;
  Side replica;
  wire::TableDescription primary_table;
  wire::TableDescription replica_table;
  std::unique_ptr<aws::Client> primary_client;
  std::unique_ptr<aws::Client> replica_client;
};

// Both tables exist, are two, and have one key schema. The Failure is one sentence with the remedy.
async::Task<Result<Pair>> open_pair(async::Doors& doors, PairOptions options);

// ---- the parts, for commands that look at more

Failure unreachable(Failure failure, const std::string& role, const Side& side);
// "the ROLE table WHERE does not exist"
Failure missing_table(const std::string& role, const Side& side, std::string hint);

// `text`: as typed. `region`: of an explicit endpoint; empty: the one that the AWS CLI would
// choose.
Result<Side> connect_table(async::Doors& doors, const std::string& role, const std::string& text,
                           const std::string& profile, const std::string& region);
Result<void> refuse_same_place(const Side& primary, const Side& replica);
// A local endpoint takes any credentials; that some were made up must not go unsaid.
void say_placeholders_once(async::Doors& doors, std::initializer_list<const Side*> sides);
async::Task<Result<wire::TableDescription>> describe_table(async::Doors& doors, aws::Client& client,
                                                           const Side& side);
// They are two tables with one key schema.
Result<void> refuse_misfits(const Side& primary, const wire::TableDescription& primary_table,
                            const Side& replica, const wire::TableDescription& replica_table);

}  // namespace dynamodb_replicator::app

// One item of a pair: compared for a person, and brought in line.
#pragma once

#include <string>
#include <vector>

#include "app/pair.h"

namespace dynamodb_replicator::app {

struct OneItemOptions {
  PairOptions pair;
  std::string key;                  // in wire form or plain
  std::vector<std::string> ignore;  // attributes that do not count
  std::string state;                // directory of local state; empty: the usual one
  Duration doubt = 15s;             // D, as in ReplicateOptions
};

struct RecordDifference {
  bool equivalent = false;
  std::string text;  // both records, and where they differ
};
// Both sides as consistent reads show them now.
async::Task<Result<RecordDifference>> diff_record(async::Doors& doors, OneItemOptions options);

// Brings the item in line by the guarded form (flow/refresh_guarded.h), after whatever an
// interrupted run of this pair left. Gives a line that says what was done. An item that does not
// hold still is a Failure.
async::Task<Result<std::string>> replicate_record(async::Doors& doors, OneItemOptions options);

}  // namespace dynamodb_replicator::app

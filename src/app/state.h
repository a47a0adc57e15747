// Local state: where it lives, and the journal of a pair in it.
#pragma once

#include <string>

#include "app/pair.h"

namespace dynamodb_replicator::app {

// The directory of local state, made if it is missing: `asked` (--state), else
// $XDG_STATE_HOME/dynamodb-replicator, else ~/.local/state/dynamodb-replicator.
Result<std::string> state_directory(async::Doors& doors, const std::string& asked);

// Where the pair's journal is (flow/journal.h): named by the identities of both tables.
std::string journal_path(const std::string& directory, const Pair& pair);
// "PRIMARY -> REPLICA", for people who look into it.
std::string pair_name(const Pair& pair);

}  // namespace dynamodb_replicator::app

// Runs a replicator in the real world: signals, the small HTTP server, the exit status.
#pragma once

#include <string>

#include "app/replicate.h"
#include "cli/command.h"
#include "os/run.h"

namespace dynamodb_replicator::cli {

// `name`: the command's. `http`: HOST:PORT or empty.
int run_replicator(const std::string& name, os::Outside& outside,
                   const app::ReplicateOptions& options, const std::string& http);

}  // namespace dynamodb_replicator::cli

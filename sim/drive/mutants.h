// Does the simulator bite? Bugs are planted into the program, and have to be found.
#pragma once

#include "sim/drive/arguments.h"

namespace dynamodb_replicator::sim {

// --mutants, or --mutant for one; ends with "mutants K/K".
int run_mutants(const Arguments& arguments);

// --regressions FILE: seeds that found something once. A line: SEED BUG KINDS-OFF WHAT, with "-"
// for no bug or no kinds. The seed passes; with its bug planted it fails.
int run_regressions(const Arguments& arguments);

}  // namespace dynamodb_replicator::sim

// Seeds one after the other, or one alone, and making a failing one small.
#pragma once

#include "sim/drive/arguments.h"

namespace dynamodb_replicator::sim {

// Each gives the exit status.
int run_one(const Arguments& arguments);
int run_range(const Arguments& arguments);

// As run_plan(), in a process of its own: whatever happens there is a Ran here.
Ran run_apart(const Plan& plan);

}  // namespace dynamodb_replicator::sim

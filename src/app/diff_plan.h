// Before a comparison begins: what is asked of both tables' surroundings, and how the scan is cut.
#pragma once

#include "app/diff.h"
#include "app/neighbour.h"
#include "flow/compare.h"

namespace dynamodb_replicator::app {

struct DiffPlan {
  flow::CompareSettings settings;
  Neighbour neighbour;
  std::string part;           // of the tables, in words; empty: all
  double expected_items = 0;  // of both sides; 0: unknown
  double expected_units = 0;
};

// Checks what can be checked without asking anybody. The Failure is one sentence with the remedy.
Result<void> check_options(const DiffOptions& options);
async::Task<Result<DiffPlan>> plan_diff(async::Doors& doors, const DiffOptions& options,
                                        const Pair& pair);

// "about 61 read units, 0.01 USD on demand in us-east-1"
std::string price_text(double read_units);

}  // namespace dynamodb_replicator::app

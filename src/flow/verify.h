// The walk that compares two tables: scan both, cancel what is equal, settle the rest.
#pragma once

#include "flow/scan_pair.h"
#include "flow/settle.h"

namespace dynamodb_replicator::flow {

// To the end of both phases. The numbers are in context.progress. Failure kinds: cancelled (we were
// asked to stop); anything else: the comparison is incomplete.
Task<Result<void>> verify(CompareContext& context, PairScan& scan, Findings& findings);

// What was scanned on each side must be equal, or a leftover with an outcome. The error is one
// sentence: a leftover was lost on the way, and no number may be trusted.
Result<void> sums_add_up(const CompareProgress& progress);

}  // namespace dynamodb_replicator::flow

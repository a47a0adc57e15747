// What interrupted second writers have left in a pair's journal is finished before anything else.
#pragma once

#include "async/doors.h"
#include "flow/journal.h"
#include "flow/refresh_guarded.h"

namespace dynamodb_replicator::app {

// Opens the journal and brings in line what is open in it; gives how many keys could not be: they
// stay in the journal, for the next run, and are in the log. About 20 s, if there are any.
async::Task<Result<std::size_t>> finish_interrupted(async::Log& log,
                                                    flow::GuardedRefresher& refresher,
                                                    flow::Journal& journal,
                                                    const item::KeySchema& schema);

}  // namespace dynamodb_replicator::app

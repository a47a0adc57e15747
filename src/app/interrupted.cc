#include "app/interrupted.h"

namespace dynamodb_replicator::app {

async::Task<Result<std::size_t>> finish_interrupted(async::Log& log,
                                                    flow::GuardedRefresher& refresher,
                                                    flow::Journal& journal,
                                                    const item::KeySchema& schema) {
  Result<std::vector<item::KeyRef>> open = co_await journal.open(schema);
  if (!open) co_return std::move(open).error();
  const std::vector<item::KeyRef> keys = *std::move(open);
  if (keys.empty()) co_return std::size_t{0};
  log.info("finishing what an interrupted run has left; this takes about 20 s",
           {{"keys", std::to_string(keys.size())}, {"journal", journal.path()}});
  std::vector<flow::Outcome> outcomes = co_await refresher.finish(keys);
  std::size_t left = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const flow::Outcome& outcome = outcomes[i];
    if (outcome.stops) co_return misconfigured(outcome.reason);
    if (outcome.in_line()) continue;
    const bool moved = outcome.kind == flow::Outcome::Kind::changing;
    ++left;
    log.error(
        "what an interrupted run has written could not be brought in line; the next run tries "
        "again",
        {{"key", keys[i]->wire()}, {"why", moved ? "it did not hold still" : outcome.reason}});
  }
  co_return left;
}

}  // namespace dynamodb_replicator::app

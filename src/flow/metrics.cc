#include "flow/metrics.h"

#include <algorithm>

namespace dynamodb_replicator::flow {

double lag_seconds(const Metrics& metrics, WallTime now) {
  double lag = 0;
  for (const auto& [shard, state] : metrics.shards) {
    if (!state.owned || state.finished || state.caught_up || !state.read_through) continue;
    lag = std::max(lag, base::seconds(now - *state.read_through));
  }
  return lag;
}

}  // namespace dynamodb_replicator::flow

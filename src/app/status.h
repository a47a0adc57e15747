// What the small HTTP server answers: /healthz (the process runs), /readyz (it does its work, or
// why not) and /metrics (Prometheus text format 0.0.4). Plain text; labels are the stream's shards,
// never an item's key.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "flow/metrics.h"

namespace dynamodb_replicator::app {

struct StatusAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// 404 for any other path.
StatusAnswer status_answer(const flow::Metrics& metrics, std::string_view path, Instant now,
                           WallTime wall);

}  // namespace dynamodb_replicator::app

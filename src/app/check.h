// `check`: the preflight of a pair as a list of points. Reads descriptions only and changes
// nothing.
#pragma once

#include <string>
#include <vector>

#include "app/pair.h"

namespace dynamodb_replicator::app {

struct CheckOptions {
  PairOptions pair;
  std::string kinesis;  // a location; empty: the primary's own stream
};

struct Point {
  bool ok = true;
  std::string name;  // "primary", "keys", "stream", ...
  std::string text;  // one sentence; of a problem, with its remedy
};

// Points that need what an earlier one did not find are left out.
async::Task<std::vector<Point>> check(async::Doors& doors, CheckOptions options);

// What a run would consume and take, as far as a description tells. Plain arithmetic, for tests.
struct Estimate {
  double diff_read_units = 0;  // both tables scanned once, eventually consistent
  double copy_read_units = 0;  // the primary scanned once, consistent
  double copy_write_units = 0;
  double copy_seconds = 0;
};
Estimate estimate(const wire::TableDescription& primary, const wire::TableDescription& replica);

}  // namespace dynamodb_replicator::app

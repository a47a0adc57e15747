#include "base/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace dynamodb_replicator::base {

void stop_process(const char* what, const char* file, int line) {
  std::fprintf(stderr, "dynamodb-replicator: a broken invariant, stopping: %s (%s:%d)\n", what,
               file, line);
  std::abort();
}

}  // namespace dynamodb_replicator::base

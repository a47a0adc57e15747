#include "core/rows.h"

namespace dynamodb_replicator::core {

bool sequence_less(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

}  // namespace dynamodb_replicator::core

#include "core/batches.h"

namespace dynamodb_replicator::core {

std::vector<std::size_t> cut_batches(const std::vector<std::size_t>& bytes, std::size_t count,
                                     std::size_t bytes_max) {
  std::vector<std::size_t> ends;
  std::size_t begin = 0;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > begin && (i - begin == count || sum + bytes[i] > bytes_max)) {
      ends.push_back(i);
      begin = i;
      sum = 0;
    }
    sum += bytes[i];
  }
  if (begin < bytes.size()) ends.push_back(bytes.size());
  return ends;
}

}  // namespace dynamodb_replicator::core

// A statement that must be true for the program to be right. When it is false the process stops, in
// release builds too: going on would risk writing something wrong to a replica.
#pragma once

namespace dynamodb_replicator::base {

[[noreturn]] void stop_process(const char* what, const char* file, int line);

}  // namespace dynamodb_replicator::base

#define INVARIANT(condition, why)                                                         \
  do {                                                                                    \
    if (!(condition)) ::dynamodb_replicator::base::stop_process(why, __FILE__, __LINE__); \
  } while (false)

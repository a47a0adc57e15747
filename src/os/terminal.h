// The person at the other end, if there is one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace dynamodb_replicator::os {

enum class Standard { input, output, error };
bool is_terminal(Standard stream);
// How wide standard error's terminal is now; 0: it does not say.
std::size_t columns();
// A line of standard input; blocks the process. False at its end. Nothing else goes on meanwhile,
// so SIGINT and SIGTERM end the process at once with status 130.
bool read_line(std::string& line);
// To standard output, whole, at once. The Failure: a full disk, or a reader that went away.
Result<void> print(std::string_view text);

}  // namespace dynamodb_replicator::os

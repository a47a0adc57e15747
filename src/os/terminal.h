// The person at the other end, if there is one.
#pragma once

#include <string>

namespace dynamodb_replicator::os {

enum class Standard { input, output, error };
bool is_terminal(Standard stream);
// A line of standard input; blocks the process. False at its end.
bool read_line(std::string& line);

}  // namespace dynamodb_replicator::os

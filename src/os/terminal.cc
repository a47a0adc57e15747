#include "os/terminal.h"

#include <unistd.h>

#include <cerrno>

namespace dynamodb_replicator::os {

bool is_terminal(Standard stream) {
  switch (stream) {
    case Standard::input:
      return ::isatty(STDIN_FILENO) == 1;
    case Standard::output:
      return ::isatty(STDOUT_FILENO) == 1;
    case Standard::error:
      break;
  }
  return ::isatty(STDERR_FILENO) == 1;
}

bool read_line(std::string& line) {
  constexpr std::size_t kLineMax = 1000;
  line.clear();
  while (line.size() < kLineMax) {
    char byte = 0;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return !line.empty();
    if (byte == '\n') return true;
    line += byte;
  }
  return true;
}

}  // namespace dynamodb_replicator::os

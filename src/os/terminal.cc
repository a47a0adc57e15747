#include "os/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "os/signals.h"

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

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool read_line(std::string& line) {
  constexpr std::size_t kLineMax = 1000;
  const EndsAtSignal ends;
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

Result<void> print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {  // a pipe that somebody else made non-blocking
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    return misconfigured("cannot write to standard output: " +
                         std::generic_category().message(errno));
  }
  return {};
}

}  // namespace dynamodb_replicator::os

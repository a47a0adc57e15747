#include "os/environment.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace dynamodb_replicator::os {
namespace {

// Starts the command in a process group of its own; its output goes into `out`.
pid_t start(const std::string& command, int out) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  std::array<char*, 4> arguments = {shell.data(), option.data(), text.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/bin/sh", &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? pid : -1;
}

}  // namespace

std::optional<std::string> Environment::variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string Environment::home() {
  if (const auto home = variable("HOME"); home && !home->empty()) return *home;
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "/";
}

std::string Environment::process_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string name = host[0] == '\0' ? "localhost" : host.data();
  return name + "@" + std::to_string(::getpid());
}

Result<std::string> Environment::run_command(const std::string& command) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return misconfigured("no pipe could be made");
  const pid_t pid = start(command, pipe[1]);
  ::close(pipe[1]);
  std::string output;
  std::string problem = pid < 0 ? "it could not be started" : "";
  const Instant end = clock_.now() + kCommandTime;
  while (problem.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock_.now()).count();
    pollfd waiting{pipe[0], POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      problem = "it took longer than a minute";
      break;
    }
    std::array<char, 4096> piece{};
    const ssize_t got = ::read(pipe[0], piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    output.append(piece.data(), static_cast<std::size_t>(got));
    if (output.size() > kOutputLimit) problem = "its output is too long";
  }
  ::close(pipe[0]);
  if (pid < 0) return misconfigured(std::move(problem));
  if (!problem.empty()) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!problem.empty()) return misconfigured(std::move(problem));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  return misconfigured(WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                         : "ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace dynamodb_replicator::os

// Runs a command and appends one line of JSON to a file: what it used. A program of its own,
// because a peak of memory that is asked of the kernel includes that of whoever forked; this one
// has almost none.
//
//     bench_measure FILE COMMAND...
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

int main(int count, char** arguments) {
  if (count < 3) return 2;
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    execvp(arguments[2], arguments + 2);
    std::perror(arguments[2]);
    _exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) != child) return 2;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto in_seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  std::FILE* const file = std::fopen(arguments[1], "a");
  if (file == nullptr) return 2;
  std::fprintf(file,
               R"({"seconds":%.3f,"user":%.6f,"system":%.6f,"peak_bytes":%lld})"
               "\n",
               seconds, in_seconds(used.ru_utime), in_seconds(used.ru_stime),
               static_cast<long long>(used.ru_maxrss) * 1024);
  std::fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

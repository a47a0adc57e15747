#include "os/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/invariant.h"

namespace dynamodb_replicator::os {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Failure failed(const char* what, const std::string& path, int error) {
  return misconfigured(
      std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(error),
      "Check the path and its permissions.");
}

// A file's name is durable only when its directory is.
Result<void> sync_directory(const std::string& path) {
  const auto slash = path.rfind('/');
  std::string directory = ".";
  if (slash != path.npos) directory = slash == 0 ? "/" : path.substr(0, slash);
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.ok() || ::fsync(opened.get()) != 0) return failed("sync", directory, errno);
  return {};
}

Result<Descriptor> open_for_append(const std::string& path) {
  const int flags = O_RDWR | O_APPEND | O_CLOEXEC;
  const int existing = ::open(path.c_str(), flags);
  if (existing >= 0) return Descriptor(existing);
  if (errno != ENOENT) return failed("write to", path, errno);
  Descriptor made(::open(path.c_str(), flags | O_CREAT, 0600));
  if (!made.ok()) return failed("create", path, errno);
  if (auto synced = sync_directory(path); !synced) return synced.error();
  return made;
}

bool ends_torn(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || facts.st_size == 0 || !S_ISREG(facts.st_mode)) return false;
  char last = '\n';
  return ::pread(fd, &last, 1, facts.st_size - 1) == 1 && last != '\n';
}

Result<void> append(const std::string& path, std::string line) {
  const auto file = open_for_append(path);
  if (!file) return file.error();
  if (ends_torn(file->get())) line.insert(line.begin(), '\n');
  line += '\n';
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t wrote = ::write(file->get(), line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return failed("write to", path, errno);
    done += static_cast<std::size_t>(wrote);
  }
  // What is no regular file (a pipe, a terminal) cannot be synced, nor need it be.
  if (::fsync(file->get()) != 0 && errno != EINVAL && errno != EROFS) {
    return failed("sync", path, errno);
  }
  return {};
}

}  // namespace

Result<std::optional<std::string>> Files::read(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return failed("read", path, errno);
  }
  std::string text;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) return std::optional(std::move(text));
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kReadLimit) return failed("read", path, EFBIG);
  }
}

async::Task<Result<void>> Files::append_line(const std::string& path, std::string line) {
  INVARIANT(line.find('\n') == line.npos, "a line holds no newline");
  co_return append(path, std::move(line));
}

Result<void> Files::probe_append(const std::string& path) {
  const auto file = open_for_append(path);
  if (!file) return file.error();
  return {};
}

}  // namespace dynamodb_replicator::os

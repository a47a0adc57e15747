#include "os/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return failed("write to", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

// Keeps a torn line and its mending apart, among processes. Where a file cannot be locked (a pipe,
// some network file systems): best effort.
void lock_for_append(int fd) {
  while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
  }
}

bool is_unlinked(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 0;
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > Files::kReadLimit) return failed("read", path, EFBIG);
  }
}

Result<void> append(const std::string& path, std::string line) {
  const auto file = open_for_append(path);
  if (!file) return file.error();
  lock_for_append(file->get());
  if (ends_torn(file->get())) line.insert(line.begin(), '\n');
  line += '\n';
  if (auto wrote = write_all(file->get(), line, path); !wrote) return wrote;
  // What is no regular file (a pipe, a terminal) cannot be synced, nor need it be.
  if (::fsync(file->get()) != 0 && errno != EINVAL && errno != EROFS) {
    return failed("sync", path, errno);
  }
  return {};
}

Result<void> put_in_place(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  const Descriptor made(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!made.ok()) return failed("create", beside, errno);
  if (auto wrote = write_all(made.get(), text, beside); !wrote) return wrote;
  if (::fsync(made.get()) != 0) return failed("sync", beside, errno);
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed("replace", path, errno);
  return sync_directory(path);
}

class OpenSpill : public async::Spill {
 public:
  OpenSpill(Descriptor file, std::string path, std::uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}
  Result<void> append(std::string_view bytes) override {
    auto wrote = write_all(file_.get(), bytes, path_);
    if (wrote) size_ += bytes.size();
    return wrote;
  }
  Result<std::string> read(std::uint64_t offset, std::size_t bytes) override {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got =
          ::pread(file_.get(), out.data() + have, bytes - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path_, errno);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<void> sync() override {
    if (::fdatasync(file_.get()) != 0) return failed("sync", path_, errno);
    return {};
  }

 private:
  Descriptor file_;
  std::string path_;
  std::uint64_t size_;
};

class HeldFile : public async::Lock {
 public:
  HeldFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;
  ~HeldFile() override { ::unlink(path_.c_str()); }  // while it is held: the name is ours

 private:
  Descriptor file_;
  std::string path_;
};

}  // namespace

Result<std::optional<std::string>> Files::read(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return failed("read", path, errno);
  }
  auto text = read_all(file.get(), path);
  if (!text) return std::move(text).error();
  return std::optional(std::move(*text));
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

async::Task<Result<void>> Files::replace(const std::string& path, std::string text) {
  co_return put_in_place(path, text);
}

Result<std::unique_ptr<async::Spill>> Files::scratch(const std::string& directory) {
  std::string name = directory + "/window-XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_APPEND | O_CLOEXEC));
  if (!file.ok() || ::unlink(name.c_str()) != 0)
    return failed("create a file in", directory, errno);
  return std::unique_ptr<async::Spill>(std::make_unique<OpenSpill>(std::move(file), name, 0));
}

Result<std::unique_ptr<async::Spill>> Files::spill(const std::string& path) {
  auto file = open_for_append(path);
  if (!file) return file.error();
  struct stat facts {};
  if (::fstat(file->get(), &facts) != 0) return failed("read", path, errno);
  return std::unique_ptr<async::Spill>(std::make_unique<OpenSpill>(
      std::move(*file), path, static_cast<std::uint64_t>(facts.st_size)));
}

Result<void> Files::make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return failed("create", part, errno);
    if (end == path.npos) return {};
  }
}

Result<void> Files::remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return sync_directory(path);
  if (errno == ENOENT) return {};
  return failed("remove", path, errno);
}

Result<std::unique_ptr<async::Lock>> Files::lock(const std::string& path) {
  while (true) {
    auto file = open_for_append(path);
    if (!file) return file.error();
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::unique_ptr<async::Lock>();
      return failed("lock", path, errno);
    }
    if (is_unlinked(file->get())) continue;  // its holder has just let it go
    return std::unique_ptr<async::Lock>(std::make_unique<HeldFile>(std::move(*file), path));
  }
}

}  // namespace dynamodb_replicator::os

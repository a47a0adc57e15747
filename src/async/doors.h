// The doors: everything outside that the program may touch, one interface per thing. Production
// opens them in os/ and nowhere else; the simulator puts a seeded world behind them and so runs the
// real program.
//
// A door's task may be destroyed while it waits (cancellation): the door must then forget the
// waiter. For HTTP that means the request may or may not have been served.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"

namespace dynamodb_replicator::async {

class Clock {
 public:
  virtual ~Clock() = default;
  // CLOCK_BOOTTIME: goes on while the machine sleeps, never jumps.
  virtual Instant now() = 0;
  // CLOCK_REALTIME, UTC: may jump; for people, signatures and stream positions only.
  virtual WallTime wall() = 0;
};

class Dice {
 public:
  virtual ~Dice() = default;
  virtual std::uint64_t roll() = 0;  // uniform over 64 bits
};

struct Header {
  std::string name;
  std::string value;
};

struct HttpRequest {
  bool tls = true;
  std::string host;  // name or address, without brackets
  std::uint16_t port = 443;
  std::string method = "POST";
  std::string target = "/";
  std::vector<Header> headers;  // Host included; the door adds Content-Length only
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::vector<Header> headers;  // names as sent
  std::string body;             // as transmitted: never decompressed
  // Value of a header, compared without case; nullptr if absent.
  [[nodiscard]] const std::string* header(std::string_view name) const;
};

struct HttpError {
  enum class Stage { resolve, connect, tls, send, receive, timeout, malformed };
  Stage stage = Stage::connect;
  bool sent = false;  // false: certain that the service has seen nothing of this request
  std::string message;
  bool untrusted = false;  // Stage::tls: the certificate was refused; to try again will not help
};

class Http {
 public:
  virtual ~Http() = default;
  // One request is one send: never repeated, never redirected, no proxy. At the deadline it ends
  // with Stage::timeout and the connection is closed (the service may still serve what it got).
  virtual Task<Result<HttpResponse, HttpError>> send(HttpRequest request, Instant deadline) = 0;
};

// Bytes that are appended and read again at any offset: what does not fit into memory.
class Spill {
 public:
  virtual ~Spill() = default;
  // Blocks the loop for as long as the machine takes to copy them. Not durable before sync().
  virtual Result<void> append(std::string_view bytes) = 0;
  // Fewer bytes than asked for only at the end. REQUIRES: offset <= size().
  virtual Result<std::string> read(std::uint64_t offset, std::size_t bytes) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  virtual Result<void> sync() = 0;
};

// A name that is ours alone, until it is destroyed or the process ends.
class Lock {
 public:
  virtual ~Lock() = default;
};

// Files, small and few: credentials, dead letters, local state. Paths are as the user gave them.
class Files {
 public:
  virtual ~Files() = default;
  // nullopt: there is no such file.
  virtual Result<std::optional<std::string>> read(const std::string& path) = 0;
  // Appends and waits until it is on disk (fsync; the directory too when the file is new). After a
  // crash a torn last line without a newline may remain; append() starts with a newline of its own
  // if it finds one.
  virtual Task<Result<void>> append_line(const std::string& path, std::string line) = 0;
  // Can this path be appended to? Creates an empty file. For checks at start.
  virtual Result<void> probe_append(const std::string& path) = 0;
  // After a crash the file holds either what it held before or all of `text`, never less.
  virtual Task<Result<void>> replace(const std::string& path, std::string text) = 0;
  // A file without a name in that directory, which is there: gone with the process.
  virtual Result<std::unique_ptr<Spill>> scratch(const std::string& directory) = 0;
  // The same under a name, with what it holds already; made if missing.
  virtual Result<std::unique_ptr<Spill>> spill(const std::string& path) = 0;
  // Makes the directory and those above it, mode 0700, where they are missing.
  virtual Result<void> make_directories(const std::string& path) = 0;
  // That there is none is success.
  virtual Result<void> remove(const std::string& path) = 0;
  // Holds the file, an empty one made for this and gone with the lock; nullptr: another process of
  // this machine holds it. Failure: it cannot be made, or its file system has no locks.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

class Environment {
 public:
  virtual ~Environment() = default;
  virtual std::optional<std::string> variable(const std::string& name) = 0;
  virtual std::string home() = 0;
  // "host@pid", for lease owners' names.
  virtual std::string process_name() = 0;
  // Runs a shell command and gives its standard output (credential_process). Never logged.
  virtual Result<std::string> run_command(const std::string& command) = 0;
};

enum class Level { debug, info, warning, error };

// One event a line. Fields never hold item values or secrets.
class Log {
 public:
  using Field = std::pair<std::string_view, std::string>;
  virtual ~Log() = default;
  virtual void write(Level level, std::string_view message, const std::vector<Field>& fields) = 0;
  void debug(std::string_view m, std::vector<Field> f = {}) { write(Level::debug, m, f); }
  void info(std::string_view m, std::vector<Field> f = {}) { write(Level::info, m, f); }
  void warning(std::string_view m, std::vector<Field> f = {}) { write(Level::warning, m, f); }
  void error(std::string_view m, std::vector<Field> f = {}) { write(Level::error, m, f); }
};

// All of them, as handed to whoever builds the program (app/).
struct Doors {
  Loop& loop;
  Clock& clock;
  Dice& dice;
  Http& http;
  Files& files;
  Environment& environment;
  Log& log;
};

}  // namespace dynamodb_replicator::async

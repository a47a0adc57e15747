#include "sim/process_doors.h"

#include <array>

#include "async/memory_spill.h"

namespace dynamodb_replicator::sim {
namespace {

// What was not synced is pending, as of any file.
class MachineSpill : public async::Spill {
 public:
  explicit MachineSpill(Machine::File& file) : file_(file) {}
  Result<void> append(std::string_view bytes) override {
    file_.pending.append(bytes);
    return {};
  }
  Result<std::string> read(std::uint64_t offset, std::size_t bytes) override {
    return (file_.durable + file_.pending).substr(offset, bytes);
  }
  [[nodiscard]] std::uint64_t size() const override {
    return file_.durable.size() + file_.pending.size();
  }
  Result<void> sync() override {
    file_.durable += file_.pending;
    file_.pending.clear();
    return {};
  }

 private:
  Machine::File& file_;
};

class MachineLock : public async::Lock {
 public:
  MachineLock(Machine& machine, std::string path) : machine_(machine), path_(std::move(path)) {}
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;
  ~MachineLock() override { machine_.locked.erase(path_); }

 private:
  Machine& machine_;
  std::string path_;
};

}  // namespace

Result<std::optional<std::string>> MachineFiles::read(const std::string& path) {
  const auto found = machine_.files.find(path);
  if (found == machine_.files.end()) return std::optional<std::string>{};
  return std::optional<std::string>{found->second.durable + found->second.pending};
}

async::Task<Result<void>> MachineFiles::append_line(const std::string& path, std::string line) {
  Machine::File& file = machine_.files[path];
  const std::string& last = file.pending.empty() ? file.durable : file.pending;
  if (!last.empty() && last.back() != '\n') file.pending += '\n';
  file.pending += line + '\n';
  const Duration on_disk = world_.now() + between(prng_, 100us, 20ms);
  co_await loop_.sleep_until(machine_.boottime(on_disk));
  file.durable += file.pending;
  file.pending.clear();
  co_return Result<void>{};
}

Result<void> MachineFiles::probe_append(const std::string& path) {
  machine_.files[path];
  return {};
}

async::Task<Result<void>> MachineFiles::replace(const std::string& path, std::string text) {
  const Duration on_disk = world_.now() + between(prng_, 100us, 20ms);
  co_await loop_.sleep_until(machine_.boottime(on_disk));
  machine_.files[path] = {std::move(text), {}};
  co_return Result<void>{};
}

Result<std::unique_ptr<async::Spill>> MachineFiles::scratch(const std::string&) {
  return std::unique_ptr<async::Spill>(std::make_unique<async::MemorySpill>());
}

Result<std::unique_ptr<async::Spill>> MachineFiles::spill(const std::string& path) {
  return std::unique_ptr<async::Spill>(std::make_unique<MachineSpill>(machine_.files[path]));
}

Result<void> MachineFiles::remove(const std::string& path) {
  machine_.files.erase(path);
  return {};
}

Result<std::unique_ptr<async::Lock>> MachineFiles::lock(const std::string& path) {
  if (!machine_.locked.insert(path).second) return std::unique_ptr<async::Lock>();
  return std::unique_ptr<async::Lock>(std::make_unique<MachineLock>(machine_, path));
}

std::optional<std::string> MachineEnvironment::variable(const std::string& name) {
  const auto found = machine_.variables.find(name);
  if (found == machine_.variables.end()) return std::nullopt;
  return found->second;
}

Result<std::string> MachineEnvironment::run_command(const std::string&) {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.operation = "run a command";
  failure.message = "there are no commands on this machine";
  return failure;
}

void CapturedLog::write(async::Level level, std::string_view message,
                        const std::vector<Field>& fields) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
  std::string text(message);
  for (const auto& [name, value] : fields) text.append(" ").append(name).append("=").append(value);
  world_.expect_no_secret("a line of the log", text);
  world_.trace(name_, kLevels[static_cast<std::size_t>(level)], text);
  world_.logged(name_, message, fields);
}

}  // namespace dynamodb_replicator::sim

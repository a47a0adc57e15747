// Files of the machine. Appending blocks the loop until the disk has it: rare and small (dead
// letters).
#pragma once

#include "async/doors.h"

namespace dynamodb_replicator::os {

class Files : public async::Files {
 public:
  // At most kReadLimit bytes; a longer file is a Failure (configuration).
  static constexpr std::size_t kReadLimit = 16 << 20;
  Result<std::optional<std::string>> read(const std::string& path) override;
  // A new file is made with mode 0600: dead letters hold what users wrote.
  async::Task<Result<void>> append_line(const std::string& path, std::string line) override;
  Result<void> probe_append(const std::string& path) override;
  // By a file beside it (PATH.new), so the directory must be writable.
  async::Task<Result<void>> replace(const std::string& path, std::string text) override;
  Result<std::unique_ptr<async::Spill>> scratch(const std::string& directory) override;
  Result<std::unique_ptr<async::Spill>> spill(const std::string& path) override;
  Result<void> make_directories(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<std::unique_ptr<async::Lock>> lock(const std::string& path) override;
};

}  // namespace dynamodb_replicator::os

// A spill that is kept in memory: for tests and for simulated machines.
#pragma once

#include <string>

#include "async/doors.h"

namespace dynamodb_replicator::async {

class MemorySpill : public Spill {
 public:
  MemorySpill() = default;
  // Keeps its bytes there. REQUIRES: `bytes` outlives this.
  explicit MemorySpill(std::string* bytes) : bytes_(bytes) {}
  Result<void> append(std::string_view bytes) override {
    bytes_->append(bytes);
    return {};
  }
  Result<std::string> read(std::uint64_t offset, std::size_t bytes) override {
    return bytes_->substr(offset, bytes);
  }
  [[nodiscard]] std::uint64_t size() const override { return bytes_->size(); }
  Result<void> sync() override { return {}; }

 private:
  std::string own_;
  std::string* bytes_ = &own_;
};

}  // namespace dynamodb_replicator::async

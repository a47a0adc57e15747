// --resume FILE: the progress of a comparison as one JSON object, beside FILE.window with what the
// scan has seen and found. Written whole or not at all; removed when the comparison is complete.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/doors.h"
#include "core/compare_state.h"
#include "flow/compare.h"

namespace dynamodb_replicator::app {

std::string encode_state(const core::CompareState& state, const std::string& pair,
                         const std::string& options);
struct StoredState {
  std::string pair;
  std::string options;
  core::CompareState state;
};
// nullopt: it is none of ours, or torn.
std::optional<StoredState> decode_state(std::string text);

class ResumeFile : public flow::StateKeeper {
 public:
  // `pair` and `options` in words: a file of others is refused, with both shown.
  ResumeFile(async::Doors& doors, std::string path, std::string pair, std::string options)
      : doors_(doors),
        path_(std::move(path)),
        pair_(std::move(pair)),
        options_(std::move(options)),
        begun_(doors.clock.now()) {}

  // What an interrupted run has left; nullopt: nothing. Opens the window's file.
  Result<std::optional<core::CompareState>> open();
  [[nodiscard]] async::Spill* spill() { return spill_.get(); }
  async::Task<Result<void>> keep(const core::CompareState& state) override;
  // The comparison is complete: nothing to go on from.
  Result<void> remove();

 private:
  [[nodiscard]] std::string window_path() const { return path_ + ".window"; }
  async::Doors& doors_;
  std::string path_;
  std::string pair_;
  std::string options_;
  Instant begun_;
  double seconds_before_ = 0;
  std::unique_ptr<async::Spill> spill_;
};

}  // namespace dynamodb_replicator::app

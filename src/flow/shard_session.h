// One shard while this process holds its lease: three tasks side by side.
//   hold   renews the lease and writes the checkpoint; notices that it was lost
//   read   reads pages, decodes them into claims on keys (Refresher does the rest)
//   bury   writes records that can never be applied to the dead letters, durably, before they count
//   as finished
// It ends as finished (read to its end, everything applied), lost, stopped (cannot go on; the
// reason says why) or drained (we were asked to stop). Only a session that still holds its lease
// writes its row.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "async/gate.h"
#include "core/breaker.h"
#include "core/leases.h"
#include "core/pace.h"
#include "core/watermark.h"
#include "flow/context.h"
#include "flow/refresh.h"

namespace dynamodb_replicator::flow {

// A name for one write of a row, never used twice: 128 bits.
std::string fresh_nonce(async::Dice& dice);

class ShardSession : public ClaimOwner {
 public:
  static constexpr Duration kCheckpointEvery = 1s;
  static constexpr Duration kLeaseCallTimeout = 3s;
  static constexpr Duration kStreamCallTimeout = 15s;  // a page is up to 10 MiB
  static constexpr unsigned kMissingTimes =
      3;  // times that a shard is looked for before it counts as gone
  static constexpr Duration kDrainFor = 5s;  // of the 10 s that a clean stop may take
  // Read but not finished; a page may add 10,000 records or 10 MiB on top, so a shard holds ~26 MiB
  // at most.
  static constexpr std::size_t kBacklogRecords = 10'000;
  static constexpr std::size_t kBacklogBytes = 16 << 20;

  enum class End { finished, lost, stopped, drained };

  // The highest generation of the shard's fence that was met; 0 in fast mode.
  [[nodiscard]] std::uint64_t fence_generation() const {
    return fence_ == nullptr ? 0 : fence_->highest();
  }

  // `row`: as stored by our acquisition, sent at `renewed`. `doubt`: how long from now a former
  // owner's writes may land; zero if the row was clean.
  ShardSession(Context& context, Refresher& refresher, Stream& stream, core::ShardRow row,
               Instant renewed, Duration doubt);
  ShardSession(const ShardSession&) = delete;
  ShardSession& operator=(const ShardSession&) = delete;
  ~ShardSession() override;

  // Runs until the end; then end() and reason() say how it was.
  Task<void> run();
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // The row with what is finished now, stored or not.
  [[nodiscard]] core::ShardRow progress() const;

  [[nodiscard]] core::Hold hold() const override {
    return {hold_.renewed, frozen_ ? Duration::zero() : hold_.lease};
  }
  [[nodiscard]] std::optional<Instant> takeover_until() const override { return takeover_until_; }
  [[nodiscard]] std::shared_ptr<ShardFence> fence() const override { return fence_; }
  void fenced_out() override;
  void finished(core::Watermark::Slot slot) override;
  void refused(core::Watermark::Slot slot, const std::string& reason) override;

 private:
  struct Burial {
    core::Watermark::Slot slot;
    std::string reason;
  };
  enum class Touched { kept, lost };

  Task<void> keep_lease();
  Task<Touched> touch(core::ShardRow next);
  Task<bool> is_ours(const core::ShardRow& next);
  Task<void> release();
  Task<void> heed_stop();
  Task<void> drain();
  [[nodiscard]] core::ShardRow next_row() const;

  Task<void> read();
  Task<std::optional<std::string>> open_iterator();
  Task<std::optional<std::string>> recover(const Failure& failure);
  Task<bool> wait_for_room();
  Task<void> pause(const Failure& failure);
  void take_in(Page& page, WallTime sent_wall, bool at_tip);
  void take_in(StreamRecord& record);
  [[nodiscard]] bool wanted(const StreamRecord& record) const;
  void note_gap(const std::string& what);
  void check_retention();

  Task<void> bury();
  void stop(std::string reason);
  void close(End end);
  void show_progress();
  void show_read_through();
  [[nodiscard]] Instant blind_until() const;
  [[nodiscard]] std::vector<async::Log::Field> about() const;

  Context& context_;
  Refresher& refresher_;
  Stream& stream_;
  core::ShardRow row_;  // as last stored
  core::Hold hold_;
  std::optional<Instant> takeover_until_;
  std::shared_ptr<ShardFence> fence_;  // nullptr: fast mode
  std::uint64_t id_;
  core::Watermark watermark_;
  core::Pace pace_;
  core::TipDetector tip_;
  core::Breaker breaker_;
  Position position_;  // where the next iterator opens: after the last record fetched
  std::optional<WallTime> fetched_through_;  // everything up to this time has been fetched
  WallTime
      nothing_before_;  // while nothing is applied yet: nothing older waits, as far as is known
  bool at_edge_;        // of the retention: what lies before is not missed (again)
  unsigned missing_ =
      0;  // times in a row that neither the shard nor its place in the listing was found
  bool read_to_end_ = false;
  bool gap_ = false;  // records were gone before they were read
  bool at_tip_ = false;
  unsigned failures_ = 0;
  std::deque<Burial> burials_;
  async::Signal progress_;  // something finished, or something to bury
  async::Gate
      winding_up_;  // no more reading: we are asked to stop, or the shard cannot go on (reason_)
  std::optional<End> ending_;  // stopped or drained: keep_lease releases the lease and closes
  bool frozen_ = false;        // no write is issued for us any more, whatever the lease would allow
  async::Gate over_;
  End end_ = End::drained;
  std::string reason_;
  ShardState& state_;
};

}  // namespace dynamodb_replicator::flow

// Which checkpoint a shard may have: the highest sequence number with nothing unfinished at or
// below it.
//
// Records enter in the shard's order; their entries finish in any order. Pure bookkeeping of one
// shard session.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/time.h"

namespace dynamodb_replicator::core {

class Watermark {
 public:
  using Slot = std::uint64_t;

  // `checkpoint`: where the session starts; empty if at the beginning.
  explicit Watermark(std::string checkpoint) : checkpoint_(std::move(checkpoint)) {}

  // A record with `parts` entries to finish (0: it is finished already). `raw` is kept until it is
  // finished, for dead letters. REQUIRES: records in the shard's order.
  Slot add(std::string sequence, std::string raw, unsigned parts);
  // Everything that the shard had up to `time` has been added.
  void mark(WallTime time);
  // One entry of the record is applied or durably dead-lettered. REQUIRES: the slot has unfinished
  // entries.
  void finish(Slot slot);

  [[nodiscard]] const std::string& checkpoint() const { return checkpoint_; }
  // Everything up to this time is finished; nullopt: not known yet.
  [[nodiscard]] std::optional<WallTime> read_through() const { return read_through_; }
  [[nodiscard]] std::size_t unfinished() const { return slots_.size(); }
  [[nodiscard]] std::size_t unfinished_bytes() const { return bytes_; }

  // REQUIRES: the slot is unfinished.
  [[nodiscard]] const std::string& sequence(Slot slot) const { return at(slot).sequence; }
  [[nodiscard]] const std::string& raw(Slot slot) const { return at(slot).raw; }

 private:
  struct Record {
    std::string sequence;
    std::string raw;
    unsigned parts = 0;
    std::optional<WallTime> through;  // mark() after this record
  };
  [[nodiscard]] const Record& at(Slot slot) const;
  void advance();
  std::deque<Record> slots_;
  Slot first_ = 0;  // the slot of slots_.front()
  std::size_t bytes_ = 0;
  std::string checkpoint_;
  std::optional<WallTime> read_through_;
};

}  // namespace dynamodb_replicator::core

#include "core/watermark.h"

#include <algorithm>

#include "base/invariant.h"

namespace dynamodb_replicator::core {

Watermark::Slot Watermark::add(std::string sequence, std::string raw, unsigned parts) {
  bytes_ += raw.size() + sequence.size();
  slots_.push_back({std::move(sequence), std::move(raw), parts, {}});
  const Slot slot = first_ + slots_.size() - 1;
  advance();
  return slot;
}

void Watermark::mark(WallTime time) {
  if (slots_.empty()) {
    read_through_ = std::max(read_through_.value_or(time), time);
  } else {
    auto& through = slots_.back().through;
    through = std::max(through.value_or(time), time);
  }
}

void Watermark::finish(Slot slot) {
  INVARIANT(slot >= first_ && slot - first_ < slots_.size(),
            "finish() of a record that is finished");
  Record& record = slots_[slot - first_];
  INVARIANT(record.parts > 0, "finish() of a record without unfinished entries");
  --record.parts;
  advance();
}

const Watermark::Record& Watermark::at(Slot slot) const {
  INVARIANT(slot >= first_ && slot - first_ < slots_.size(), "a finished record was asked for");
  return slots_[slot - first_];
}

void Watermark::advance() {
  while (!slots_.empty() && slots_.front().parts == 0) {
    Record& record = slots_.front();
    bytes_ -= record.raw.size() + record.sequence.size();
    checkpoint_ = std::move(record.sequence);
    if (record.through)
      read_through_ = std::max(read_through_.value_or(*record.through), *record.through);
    slots_.pop_front();
    ++first_;
  }
}

}  // namespace dynamodb_replicator::core

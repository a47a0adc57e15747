// The kernel's random numbers.
#pragma once

#include <array>
#include <cstddef>

#include "async/doors.h"

namespace dynamodb_replicator::os {

class Dice : public async::Dice {
 public:
  std::uint64_t roll() override;

 private:
  std::array<std::uint64_t, 32> rolled_{};  // getrandom() gives up to 256 bytes in one piece
  std::size_t left_ = 0;
};

}  // namespace dynamodb_replicator::os

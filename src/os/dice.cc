#include "os/dice.h"

#include <sys/random.h>

#include "base/invariant.h"

namespace dynamodb_replicator::os {

std::uint64_t Dice::roll() {
  if (left_ == 0) {
    ssize_t got = -1;
    // Only an interrupted wait for the first entropy after boot makes it fail.
    for (int i = 0; i < 1000 && got != sizeof rolled_; ++i) {
      got = getrandom(rolled_.data(), sizeof rolled_, 0);
    }
    INVARIANT(got == sizeof rolled_, "the kernel gives no random numbers");
    left_ = rolled_.size();
  }
  return rolled_[--left_];
}

}  // namespace dynamodb_replicator::os

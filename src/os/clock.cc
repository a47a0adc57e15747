#include "os/clock.h"

#include <ctime>

#include "base/invariant.h"

namespace dynamodb_replicator::os {
namespace {
Duration read(clockid_t id) {
  timespec time{};
  INVARIANT(clock_gettime(id, &time) == 0, "the kernel has no such clock");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}
}  // namespace

Instant Clock::now() { return Instant(read(CLOCK_BOOTTIME)); }

WallTime Clock::wall() {
  return WallTime(std::chrono::floor<std::chrono::microseconds>(read(CLOCK_REALTIME)));
}

}  // namespace dynamodb_replicator::os

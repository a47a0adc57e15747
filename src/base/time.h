// The two times of the program, as types that cannot be mixed up.
//
// Instant: CLOCK_BOOTTIME of this machine; for leases, deadlines and waiting. Never compared across
// machines. WallTime: UTC; for what people read and what services sign and filter by. Never used to
// decide who owns what.
#pragma once

#include <chrono>

namespace dynamodb_replicator::base {

using Duration = std::chrono::nanoseconds;

struct BootClock {  // a tag only: there is no now(); the Clock door has it
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace dynamodb_replicator::base

namespace dynamodb_replicator {
using base::Duration;
using base::Instant;
using base::WallTime;
using namespace std::chrono_literals;  // NOLINT(google-global-names-in-headers): units read as
                                       // units everywhere
}  // namespace dynamodb_replicator

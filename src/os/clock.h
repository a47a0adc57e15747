// The machine's clocks. CLOCK_BOOTTIME for waiting and leases: it goes on while the machine sleeps,
// so a lease that ran out meanwhile is seen as run out.
#pragma once

#include "async/doors.h"

namespace dynamodb_replicator::os {

class Clock : public async::Clock {
 public:
  Instant now() override;
  WallTime wall() override;
};

}  // namespace dynamodb_replicator::os

#include "sim/faults.h"

namespace dynamodb_replicator::sim {
namespace {

struct Kind {
  std::string_view name;
  std::uint32_t usual;  // of 100,000 opportunities (workers: every 2 s, streams: every 5 s); a run
                        // has a quarter to four times of it
};

constexpr std::array<Kind, kFaults> kKinds{{
    {"refused", 600},
    {"reset_before", 500},
    {"reset_after", 500},
    {"lost_request", 250},
    {"lost_answer", 250},
    {"late_apply", 400},
    {"late_error", 200},
    {"error_before", 500},
    {"error_after", 500},
    {"not_json", 300},
    {"throttled", 1500},
    {"broken_body", 300},
    {"truncated", 300},
    {"redirected", 100},
    {"slow", 400},
    {"slow_write", 12000},
    {"too_large", 3000},
    {"stream_limited", 1500},
    {"outage", 2000},
    {"throttle_burst", 1500},
    {"lease_throttled", 1500},
    {"unprocessed_keys", 3000},
    {"unprocessed_items", 4000},
    {"transaction_conflict", 1000},
    {"stale_read", 40000},
    {"empty_page", 10000},
    {"expired_iterator", 500},
    {"hidden_child", 40000},
    {"open_parent", 40000},
    {"flickering_listing", 40000},
    {"unknown_field", 20000},
    {"trimmed", 1},
    {"rotate", 8000},
    {"split", 5000},
    {"merge", 5000},
    {"duplicate_record", 3000},
    {"reordered_record", 5000},
    {"two_spellings", 40000},
    {"early_trim", 6000},
    {"stream_replaced", 3000},
    {"junk", 300},
    {"wrong_schema", 150},
    {"oversize_record", 60},
    {"poison_item", 200},
    {"crash", 3000},
    {"crash_anywhere", 2000},
    {"crash_loop", 1000},
    {"clean_stop", 1500},
    {"machine_crash", 1500},
    {"pause", 4000},
    {"long_pause", 1000},
    {"stall", 100},
    {"clock_jump", 1000},
    {"clock_drift", 50000},
    {"credentials_rotated", 1500},
    {"foreign_write", 6000},
    {"lease_stolen", 2500},
    {"zombie_write", 3000},
    {"zombie_read", 3000},
    {"silence", 2000},
    {"slow_lease", 7000},
    {"stop_in_trouble", 4000},
    {"parting_write", 5000},
    {"hasty_reshard", 15000},
    {"early_absence", 50000},
    {"racing_owners", 50000},
}};

}  // namespace

std::string_view name_of(Fault fault) { return kKinds[static_cast<std::size_t>(fault)].name; }

Faults::Faults(base::Prng prng, bool with_chaos, FaultSet off) : off_(off) {
  for (std::size_t i = 0; i < kFaults; ++i) streams_.emplace_back(prng.next());
  if (!with_chaos) return;
  // Where everything breaks all the time nothing gets far enough to go wrong in an interesting way.
  constexpr std::uint64_t kMildness[] = {1, 1, 3, 10};
  const std::uint64_t mildness = kMildness[prng.below(4)];
  for (std::size_t i = 0; i < kFaults; ++i) {
    const bool absent = prng.chance(1, 3);
    const std::uint64_t quarters = 1 + prng.below(16);
    const bool harmless = kKinds[i].usual >= 8000;
    const std::uint64_t rate = kKinds[i].usual * quarters / (harmless ? 4 : 4 * mildness);
    if (!absent) rates_[i] = static_cast<std::uint32_t>(rate < 90000 ? rate : 90000);
  }
}

void Faults::race() {
  constexpr std::uint32_t kOften = 60'000;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto kind = static_cast<Fault>(i);
    if (kind != Fault::two_spellings && kind != Fault::duplicate_record) rates_[i] = 0;
  }
  also(Fault::slow_write, kOften);
}

bool Faults::strikes(Fault fault) {
  const std::uint32_t rate = rates_[index(fault)];
  if (rate == 0) return false;
  if (!streams_[index(fault)].chance(rate, 100000) || off_.test(index(fault))) return false;
  count(fault);
  return true;
}

}  // namespace dynamodb_replicator::sim

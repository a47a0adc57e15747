// What every walk of one running replicator shares: doors, ports, settings and counters. Built by
// app/, passed by reference; outlives the walks.
#pragma once

#include <map>
#include <string>

#include "async/doors.h"
#include "async/gate.h"
#include "flow/metrics.h"
#include "flow/ports.h"

namespace dynamodb_replicator::flow {

struct Settings {
  std::string worker;  // this process, unique among all that ever ran
  Duration lease = 10s;
  Duration doubt = 15s;  // D: no write lands more than D after its deadline (the stated assumption)
  bool verify_always = false;
  bool verify_never = false;
  std::string dead_letter;  // path; empty: such a record stops its shard
  double read_units = 0;    // a second; 0: no ceiling
  double write_units = 0;
  unsigned stripes = 0;  // fence items a shard, in fenced mode
};

// Says the same thing at most every 30 s, so that a lasting trouble is neither silent nor a flood.
class Complaints {
 public:
  static constexpr Duration kEvery = 30s;
  // True if it is time to say `what` (again).
  bool due(const std::string& what, Instant now) {
    const auto [place, fresh] = said_.try_emplace(what, now);
    if (!fresh && now - place->second < kEvery) return false;
    place->second = now;
    return true;
  }

 private:
  std::map<std::string, Instant> said_;
};

struct Context {
  async::Loop& loop;
  async::Clock& clock;
  async::Dice& dice;
  async::Files& files;
  async::Log& log;
  TableReader& primary;
  TableReader& replica_reader;
  TableWriter& replica;
  LeaseStore& leases;
  const Settings& settings;
  Metrics& metrics;
  async::Gate& stop;
  FencedWriter* fenced = nullptr;  // nullptr: fast mode
  Complaints complaints{};
};

}  // namespace dynamodb_replicator::flow

// The accidents that happen to workers.
#include <array>

#include "sim/scene.h"

namespace dynamodb_replicator::sim {

// Every two seconds each worker may meet with an accident.
void Scene::trouble_workers() {
  if (healed_) return;
  for (Worker& worker : workers_) {
    Faults& faults = world_.faults();
    const Duration away = between(prng_, 100ms, drawn_.lease * 5 / 2);
    if (faults.strikes(Fault::clock_jump)) {
      worker.machine->wall_offset = between(prng_, -20min, 20min);
    } else if (faults.strikes(Fault::zombie_write)) {
      worker.armed = Fault::zombie_write;
    } else if (faults.strikes(Fault::zombie_read)) {
      worker.armed = Fault::zombie_read;
    } else if (faults.strikes(Fault::parting_write) && worker.process->running() &&
               !worker.process->frozen()) {
      worker.armed = Fault::parting_write;
      world_.after(between(trouble_, 0ms, 2s), [this, &worker] { stop_if_running(worker); });
    } else if (faults.strikes(Fault::stop_in_trouble)) {
      stop_in_trouble(worker);
    } else {
      trouble_process(worker, away);
    }
  }
  world_.after(2s, [this] { trouble_workers(); });
}

void Scene::trouble_process(Worker& worker, Duration away) {
  Faults& faults = world_.faults();
  constexpr std::uint64_t kSteps = 4000;
  if (faults.strikes(Fault::crash)) {
    worker.process->crash();
    start_later(worker, away);
  } else if (worker.process->running() && faults.strikes(Fault::crash_anywhere)) {
    crash_somewhere(worker, kSteps);
  } else if (worker.process->running() && faults.strikes(Fault::crash_loop)) {
    worker.loops = 2 + static_cast<int>(prng_.below(4));
    crash_somewhere(worker, kSteps);
  } else if (worker.process->running() && !worker.process->frozen() &&
             faults.strikes(Fault::clean_stop)) {
    stop_cleanly(worker);
  } else if (faults.strikes(Fault::machine_crash)) {
    worker.process->crash();
    worker.machine->lose_power(prng_);
    start_later(worker, away);
  } else if (faults.strikes(Fault::pause)) {
    worker.process->pause(away);
  } else if (faults.strikes(Fault::long_pause)) {
    worker.process->pause(between(prng_, drawn_.lease, drawn_.lease * 10));
  }
}

void Scene::stop_if_running(Worker& worker) {
  if (!healed_ && worker.process->running() && !worker.process->frozen()) stop_cleanly(worker);
}

// Nobody answers; or the lease table is slow to be read and the stream's service silent; or the row
// is given back slowly while there is still a lot to write; or the worker has only begun to start.
void Scene::stop_in_trouble(Worker& worker) {
  constexpr std::array<const char*, 3> kHosts{"primary.sim", "replica.sim", "kinesis.sim"};
  const Duration now = world_.now();
  Duration within = 2s;
  switch (trouble_.below(5)) {
    case 4:
      worker.process->crash();
      start(worker);
      [[fallthrough]];
    case 0:
      network_.silence(kHosts[trouble_.below(3)], now + between(trouble_, 8s, 25s));
      break;
    case 1:
    case 2:
      within = 20s;
      network_.silence(stream_ ? "primary.sim" : "kinesis.sim", now + 30s);
      looks_slow_until_ = now + 30s;
      break;
    default:
      replica_throttled_until_ = now + between(trouble_, 3s, 6s);
      leases_slow_until_ = now + 12s;
  }
  world_.after(between(trouble_, 0ms, within), [this, &worker] { stop_if_running(worker); });
}

// Where a key has records on two shards, what their owners do at the end nobody mends afterwards:
// so they get time to be awake, and to race.
void Scene::race_to_the_end() {
  world_.faults().count(Fault::racing_owners);
  world_.faults().race();
  network_.mend();
  replica_throttled_until_ = primary_throttled_until_ = leases_throttled_until_ = Duration{0};
  for (Worker& worker : workers_) {
    worker.process->resume();
    worker.loops = 0;
    worker.armed.reset();
  }
}

void Scene::crash_somewhere(Worker& worker, std::uint64_t steps_max) {
  worker.process->crash_after(1 + prng_.below(steps_max), [this, &worker] {
    const bool soon = worker.loops > 0;
    start_later(worker, between(prng_, 50ms, soon ? 1s : drawn_.lease * 5 / 2));
  });
}

bool Scene::is_throttled(const async::HttpRequest& request) const {
  const Duration now = world_.now();
  if (request.host == "primary.sim") return now < primary_throttled_until_;
  if (request.host != "replica.sim") return false;
  const bool data = request.body.find(R"("replica")") != std::string::npos;
  return now < (data ? replica_throttled_until_ : leases_throttled_until_);
}

// What was armed strikes with the request that fits it. The sender runs at this moment, so whatever
// becomes of it is an event a little later.
std::optional<Fault> Scene::meddle(const std::string& sender, const std::string& operation,
                                   const async::HttpRequest& request) {
  if (healed_) return std::nullopt;
  if (is_throttled(request)) return Fault::throttled;
  if (operation == "UpdateItem" && world_.now() < leases_slow_until_) return Fault::slow_lease;
  if (operation == "Query" && world_.now() < looks_slow_until_) return Fault::slow;
  for (Worker& worker : workers_) {
    if (!worker.armed || worker.process->identity() != sender) continue;
    if (worker.armed == Fault::zombie_write &&
        (operation == "BatchWriteItem" || operation == "TransactWriteItems")) {
      worker.armed.reset();
      world_.after(30ms, [this, &worker] { strike_late_writer(worker); });
      return prng_.chance(1, 2) ? Fault::late_apply : Fault::late_error;
    }
    if (worker.armed == Fault::parting_write &&
        (operation == "BatchWriteItem" || operation == "TransactWriteItems")) {
      return Fault::parting_write;
    }
    if (worker.armed == Fault::zombie_read && operation == "BatchGetItem" &&
        request.host == "primary.sim") {
      worker.armed.reset();
      const Duration away = drawn_.lease + between(prng_, 0s, drawn_.lease + drawn_.doubt * 2);
      world_.after(100us, [&worker, away] { worker.process->pause(away); });
    }
  }
  return std::nullopt;
}

void Scene::strike_late_writer(Worker& worker) {
  if (!worker.process->running()) return;
  const Duration away = between(prng_, drawn_.lease, drawn_.lease * 2);
  switch (prng_.below(3)) {
    case 0:
      worker.process->crash();
      start_later(worker, away);
      break;
    case 1:
      worker.process->pause(away);
      break;
    default:
      stop_cleanly(worker);
  }
}

// Whatever the network does, a worker that is asked to stop has ended ten seconds later.
void Scene::stop_cleanly(Worker& worker) {
  constexpr Duration kMayTake = 10s;
  worker.process->ask_to_stop();
  const Duration started = worker.started;
  const Duration paused = worker.process->frozen_for();
  world_.after(kMayTake + worker.process->frozen_left(), [this, &worker, started, paused] {
    const bool same = worker.process->running() && worker.started == started;
    if (same && worker.process->frozen_for() == paused) {
      world_.fail("worker " + worker.process->name() + " was asked to stop and runs on 10 s later");
    }
  });
}

}  // namespace dynamodb_replicator::sim

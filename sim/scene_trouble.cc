// The accidents of a run: to workers, streams and hosts.
#include "sim/scene.h"

namespace dynamodb_replicator::sim {

// Every two seconds each worker may meet with an accident.
void Scene::trouble_workers() {
  if (healed_) return;
  for (Worker& worker : workers_) {
    Faults& faults = world_.faults();
    const Duration away = between(prng_, 100ms, drawn_.lease * 5 / 2);
    if (faults.strikes(Fault::crash)) {
      worker.process->crash();
      start_later(worker, away);
    } else if (worker.process->running() && !worker.process->frozen() &&
               faults.strikes(Fault::clean_stop)) {
      stop_cleanly(worker);
    } else if (faults.strikes(Fault::machine_crash)) {
      worker.process->crash();
      worker.machine->lose_power(prng_);
      start_later(worker, away);
    } else if (faults.strikes(Fault::pause)) {
      worker.process->pause(away);
    } else if (faults.strikes(Fault::clock_jump)) {
      worker.machine->wall_offset = between(prng_, -20min, 20min);
    } else if (faults.strikes(Fault::zombie_write)) {
      worker.armed = Fault::zombie_write;
    } else if (faults.strikes(Fault::zombie_read)) {
      worker.armed = Fault::zombie_read;
    }
  }
  world_.after(2s, [this] { trouble_workers(); });
}

// What was armed strikes with the request that fits it. The sender runs at this moment, so whatever
// becomes of it is an event a little later.
std::optional<Fault> Scene::meddle(const std::string& sender, const std::string& operation,
                                   const std::string& host) {
  for (Worker& worker : workers_) {
    if (worker.process->identity() != sender || !worker.armed || healed_) continue;
    if (worker.armed == Fault::zombie_write &&
        (operation == "BatchWriteItem" || operation == "TransactWriteItems")) {
      worker.armed.reset();
      world_.after(30ms, [this, &worker] { strike_late_writer(worker); });
      return prng_.chance(1, 2) ? Fault::late_apply : Fault::late_error;
    }
    if (worker.armed == Fault::zombie_read && operation == "BatchGetItem" &&
        host == "primary.sim") {
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

void Scene::trouble_streams() {
  if (healed_) return;
  constexpr std::size_t kOpenMax = 6;
  Faults& faults = world_.faults();
  if (stream_) {
    if (faults.strikes(Fault::rotate)) stream_->rotate();
    if (stream_->open_shards() < kOpenMax && faults.strikes(Fault::split)) stream_->split();
  } else {
    if (kinesis_->open_shards() > 1 && faults.strikes(Fault::merge)) kinesis_->merge();
    if (kinesis_->open_shards() < kOpenMax && faults.strikes(Fault::split)) kinesis_->split();
  }
  world_.after(5s, [this] { trouble_streams(); });
}

std::uint64_t Scene::reshards() const {
  return stream_ ? stream_->reshards() : kinesis_->reshards();
}

void Scene::reshard_at_least(std::uint64_t times) {
  if (healed_ || reshards() >= times) return;
  const bool fewer = prng_.chance(1, 2);
  if (stream_ && fewer) {
    stream_->rotate();
  } else if (stream_) {
    stream_->split();
  } else if (fewer && kinesis_->open_shards() > 1) {
    kinesis_->merge();
  } else {
    kinesis_->split();
  }
}

void Scene::trouble_network() {
  if (healed_) return;
  for (const char* host : {"primary.sim", "replica.sim", "kinesis.sim"}) {
    if (world_.faults().strikes(Fault::outage))
      network_.cut(host, world_.now() + between(prng_, 500ms, 25s));
  }
  world_.after(5s, [this] { trouble_network(); });
}

}  // namespace dynamodb_replicator::sim

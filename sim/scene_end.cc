// How a run ends: healing, convergence, rest; and the run from its first to its last moment.
#include <algorithm>

#include "sim/scene.h"

namespace dynamodb_replicator::sim {
namespace {

// What one process may ask for in one virtual second when nothing happens, besides the pages of its
// lease table: for each shard that is not finished a page, which idle readers want once a second,
// and a renewal each third of a lease of three seconds or more; for all shards a listing now and
// then.
constexpr std::uint64_t kIdlePerShard = 2;
constexpr std::uint64_t kIdlePerProcess = 2;
// What the wire may carry for each record that reached a stream: an item read, written and
// verified, and one more for doubt and for what a crash throws back. Coalescing makes the usual run
// cheaper: the dearest of some hundred took 2.1.
constexpr std::uint64_t kItemsPerRecord = 4;

}  // namespace

void Scene::heal() {
  world_.trace("scene", "heal");
  healed_ = true;
  healed_at_ = world_.now();
  network_.mend();
  world_.faults().heal();
  for (Worker& worker : workers_) {
    worker.process->resume();
    worker.loops = 0;
    if (rotations_ > 0) {
      give_credentials(worker, identity_);
      if (!worker.by_profile) worker.process->crash();
    }
    if (!worker.process->running()) start(worker);
  }
}

void Scene::converge() {
  // A shard that is gone is asked for several times before that is believed.
  const Duration bound = drawn_.absence ? 400s : 120s;
  const Duration limit = world_.now() + bound;
  bool done = false;
  std::function<void()> look = [&] {
    done = writer_->quiet() && network_.in_flight() < 100 && !checker_->difference() &&
           !unfinished() && !silent_loss();
    if (!done && world_.now() < limit) world_.after(500ms, look);
  };
  look();
  world_.run_until(limit, [&done] { return done; });
  if (checker_->lost() > 0 && done)
    world_.expect(Invariant::loss_is_told, !silent_loss(), [] { return ""; });
  if (world_.failure() || done) return;
  const auto difference = checker_->difference();
  const auto work = unfinished();
  if (const auto loss = silent_loss())
    world_.expect(Invariant::loss_is_told, false, [&] { return *loss; });
  const std::string why =
      difference ? *difference + "; " + work.value_or("every shard is checkpointed")
                 : "the replica is equal, but " + work.value_or("the world is not quiet");
  world_.expect(Invariant::quiet_in_the_end, false, [&] {
    return why + ", although " + std::to_string(bound / 1s) + " s have passed since healing; " +
           states();
  });
}

// What somebody has still to do although nothing changes; nullopt: nothing.
std::optional<std::string> Scene::unfinished() const {
  if (auto records = checker_->unfinished()) return records;
  if (auto dropped = checker_->dropped_unfinished()) return dropped;
  for (const Worker& worker : workers_) {
    if (!worker.process->running()) continue;
    const std::string& source = worker.process->metrics().source;
    if (source.empty())
      return "worker " + worker.process->name() + " has not begun to follow the stream";
    if (stream_ && source != stream_->arn())
      return "worker " + worker.process->name() + " still follows " + source;
  }
  return std::nullopt;
}

// What each worker believes, in a few words.
std::string Scene::states() const {
  std::string out;
  for (const Worker& worker : workers_) {
    const flow::Metrics& metrics = worker.process->metrics();
    out += (out.empty() ? "worker " : "; worker ") + worker.process->name() +
           (worker.process->running() ? " runs" : " does not run");
    if (!metrics.blocked.empty()) out += ", blocked: " + metrics.blocked;
    for (const auto& [shard, state] : metrics.shards) {
      if (state.owned && !state.caught_up) out += ", behind in " + shard;
    }
  }
  return out;
}

double Scene::worst_lag() const {
  double lag = 0;
  for (const Worker& worker : workers_) {
    const WallTime wall =
        world_.wall() + std::chrono::duration_cast<WallTime::duration>(worker.machine->wall_offset);
    if (worker.process->running())
      lag = std::max(lag, flow::lag_seconds(worker.process->metrics(), wall));
  }
  return lag;
}

// Nothing changes any more. Soon no worker shows a lag, and then next to nothing is asked for.
void Scene::be_quiet() {
  constexpr Duration kNoLagWithin = 60s;
  const Duration limit = world_.now() + kNoLagWithin;
  while (!world_.failure() && worst_lag() > 0 && world_.now() < limit) {
    world_.run_until(world_.now() + 1s);
  }
  if (world_.failure()) return;
  world_.expect(Invariant::quiet_in_the_end, worst_lag() == 0, [&] {
    return "a lag of " + std::to_string(worst_lag()) +
           " s is shown a minute after the replica is "
           "equal; " +
           states();
  });
  constexpr std::uint64_t kSeconds = 10;
  traffic_.take_counts();
  const std::uint64_t refused = kinesis_ ? kinesis_->refused_reads() : 0;
  world_.run_until(world_.now() + std::chrono::seconds(kSeconds));
  const auto counts = traffic_.take_counts();
  if (kinesis_) {
    world_.expect(Invariant::quiet_in_the_end, kinesis_->refused_reads() == refused,
                  [] { return "shards are read more than five times a second"; });
  }
  std::uint64_t sum = 0;
  for (const auto& [operation, count] : counts) {
    if (operation != "Query") sum += count;
    const bool data = operation.starts_with("Batch") || operation.starts_with("Transact");
    world_.expect(Invariant::quiet_in_the_end, !data, [&, name = operation] {
      return name + " is still sent although nothing changes";
    });
  }
  const std::uint64_t most =
      kSeconds * (kIdlePerShard * open_shards() + kIdlePerProcess * workers_.size());
  world_.expect(Invariant::quiet_in_the_end, sum <= most, [&] {
    return std::to_string(sum) + " requests in " + std::to_string(kSeconds) +
           " s in which nothing changed; " + std::to_string(most) + " would be enough";
  });
}

// Where a write lands later than anybody waits for it, the replica may differ for ever: until the
// key is changed again.
void Scene::see_residual() {
  constexpr Duration kMayTake = 60s;
  world_.run_until(world_.now() + kMayTake);  // what is on its way arrives
  const auto keys = checker_->differing();
  differed_ = !keys.empty();
  for (const Item& key : keys) writer_->touch(key);
  world_.run_until(world_.now() + kMayTake);
  repaired_ = differed_ && checker_->differing().empty();
}

void Scene::look_at_cost() {
  const std::uint64_t records = checker_->records();
  world_.expect(Invariant::bounded_cost, traffic_.items() <= kItemsPerRecord * records, [&] {
    return std::to_string(traffic_.items()) + " items read and written for " +
           std::to_string(records) + " records";
  });
}

std::size_t Scene::open_shards() const {
  return stream_ ? stream_->open_shards() : kinesis_->open_shards();
}

// Nothing may change any more; then all workers are asked to stop.
void Scene::wind_down() {
  if (world_.failure()) return;
  world_.trace("scene", "wind down");
  if (options_.tamper) tamper();
  world_.run_until(world_.now() + drawn_.doubt * 2);
  if (options_.late_beyond_doubt) return see_residual();
  checker_->look_at_rest();
  if (!world_.failure()) be_quiet();
  ending_ = true;
  for (Worker& worker : workers_) {
    if (worker.process->running()) worker.process->ask_to_stop();
  }
  world_.run_until(world_.now() + 10s);
  for (Worker& worker : workers_) {
    const auto status = worker.process->exit_status();
    if (worker.process->running())
      world_.fail("worker " + worker.process->name() + " did not stop within 10 s");
    if (status && *status != 0) {
      world_.fail("worker " + worker.process->name() + " was asked to stop and ended with status " +
                  std::to_string(*status));
    }
  }
  if (const auto held = checker_->unreleased()) world_.fail(*held);
  if (const auto wrong = checker_->wrong_dead_letters()) world_.fail(*wrong);
  look_at_cost();
}

// What nobody can have asked for and every check of the end must see: one item is gone, or there if
// there was none.
void Scene::tamper() {
  if (!replica_.items().empty()) {
    replica_.erase(replica_.key_item(*replica_.items().begin()->second));
    return;
  }
  const auto value = [](const KeyPart& part) { return "{\"" + part.type + "\":\"7777\"}"; };
  Item item{{drawn_.schema.hash.name, value(drawn_.schema.hash)}};
  if (drawn_.schema.range) item[drawn_.schema.range->name] = value(*drawn_.schema.range);
  replica_.put(item);
}

// A run in which too little happened proves nothing.
std::optional<std::string> Scene::tame() const {
  if (writer_->changes() >= kChangesMin && reshards() >= kReshardsMin &&
      workers_.size() >= kWorkersMin && drawn_.writer.keys >= kKeysMin) {
    return std::nullopt;
  }
  return "the run was too tame: " + std::to_string(writer_->changes()) + " changes, " +
         std::to_string(reshards()) + " changes of shards";
}

// What retention took before it was read is never lost in silence.
std::optional<std::string> Scene::silent_loss() const {
  std::uint64_t gaps = 0;
  for (const Worker& worker : workers_) gaps += worker.process->gaps();
  const std::string silent = kinesis_ ? checker_->silent_shard() : std::string();
  if (!silent.empty())
    return "records of " + silent +
           " were trimmed before they were read, and no gap was told there";
  if (checker_->lost() == 0 || gaps > 0) return std::nullopt;
  return std::to_string(checker_->lost()) +
         " records were trimmed before they were read, and no gap was reported";
}

RunResult Scene::play() {
  writer_->start(drawn_.chaos_for);
  for (Worker& worker : workers_) start_later(worker, between(prng_, 0s, 5s));
  world_.after(1s, [this] { trouble_workers(); });
  world_.after(3s, [this] { trouble_streams(); });
  world_.after(3s, [this] { trouble_network(); });
  world_.after(4s, [this] { trouble_tables(); });
  world_.after(1s, [this] { watch_workers(); });
  constexpr Duration kRace = 14s;
  const bool races = world_.faults().on(Fault::racing_owners);
  if (races && drawn_.writer.records == Writer::Records::dyno)
    world_.at(drawn_.chaos_for - kRace, [this] { race_to_the_end(); });
  for (std::uint64_t n = 1; n <= kReshardsMin; ++n) {
    world_.at(drawn_.chaos_for / (kReshardsMin + 1) * n, [this, n] { reshard_at_least(n); });
  }
  if (drawn_.absence) {
    work_until_absence();
    if (!world_.failure()) be_absent();
  }
  world_.run_until(drawn_.chaos_for + world_.skipped());
  if (!world_.failure()) {
    heal();
    converge();
    wind_down();
  }
  if (const auto why = tame(); why && !world_.failure()) world_.fail(*why);
  RunResult result;
  result.failure = world_.failure();
  result.digest = world_.digest();
  result.faults = world_.faults().counts();
  result.differed = differed_;
  result.repaired = repaired_;
  result.invariants = world_.looked();
  result.changes = writer_->changes();
  result.requests = network_.sent();
  result.regressions = checker_->regressions();
  result.virtual_seconds = base::seconds(world_.now());
  result.summary = to_text(drawn_);
  return result;
}

RunResult run(const RunOptions& options, const Replicate& replicate) {
  return Scene(options, replicate).play();
}

}  // namespace dynamodb_replicator::sim

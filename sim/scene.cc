#include "sim/scene.h"

namespace dynamodb_replicator::sim {
namespace {

const Identity kIdentity{"AKIDSIMULATED", "simulated/secret+key", "us-east-1"};

}  // namespace

Scene::Scene(const RunOptions& options, const Replicate& replicate)
    : options_(options),
      replicate_(replicate),
      world_({options.seed, options.show, options.chaos, options.off}),
      prng_(world_.part("scene")),
      drawn_(draw(world_.part("draw"))),
      network_(world_, {drawn_.doubt - 200ms}),
      primary_db_(world_, "primary"),
      replica_db_(world_, "replica"),
      primary_(primary_db_.create("primary", drawn_.schema)),
      replica_(replica_db_.create("replica", drawn_.schema)),
      primary_endpoint_(world_, kIdentity),
      replica_endpoint_(world_, kIdentity),
      kinesis_endpoint_(world_, kIdentity) {
  world_.trace("scene", "drawn", to_text(drawn_));
  open_services();
  open_workers();
}

void Scene::open_services() {
  primary_endpoint_.serve(primary_db_);
  replica_endpoint_.serve(replica_db_);
  if (drawn_.writer.records == Writer::Records::none) {
    stream_ = std::make_unique<TableStream>(world_, primary_, primary_db_.arn_of("primary"),
                                            drawn_.shards);
    primary_db_.enable_stream("primary", *stream_);
    primary_endpoint_.serve(*stream_);
  } else {
    kinesis_ = std::make_unique<Kinesis>(world_, "changes", drawn_.shards);
    kinesis_endpoint_.serve(*kinesis_);
  }
  network_.connect("primary.sim", 8000, primary_endpoint_);
  network_.connect("replica.sim", 8001, replica_endpoint_);
  network_.connect("kinesis.sim", 4567, kinesis_endpoint_);
  network_.meddle([this](const std::string& sender, const std::string& operation,
                         const async::HttpRequest& request) {
    return meddle(sender, operation, request.host);
  });
  writer_ = std::make_unique<Writer>(world_, primary_, kinesis_.get(), drawn_.writer);
}

void Scene::open_workers() {
  constexpr std::array<const char*, 3> kNames{"one", "two", "three"};
  std::vector<const Machine*> machines;
  for (std::size_t i = 0; i < drawn_.workers; ++i) {
    const char* name = kNames[i];
    Worker worker;
    worker.machine = std::make_unique<Machine>();
    worker.machine->name = name;
    worker.machine->boot = between(prng_, 1s, 1'000'000s);
    if (options_.chaos) worker.machine->wall_offset = between(prng_, -60s, 60s);
    worker.machine->variables = {{"AWS_ACCESS_KEY_ID", kIdentity.access_key},
                                 {"AWS_SECRET_ACCESS_KEY", kIdentity.secret},
                                 {"AWS_REGION", kIdentity.region}};
    worker.process = std::make_unique<Process>(world_, *worker.machine, network_, name);
    machines.push_back(worker.machine.get());
    workers_.push_back(std::move(worker));
  }
  const bool strict = drawn_.writer.records != Writer::Records::dyno;
  checker_ = std::make_unique<Checker>(world_, primary_, replica_, machines, kDeadLetters, strict);
  const auto watcher = [this](const Emitted& record) { checker_->emitted(record); };
  const auto births = [this](const std::string& shard, const std::vector<std::string>& parents) {
    checker_->shard_born(shard, parents);
  };
  const auto trims = [this](const std::string& shard, const std::string& sequence) {
    checker_->trimmed(shard, sequence);
  };
  if (stream_) stream_->watch(watcher, births, trims);
  if (kinesis_) kinesis_->watch(watcher, births, trims);
  replica_db_.watch_tables([this](Table& table) { checker_->lease_table(table); });
}

void Scene::start(Worker& worker) {
  if (worker.process->running() || ending_ || absent_) return;
  worker.started = world_.now();
  worker.process->start([this](async::Doors& doors, app::Control& control) {
    return replicate_(doors, options_for(drawn_), control);
  });
}

void Scene::start_later(Worker& worker, Duration delay) {
  world_.after(delay, [this, &worker] { start(worker); });
}

// As a supervisor would: a process that ended is started again; a shard that gave up is a broken
// promise.
void Scene::watch_workers() {
  if (ending_) return;
  for (Worker& worker : workers_) {
    if (worker.process->running()) {
      look_at(worker.process->metrics());
    } else if (worker.process->exit_status()) {  // else it crashed: its restart is on the way
      look_at(worker.process->metrics());
      // One that was just starting may have met the last of the chaos.
      if (healed_ && (worker.started >= healed_at_ || world_.now() > healed_at_ + 15s)) {
        world_.fail("worker " + worker.process->name() + " ended by itself with status " +
                    std::to_string(*worker.process->exit_status()));
      }
      start(worker);
    }
  }
  world_.after(1s, [this] { watch_workers(); });
}

void Scene::look_at(const flow::Metrics& metrics) {
  for (const auto& [shard, state] : metrics.shards) {
    if (!state.stopped.empty()) world_.fail("shard " + shard + " has stopped: " + state.stopped);
  }
  if (metrics.gaps > 0 && !drawn_.absence)
    world_.fail("a gap was reported although nothing was trimmed");
}

// Everybody dies; what is on its way arrives; a day passes in which nothing happens, and retention
// takes its share.
void Scene::be_absent() {
  absent_ = true;
  for (Worker& worker : workers_) worker.process->crash();
  world_.run_until(world_.now() + 30s);
  world_.skip(kRetention + 10min);
  if (stream_) stream_->trim();
  if (kinesis_) kinesis_->trim();
  world_.trace("scene", "a day later", std::to_string(checker_->lost()) + " records lost");
  absent_ = false;
  for (Worker& worker : workers_) start_later(worker, between(prng_, 0s, 5s));
}

void Scene::heal() {
  world_.trace("scene", "heal");
  healed_ = true;
  healed_at_ = world_.now();
  network_.mend();
  world_.faults().heal();
  for (Worker& worker : workers_) {
    worker.process->resume();
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
           !checker_->unfinished() && !silent_loss();
    if (!done && world_.now() < limit) world_.after(500ms, look);
  };
  look();
  world_.run_until(limit, [&done] { return done; });
  if (world_.failure() || done) return;
  const auto difference = checker_->difference();
  const auto unfinished = checker_->unfinished();
  if (const auto loss = silent_loss()) world_.fail(*loss);
  world_.fail(difference
                  ? *difference + " although " + std::to_string(bound / 1s) +
                        " s have passed since healing"
                  : "the replica is equal, but " + unfinished.value_or("the world is not quiet"));
}

// Nothing may change any more; then both workers are asked to stop.
void Scene::wind_down() {
  if (world_.failure()) return;
  world_.trace("scene", "wind down");
  if (options_.tamper) tamper();
  world_.run_until(world_.now() + drawn_.doubt * 2);
  if (const auto difference = checker_->difference())
    world_.fail("after it was equal: " + *difference);
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
  world_.after(1s, [this] { watch_workers(); });
  for (std::uint64_t n = 1; n <= kReshardsMin; ++n) {
    world_.at(drawn_.chaos_for / (kReshardsMin + 1) * n, [this, n] { reshard_at_least(n); });
  }
  if (drawn_.absence) {
    world_.run_until(drawn_.chaos_for / 2);
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

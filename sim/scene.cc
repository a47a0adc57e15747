#include "sim/scene.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr const char* kDeadLetters = "/var/lib/dead-letters.jsonl";
const Identity kIdentity{"AKIDSIMULATED", "simulated/secret+key", "us-east-1"};

}  // namespace

Drawn draw(base::Prng prng) {
  Drawn drawn;
  static const std::vector<std::string> kTypes{"S", "N", "B"};
  drawn.schema.hash = {"id", kTypes[prng.below(3)]};
  if (prng.chance(1, 2)) drawn.schema.range = KeyPart{"range", kTypes[prng.below(3)]};
  const std::uint64_t source = prng.below(5);
  drawn.writer.records = source < 2    ? Writer::Records::none
                         : source == 2 ? Writer::Records::aws
                                       : Writer::Records::dyno;
  drawn.writer.keys = 3 + prng.below(28);
  drawn.writer.mean_interval = between(prng, 20ms, 500ms);
  drawn.shards = 1 + prng.below(4);
  drawn.chaos_for = between(prng, 20s, 90s);
  drawn.lease = std::chrono::seconds(3 + prng.below(prng.chance(1, 2) ? 2 : 10));
  drawn.doubt = std::chrono::seconds(3 + prng.below(6));
  if (prng.chance(1, 8)) drawn.verify = "always";
  if (prng.chance(2, 5)) drawn.mode = "fenced";
  drawn.absence = prng.chance(1, 10);
  if (drawn.absence) drawn.chaos_for += 80s;  // half of it, and what is on its way, before that day
  return drawn;
}

std::string to_text(const Drawn& drawn) {
  const char* source = drawn.writer.records == Writer::Records::none  ? "streams"
                       : drawn.writer.records == Writer::Records::aws ? "kinesis (aws records)"
                                                                      : "kinesis (dyno records)";
  return drawn.mode + ", " + source + ", key " + drawn.schema.hash.type +
         (drawn.schema.range ? drawn.schema.range->type : "") + ", " +
         std::to_string(drawn.writer.keys) + " keys, " + std::to_string(drawn.shards) +
         " shards, lease " + std::to_string(drawn.lease / 1s) + " s, doubt " +
         std::to_string(drawn.doubt / 1s) + " s, chaos " + std::to_string(drawn.chaos_for / 1s) +
         " s" + (drawn.absence ? ", a day of absence" : "");
}

Scene::Scene(const RunOptions& options, const Replicate& replicate)
    : options_(options),
      replicate_(replicate),
      world_({options.seed, options.show, options.chaos}),
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
  for (const char* name : {"one", "two"}) {
    Worker worker;
    worker.machine = std::make_unique<Machine>();
    worker.machine->name = name;
    worker.machine->boot = between(prng_, 1s, 1'000'000s);
    if (options_.chaos) worker.machine->wall_offset = between(prng_, -60s, 60s);
    worker.machine->variables = {{"AWS_ACCESS_KEY_ID", kIdentity.access_key},
                                 {"AWS_SECRET_ACCESS_KEY", kIdentity.secret},
                                 {"AWS_REGION", kIdentity.region}};
    worker.process = std::make_unique<Process>(world_, *worker.machine, network_, name);
    workers_.push_back(std::move(worker));
  }
  const bool strict = drawn_.writer.records != Writer::Records::dyno;
  checker_ = std::make_unique<Checker>(
      world_, primary_, replica_,
      std::vector<const Machine*>{workers_[0].machine.get(), workers_[1].machine.get()},
      kDeadLetters, strict);
  if (drawn_.mode == "fenced" && strict) checker_->forbid_regressions();
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

app::ReplicateOptions Scene::options_for_workers() const {
  app::ReplicateOptions options;
  options.primary = "http://primary.sim:8000/primary";
  options.replica = "http://replica.sim:8001/replica";
  if (kinesis_) options.kinesis = "http://kinesis.sim:4567/changes";
  options.lease_time = drawn_.lease;
  options.doubt = drawn_.doubt;
  options.verify = drawn_.verify;
  options.mode = drawn_.mode;
  options.dead_letter = kDeadLetters;
  return options;
}

void Scene::start(Worker& worker) {
  if (worker.process->running() || ending_ || absent_) return;
  worker.started = world_.now();
  worker.process->start([this](async::Doors& doors, app::Control& control) {
    return replicate_(doors, options_for_workers(), control);
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
  RunResult result;
  result.failure = world_.failure();
  result.digest = world_.digest();
  result.faults = world_.faults().counts();
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

#include "sim/scene.h"

#include <algorithm>

#include "app/status.h"

namespace dynamodb_replicator::sim {
namespace {

// How long after its deadline a write may land. Workers wait for `doubt` on clocks that may be 1 %
// too fast, from the end of a lease that ran 1 % too long on its owner's.
Duration latest_apply(const Drawn& drawn, bool beyond) {
  if (beyond) return drawn.doubt + 30s;
  return drawn.doubt - 200ms - (drawn.doubt + drawn.lease) / 50;
}

Identity first_identity() {
  return {"ASIASIMULATED0", "simulated/secret+key/0", "us-east-1", "simulated/session+token/0"};
}

}  // namespace

Scene::Scene(const RunOptions& options, const Replicate& replicate)
    : options_(options),
      replicate_(replicate),
      world_({options.seed, options.show, options.chaos, options.off}),
      prng_(world_.part("scene")),
      trouble_(world_.part("scene, more trouble")),
      drawn_(draw(world_.part("draw"))),
      network_(world_, {latest_apply(drawn_, options.late_beyond_doubt)}),
      primary_db_(world_, "primary"),
      replica_db_(world_, "replica"),
      primary_(primary_db_.create("primary", drawn_.schema)),
      replica_(replica_db_.create("replica", drawn_.schema)),
      primary_endpoint_(world_, first_identity()),
      replica_endpoint_(world_, first_identity()),
      kinesis_endpoint_(world_, first_identity()),
      traffic_(world_, replica_),
      leases_(world_, replica_),
      fences_(world_, options_for(drawn_).stripes, replica_.name()),
      identity_(first_identity()) {
  world_.plant(identity_.secret);
  world_.plant(identity_.token);
  if (drawn_.mode == "fenced") network_.watch(fences_);
  network_.watch(traffic_);
  network_.watch(leases_);
  world_.listen([this](const std::string& process, std::string_view message,
                       const World::Fields& fields) { hear(process, message, fields); });
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
  network_.meddle(
      [this](const std::string& sender, const std::string& operation,
             const async::HttpRequest& request) { return meddle(sender, operation, request); });
  if (world_.faults().on(Fault::poison_item)) replica_.refuse(kPoison);
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
    worker.machine->variables = {{"AWS_REGION", identity_.region}};
    if (world_.faults().on(Fault::clock_drift)) {
      world_.faults().count(Fault::clock_drift);
      worker.machine->drift = static_cast<std::int64_t>(prng_.below(201)) - 100;
    }
    worker.by_profile = prng_.chance(1, 2);
    give_credentials(worker, identity_);
    worker.process = std::make_unique<Process>(world_, *worker.machine, network_, name);
    machines.push_back(worker.machine.get());
    workers_.push_back(std::move(worker));
  }
  const bool strict = drawn_.writer.records != Writer::Records::dyno;
  checker_ = std::make_unique<Checker>(
      world_, network_, primary_, replica_, machines,
      Checker::Options{kDeadLetters, strict, drawn_.mode == "fenced", !options_.late_beyond_doubt});
  checker_->watch_given([this](const std::string& process, const std::string& shard,
                               const std::string& key) { leases_.given(process, shard, key); });
  if (stream_) {
    stream_->watch(*checker_);
    primary_.watch([this](const Table::Change&) {
      if (!stream_->enabled()) checker_->unrecorded();
    });
  }
  if (kinesis_) kinesis_->watch(*checker_);
  replica_db_.watch_tables([this](Table& table) {
    checker_->lease_table(table);
    fences_.lease_table(table);
    leases_.lease_table(table);
  });
}

void Scene::start(Worker& worker) {
  if (worker.process->running() || ending_ || absent_) return;
  worker.started = world_.now();
  if (worker.armed == Fault::parting_write) worker.armed.reset();
  worker.process->start([this](async::Doors& doors, app::Control& control) {
    return replicate_(doors, options_for(drawn_), control);
  });
  constexpr std::uint64_t kSoon = 1500;
  if (worker.loops > 0 && worker.loops-- > 0) crash_somewhere(worker, kSoon);
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
      const bool past_chaos =
          healed_ && (worker.started >= healed_at_ || world_.now() > healed_at_ + 15s);
      const int status = *worker.process->exit_status();
      if (worker.process->asked_to_stop() ? status != 0 : past_chaos) {
        world_.fail("worker " + worker.process->name() + " ended with status " +
                    std::to_string(status) +
                    (worker.process->asked_to_stop() ? " when asked to stop" : " by itself"));
      }
      start(worker);
    }
  }
  world_.after(1s, [this] { watch_workers(); });
}

void Scene::look_at(const flow::Metrics& metrics) {
  constexpr Duration kPagesEvery = 5s;
  for (const char* page : {"/metrics", "/readyz"}) {
    if (world_.now() % kPagesEvery >= 1s) break;
    const auto shown = app::status_answer(metrics, page, Instant{} + world_.now(), world_.wall());
    world_.expect_no_secret(page, shown.body);
  }
  for (const auto& [shard, state] : metrics.shards) {
    if (!state.stopped.empty()) world_.fail("shard " + shard + " has stopped: " + state.stopped);
  }
  if (metrics.gaps > 0 && !drawn_.absence && !trimmed_early_ && old_streams_.empty())
    world_.fail("a gap was reported although nothing was trimmed");
}

// What a process says of itself has to be true.
void Scene::hear(const std::string& process, std::string_view message,
                 const World::Fields& fields) {
  const auto shard = std::find_if(fields.begin(), fields.end(),
                                  [](const auto& field) { return field.first == "shard"; });
  if (shard == fields.end()) return;
  if (message.starts_with("a gap:")) checker_->gap_told(shard->second);
  if (!message.starts_with("lost a lease")) return;
  for (const Worker& worker : workers_) {
    if (worker.process->name() == process) leases_.lost(worker.process->identity(), shard->second);
  }
}

// To the middle; or, since the first page of a shard is read only once, to the moment when one is
// half done.
void Scene::work_until_absence() {
  const bool early = kinesis_ != nullptr && world_.faults().on(Fault::early_absence);
  world_.run_until(drawn_.chaos_for / 2, [&] { return early && checker_->stands_in_first_page(); });
  if (early && world_.now() < drawn_.chaos_for / 2) world_.faults().count(Fault::early_absence);
}

// Everybody dies; what is on its way arrives; a day passes in which nothing happens, and retention
// takes its share.
void Scene::be_absent() {
  absent_ = true;
  for (Worker& worker : workers_) worker.process->crash();
  checker_->all_died();
  world_.run_until(world_.now() + 30s);
  world_.skip(kRetention + 10min);
  if (stream_) stream_->trim();
  for (const auto& old : old_streams_) old->trim();
  if (kinesis_) kinesis_->trim();
  world_.trace("scene", "a day later", std::to_string(checker_->lost()) + " records lost");
  absent_ = false;
  for (Worker& worker : workers_) start_later(worker, between(prng_, 0s, 5s));
}

}  // namespace dynamodb_replicator::sim

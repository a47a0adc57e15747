#include "sim/process.h"

#include <algorithm>

#include "sim/process_doors.h"

namespace dynamodb_replicator::sim {

// Members die in reverse order: first the root task with every frame below it, last the loop.
struct Process::Life {
  async::Loop loop;
  MachineClock clock;
  SeededDice dice;
  HttpDoor http;
  MachineFiles files;
  MachineEnvironment environment;
  CapturedLog log;
  async::Doors doors;
  app::Control control;
  std::optional<async::Task<int>> root;

  Life(World& world, Machine& machine, Network& network, base::Prng& prng, const std::string& name,
       int start)
      : clock(world, machine),
        dice(prng),
        http(network, loop, machine, identity_of(machine, start)),
        files(world, machine, loop, prng),
        environment(machine, start),
        log(world, name),
        doors{loop, clock, dice, http, files, environment, log},
        control(loop) {}
};

void Machine::lose_power(base::Prng& prng) {
  for (auto& [path, file] : files) {
    file.durable += file.pending.substr(0, prng.below(file.pending.size() + 1));
    file.pending.clear();
  }
}

std::string identity_of(const Machine& machine, int start) {
  return machine.name + "@" + std::to_string(100 + start);
}

Duration Machine::world_time(Instant boottime) const {
  const Duration since = boottime.time_since_epoch() - boot;
  if (since <= Duration{0} || drift == 0) return since;
  __extension__ using Wide = __int128;
  const std::int64_t rate = 10'000 + drift;
  const Wide scaled = static_cast<Wide>(since.count()) * 10'000;
  return Duration(static_cast<Duration::rep>((scaled + rate - 1) / rate));
}

Process::Process(World& world, Machine& machine, Network& network, std::string name)
    : world_(world),
      machine_(machine),
      network_(network),
      name_(std::move(name)),
      dice_(world.part("process " + name_)) {
  world_.processes_.push_back(this);
}

Process::~Process() { std::erase(world_.processes_, this); }

void Process::start(const Program& program) {
  INVARIANT(!running(), "a process is started once at a time");
  world_.trace(name_, "start");
  exit_status_.reset();
  asked_to_stop_ = false;
  frozen_until_ = Duration{0};
  life_ = std::make_unique<Life>(world_, machine_, network_, dice_, name_, ++starts_);
  life_->root.emplace(program(life_->doors, life_->control));
  life_->root->start();
  notice_end();
}

void Process::crash() {
  if (!running()) return;
  world_.trace(name_, "crash");
  gaps_ += metrics().gaps;
  steps_left_ = 0;
  life_.reset();
}

void Process::pause(Duration how_long) {
  world_.trace(name_, "pause", std::to_string(how_long.count() / 1'000'000) + " ms");
  frozen_for_ += how_long;
  frozen_until_ = std::max(frozen_until_, world_.now() + how_long);
}

void Process::ask_to_stop() {
  world_.trace(name_, "stop");
  asked_to_stop_ = true;
  life_->control.stop.open();
}

const flow::Metrics& Process::metrics() const {
  if (running()) return life_->control.metrics;
  return last_metrics_;
}

std::size_t Process::ready() const { return running() && !frozen() ? life_->loop.ready() : 0; }

void Process::run(std::size_t index) {
  life_->loop.run(index);
  notice_end();
  if (steps_left_ == 0 || --steps_left_ > 0 || !running()) return;
  crash();
  on_crash_();
}

void Process::crash_after(std::uint64_t steps, std::function<void()> then) {
  steps_left_ = steps;
  on_crash_ = std::move(then);
}

void Process::notice_end() {
  if (!life_->root->done()) return;
  exit_status_ = life_->root->take();
  last_metrics_ = life_->control.metrics;
  gaps_ += last_metrics_.gaps;
  world_.trace(name_, "exit", std::to_string(*exit_status_));
  life_.reset();
}

void Process::fire() {
  if (running() && !frozen()) life_->loop.fire(life_->clock.now());
}

std::optional<Duration> Process::next_time() const {
  if (!running()) return std::nullopt;
  if (life_->loop.ready() > 0) return std::max(world_.now(), frozen_until_);
  const auto timer = life_->loop.next_timer();
  if (!timer) return std::nullopt;
  return std::max(machine_.world_time(*timer), frozen_until_);
}

}  // namespace dynamodb_replicator::sim

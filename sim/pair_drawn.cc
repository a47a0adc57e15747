#include "sim/pair_drawn.h"

namespace dynamodb_replicator::sim {
namespace {

Engine draw_engine(base::Prng& prng) {
  Engine engine;
  engine.order = 1 + prng.below(1'000'000);
  engine.page = 1 + prng.below(8);
  engine.scatters = prng.chance(1, 2);
  engine.refuses = prng.chance(1, 3);
  engine.spells = prng.chance(1, 3);
  return engine;
}

std::string engine_text(const Engine& engine) {
  return "pages of " + std::to_string(engine.page) + (engine.scatters ? ", scattered" : "") +
         (engine.refuses ? ", refuses conditions" : "") + (engine.spells ? ", spells" : "");
}

}  // namespace

PairDrawn draw_pair(base::Prng prng) {
  using Task = PairDrawn::Task;
  PairDrawn drawn;
  constexpr Task kTasks[] = {Task::compare, Task::compare, Task::repair, Task::repair,
                             Task::backfill};
  drawn.task = kTasks[prng.below(5)];
  drawn.base = draw(base::Prng(prng.next()));
  Drawn& base = drawn.base;
  base.absence = false;
  base.workers = 1 + prng.below(2);
  base.mode = prng.chance(1, 4) ? "fenced" : "fast";
  base.chaos_for = between(prng, 15s, 45s);
  drawn.moving = prng.chance(3, 4);
  drawn.replicator = drawn.moving && prng.chance(3, 4);
  base.writer.records = Writer::Records::none;
  base.writer.keys = kKeysMin + prng.below(30);
  base.writer.changes = prng.chance(1, 2) ? 60 + prng.below(100) : 200 + prng.below(300);
  base.writer.last_changes = false;
  drawn.primary = draw_engine(prng);
  drawn.replica = draw_engine(prng);
  drawn.resume = prng.chance(1, 2);
  drawn.consistent = prng.chance(1, 3);
  drawn.settle = static_cast<double>(1 + prng.below(6));
  // Slow enough for a scan that takes longer than the time between two states that are kept.
  if (prng.chance(1, 2)) drawn.read_units = static_cast<double>(2 + prng.below(15));
  drawn.concurrency = static_cast<unsigned>(prng.below(4));
  return drawn;
}

std::string to_text(const PairDrawn& drawn) {
  constexpr const char* kTasks[] = {"compare", "repair", "backfill"};
  return std::string(kTasks[static_cast<int>(drawn.task)]) +
         (drawn.moving ? ", moving" : ", quiet") +
         (drawn.replicator ? " beside a replicator (" + drawn.base.mode + ")" : "") +
         (drawn.resume ? ", resumes" : "") + (drawn.consistent ? ", consistent" : "") +
         ", settle " + std::to_string(static_cast<int>(drawn.settle)) + " s, doubt " +
         std::to_string(drawn.base.doubt / 1s) + " s, key " + drawn.base.schema.hash.type +
         (drawn.base.schema.range ? drawn.base.schema.range->type : "") + ", " +
         std::to_string(drawn.base.writer.keys) + " keys; primary: " + engine_text(drawn.primary) +
         "; replica: " + engine_text(drawn.replica);
}

Duration lands_within(const PairDrawn& drawn) {
  return drawn.base.doubt - 200ms - (drawn.base.doubt + drawn.base.lease) / 50;
}

app::DiffOptions options_for(const PairDrawn& drawn) {
  const app::ReplicateOptions locations = options_for(drawn.base);
  app::DiffOptions options;
  options.pair.primary = locations.primary;
  options.pair.replica = locations.replica;
  options.backfill = drawn.task == PairDrawn::Task::backfill;
  options.repair = drawn.task != PairDrawn::Task::compare;
  options.json = true;
  options.exit_code = !options.backfill;
  options.yes = true;
  options.consistent = drawn.consistent;
  options.concurrency = drawn.concurrency;
  options.settle = drawn.settle;
  options.read_units = drawn.read_units;
  if (drawn.resume) options.resume = kResumeFile;
  options.state = "/var/lib/state";
  options.doubt = drawn.base.doubt;
  return options;
}

}  // namespace dynamodb_replicator::sim

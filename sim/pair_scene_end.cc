// What a pair scene has to show, and how it ends.
#include <algorithm>

#include "sim/pair_scene.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr Duration kStale = 2s;  // how old an eventually consistent scan may be

bool holds_still(const Table& table, const std::string& key, Duration from) {
  return table.history(key).back().since < from;
}

}  // namespace

// What did not move since the run began, and differs, is reported; what is equal is not.
void PairScene::look_at_report() {
  const Duration from = begun_ - kStale;
  for (const auto& [plain, key] : keys_) {
    const auto& here = primary_.history(key).back().item;
    const auto& there = replica_.history(key).back().item;
    if (!holds_still(primary_, key, from) || !holds_still(replica_, key, from)) continue;
    const auto found = reported_.find(key);
    const bool differ = !same(here, there);
    const std::string said = found == reported_.end() ? "equal" : found->second;
    const std::string truth = !differ  ? "equal"
                              : !there ? "missing"
                              : !here  ? "extraneous"
                                       : "different";
    world_.expect(Invariant::comparison_true, said == truth, [&, name = plain] {
      return name + " held still, is " + truth + " and was called " + said;
    });
  }
}

// Neither a journal with open keys nor the state of a run that is over.
void PairScene::look_at_leavings() {
  for (const auto& [path, file] : desk_.machine->files) {
    if (path != kResumeFile) continue;
    world_.fail("the command came to its end and left " + path);
  }
}

// At rest, after the command came to its end: beside a replicator all that it or the command
// answers for; alone, what did not change since the command began.
bool PairScene::must_be_equal(const std::string& key) const {
  const bool here = primary_.history(key).back().item != nullptr;
  const Duration changed = primary_.history(key).back().since;
  const bool copies_only = drawn_.task == PairDrawn::Task::backfill;
  const bool covered = drawn_.replicator && changed > Duration{0};
  if (covered) return true;
  if (copies_only && !here) return false;
  return drawn_.replicator || changed < begun_ - kStale;
}

std::optional<std::string> PairScene::difference() const {
  for (const auto& [plain, key] : keys_) {
    const auto& here = primary_.history(key).back().item;
    const auto& there = replica_.history(key).back().item;
    if (same(here, there) || !must_be_equal(key)) continue;
    return plain +
           (!there  ? " is missing"
            : !here ? " is extraneous"
                    : " is different") +
           " on the replica";
  }
  return std::nullopt;
}

void PairScene::heal() {
  world_.trace("scene", "heal");
  healed_ = true;
  healed_at_ = world_.now();
  network_.mend();
  world_.faults().heal();
  desk_.process->resume();
  for (Host& host : replicators_) host.process->resume();
}

void PairScene::come_to_an_end() {
  constexpr Duration kMayTake = 900s;
  world_.run_until(world_.now() + kMayTake, [this] { return finished_; });
  if (!finished_ && !world_.failure())
    world_.fail("the command did not come to its end in " + std::to_string(kMayTake / 1s) + " s");
}

void PairScene::run_once_more() {
  finished_ = false;
  going_on_ = false;
  start_command_later(0s);
  come_to_an_end();
}

// What is on its way arrives, the replicator follows; then it is as it will be for ever.
void PairScene::be_at_rest() {
  constexpr Duration kMayTake = 120s;
  if (drawn_.replicator)
    world_.run_until(world_.now() + kMayTake, [this] { return !difference(); });
  world_.run_until(world_.now() + 10s + drawn_.base.doubt * 2);
  if (options_.tamper && !replica_.items().empty())
    replica_.erase(replica_.key_item(*replica_.items().begin()->second));
  const auto wrong = difference();
  world_.expect(Invariant::equal_at_rest, !wrong, [&] { return *wrong; });
}

RunResult PairScene::play() {
  const Drawn& base = drawn_.base;
  if (drawn_.moving) world_.at(1s, [this] { writer_->start(drawn_.base.chaos_for); });
  for (Host& host : replicators_) {
    world_.after(between(prng_, 0s, 5s), [this, &host] {
      if (host.process->running()) return;
      host.process->start([this](async::Doors& doors, app::Control& control) {
        return commands_.replicate(doors, options_for(drawn_.base), control);
      });
    });
  }
  start_command_later(between(prng_, 3s, 3s + base.chaos_for / 3));
  world_.after(2s, [this] { trouble(); });
  world_.after(200ms, [this] { watch_hosts(); });
  world_.run_until(base.chaos_for + 2s);
  if (!world_.failure()) heal();
  if (!world_.failure()) come_to_an_end();
  const bool compares = drawn_.task == PairDrawn::Task::compare;
  if (!world_.failure() && !compares) be_at_rest();
  // Nothing moves any more: a comparison is exact, and a repair leaves no difference.
  if (!world_.failure() && (compares || !drawn_.replicator)) {
    world_.run_until(world_.now() + 10s + base.doubt);
    run_once_more();
    if (!world_.failure() && !compares) be_at_rest();
  }
  ending_ = true;
  RunResult result;
  result.failure = world_.failure();
  result.digest = world_.digest();
  result.faults = world_.faults().counts();
  result.invariants = world_.looked();
  result.changes = writer_->changes();
  result.requests = network_.sent();
  result.virtual_seconds = base::seconds(world_.now());
  result.summary = to_text(drawn_);
  return result;
}

}  // namespace dynamodb_replicator::sim

// The accidents of a pair scene: to the command, to the replicator beside it, to tables and hosts.
#include "sim/pair_scene.h"

namespace dynamodb_replicator::sim {
namespace {

bool writes_items(const std::string& operation) {
  return operation == "PutItem" || operation == "DeleteItem" || operation == "BatchWriteItem";
}

}  // namespace

// The command lives for some seconds only: half of its starts are cut short.
void PairScene::kill_command_soon() {
  constexpr int kKillsMax = 5;
  constexpr std::uint64_t kSteps = 1200;
  if (kills_ >= kKillsMax || !world_.faults().on(Fault::crash_anywhere)) return;
  if (!trouble_.chance(1, 2)) return;
  ++kills_;
  world_.faults().count(Fault::crash_anywhere);
  const bool power = trouble_.chance(1, 3);
  desk_.process->crash_after(1 + trouble_.below(kSteps), [this, power] {
    if (power) desk_.machine->lose_power(trouble_);
    start_command_later(between(trouble_, 50ms, 3s));
  });
}

void PairScene::kill_command() {
  if (!desk_.process->running()) return;
  desk_.process->crash();
  start_command_later(between(trouble_, 50ms, 3s));
}

void PairScene::trouble() {
  if (healed_) return;
  Faults& faults = world_.faults();
  Process& desk = *desk_.process;
  if (desk.running() && faults.strikes(Fault::pause)) desk.pause(between(trouble_, 100ms, 8s));
  if (desk.running() && !desk.frozen() && faults.strikes(Fault::clean_stop)) {
    desk.ask_to_stop();
    const Duration started = started_;
    world_.after(11s, [this, started, paused = desk.frozen_for()] {
      const bool same = desk_.process->running() && started_ == started;
      if (same && desk_.process->frozen_for() == paused)
        world_.fail("the command was asked to stop and runs on 11 s later");
    });
  }
  for (Host& host : replicators_) trouble_replicator(host);
  for (const std::size_t side : {0U, 1U}) {
    const char* host = side == 0 ? "primary.sim" : "replica.sim";
    if (faults.strikes(Fault::throttle_burst))
      throttled_until_[side] = world_.now() + between(trouble_, 1s, 10s);
    if (faults.strikes(Fault::outage)) network_.cut(host, world_.now() + between(trouble_, 1s, 8s));
    if (faults.strikes(Fault::silence))
      network_.silence(host, world_.now() + between(trouble_, 1s, 8s));
  }
  world_.after(2s, [this] { trouble(); });
}

void PairScene::trouble_replicator(Host& host) {
  Faults& faults = world_.faults();
  if (faults.strikes(Fault::crash)) {
    host.process->crash();
    world_.after(between(trouble_, 100ms, 5s), [this, &host] {
      if (ending_ || host.process->running()) return;
      host.process->start([this](async::Doors& doors, app::Control& control) {
        return commands_.replicate(doors, options_for(drawn_.base), control);
      });
    });
  } else if (faults.strikes(Fault::long_pause)) {
    host.process->pause(between(trouble_, drawn_.base.lease, drawn_.base.lease * 2));
  }
}

std::optional<Fault> PairScene::meddle(const std::string& sender, const std::string& operation,
                                       const async::HttpRequest& request) {
  if (healed_) return std::nullopt;
  const std::size_t side = request.host == "primary.sim" ? 0 : 1;
  if (world_.now() < throttled_until_[side]) return Fault::throttled;
  const bool second = sender.starts_with("desk@");
  if (!second || !writes_items(operation)) return std::nullopt;
  Faults& faults = world_.faults();
  if (faults.strikes(Fault::zombie_write)) {
    if (trouble_.chance(1, 2)) world_.after(30ms, [this] { kill_command(); });
    return trouble_.chance(1, 2) ? Fault::late_apply : Fault::late_error;
  }
  if (operation != "BatchWriteItem" && faults.strikes(Fault::slow_write)) return Fault::slow_write;
  return std::nullopt;
}

void PairScene::sent(std::uint64_t number, const std::string& sender, const std::string& operation,
                     const async::HttpRequest& request, Duration deadline) {
  if (sender.starts_with("desk@") && writes_items(operation))
    writes_[number] = {request, deadline, false};
}

void PairScene::applied(std::uint64_t number, const std::string&, const async::HttpRequest&,
                        const async::HttpResponse& response) {
  const auto found = writes_.find(number);
  if (found != writes_.end() && response.status == 200) found->second.done = true;
}

// Whoever stands between a sender and its service may send again what was done and not answered.
void PairScene::over(std::uint64_t number, bool heard) {
  const auto found = writes_.find(number);
  if (found == writes_.end()) return;
  const Sent sent = std::move(found->second);
  writes_.erase(found);
  if (heard || !sent.done || healed_ || !world_.faults().on(Fault::late_apply) ||
      !trouble_.chance(1, 3))
    return;
  world_.faults().count(Fault::late_apply);
  const Duration latest = sent.deadline + lands_within(drawn_);
  world_.at(between(trouble_, world_.now(), std::max(latest, world_.now())),
            [this, request = sent.request] {
              const auto response = replica_endpoint_.handle(request);
              world_.trace("network", "applies again",
                           std::to_string(response.status) + " " + request.body);
            });
}

}  // namespace dynamodb_replicator::sim

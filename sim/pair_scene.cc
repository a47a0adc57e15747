#include "sim/pair_scene.h"

#include "base/bytes.h"

namespace dynamodb_replicator::sim {
namespace {

PairDrawn drawn_for(const World& world, const RunOptions& options) {
  PairDrawn drawn = draw_pair(world.part("draw a pair"));
  if (options.tamper) {
    drawn.task = PairDrawn::Task::repair;
    drawn.moving = drawn.replicator = false;
  }
  return drawn;
}

// What may be printed of a key's attribute, as the engine spells it.
std::string plain_value(const std::string& value, bool spelled) {
  if (type_of(value) == "N") return std::string(scalar_text(value)) + (spelled ? ".0" : "");
  return "\"" + std::string(scalar_text(value)) + "\"";
}

}  // namespace

PairScene::PairScene(const RunOptions& options, const Commands& commands)
    : options_(options),
      commands_(commands),
      world_({options.seed, options.show, options.chaos, options.off}),
      prng_(world_.part("pair scene")),
      trouble_(world_.part("pair scene, trouble")),
      drawn_(drawn_for(world_, options)),
      network_(world_, {lands_within(drawn_)}),
      primary_db_(world_, "primary"),
      replica_db_(world_, "replica"),
      primary_(primary_db_.create("primary", drawn_.base.schema)),
      replica_(replica_db_.create("replica", drawn_.base.schema)),
      identity_{"ASIASIMULATED0", "simulated/secret+key/0", "us-east-1",
                "simulated/session+token/0"},
      primary_endpoint_(world_, identity_),
      replica_endpoint_(world_, identity_),
      checker_(world_, primary_, replica_, "desk") {
  world_.plant(identity_.secret);
  world_.plant(identity_.token);
  network_.watch(checker_);
  network_.watch(*this);
  world_.trace("scene", "drawn", to_text(drawn_));
  primary_.run_on(drawn_.primary);
  replica_.run_on(drawn_.replica);
  console_.out = [this](const std::string& line) { out(line); };
  console_.say = [this](const std::string& line) { say(line); };
  writer_ = std::make_unique<Writer>(world_, primary_, nullptr, drawn_.base.writer);
  differ_at_first();
  open_services();
  desk_ = make_host("desk");
  for (std::size_t i = 0; drawn_.replicator && i < drawn_.base.workers; ++i)
    replicators_.push_back(make_host(i == 0 ? "one" : "two"));
}

PairScene::Host PairScene::make_host(const std::string& name) {
  Host host;
  host.machine = std::make_unique<Machine>();
  host.machine->name = name;
  host.machine->boot = between(prng_, 1s, 1'000'000s);
  if (options_.chaos) host.machine->wall_offset = between(prng_, -60s, 60s);
  host.machine->variables = {{"AWS_REGION", identity_.region},
                             {"AWS_ACCESS_KEY_ID", identity_.access_key},
                             {"AWS_SECRET_ACCESS_KEY", identity_.secret},
                             {"AWS_SESSION_TOKEN", identity_.token}};
  host.process = std::make_unique<Process>(world_, *host.machine, network_, name);
  return host;
}

void PairScene::open_services() {
  primary_endpoint_.serve(primary_db_);
  replica_endpoint_.serve(replica_db_);
  // Born after the tables differ: no record tells of that.
  stream_ = std::make_unique<TableStream>(world_, primary_, primary_db_.arn_of("primary"),
                                          drawn_.base.shards);
  primary_db_.enable_stream("primary", *stream_);
  primary_endpoint_.serve(*stream_);
  network_.connect("primary.sim", 8000, primary_endpoint_);
  network_.connect("replica.sim", 8001, replica_endpoint_);
  network_.meddle(
      [this](const std::string& sender, const std::string& operation,
             const async::HttpRequest& request) { return meddle(sender, operation, request); });
}

// Two of three keys are equal; the others are missing, different, or only on the replica.
void PairScene::differ_at_first() {
  writer_->fill();
  std::vector<Item> all;
  for (const auto& [key, item] : primary_.items()) all.push_back(*item);
  for (const Item& item : all) {
    const std::uint64_t kind = prng_.below(9);
    Item other = item;
    if (kind == 1) other["stale"] = R"({"S":"an older value"})";
    if (kind != 0) replica_.put(other);
    if (kind == 2) primary_.erase(primary_.key_item(item));
    if (kind == 3) replica_.erase(replica_.key_item(item));
    if (kind == 3) primary_.erase(primary_.key_item(item));
  }
  const auto name = [&](const Item& key, bool spelled) {
    std::string text;
    for (const KeyPart* part : {&drawn_.base.schema.hash,
                                drawn_.base.schema.range ? &*drawn_.base.schema.range : nullptr}) {
      if (part == nullptr) continue;
      text += (text.empty() ? "{" : ",") + base::to_json_string(part->name) + ":" +
              plain_value(key.at(part->name), spelled);
    }
    return text + "}";
  };
  for (const Item& item : all) {
    const Item key = primary_.key_item(item);
    for (const bool spelled : {false, true})
      keys_[name(key, spelled)] = *primary_.key_of(key, true);
  }
}

void PairScene::start_command() {
  starting_ = false;
  if (ending_ || desk_.process->running()) return;
  started_ = world_.now();
  if (!going_on_) begun_ = started_;
  for (const auto& [key, what] : reported_) told_before_.insert(key);
  if (!going_on_) told_before_.clear();
  going_on_ = drawn_.resume;
  reported_.clear();
  checker_.begin();
  desk_.process->start([this](async::Doors& doors, app::Control& control) {
    return commands_.compare(doors, options_for(drawn_), console_, control.stop);
  });
  if (!healed_) kill_command_soon();
}

void PairScene::start_command_later(Duration delay) {
  if (starting_) return;
  starting_ = true;
  world_.after(delay, [this] { start_command(); });
}

void PairScene::say(const std::string& line) {
  world_.expect_no_secret("a line for people", line);
  world_.trace("desk", "says", line);
}

void PairScene::out(const std::string& line) {
  world_.expect_no_secret("a line of the result", line);
  world_.trace("desk", "out", line);
  constexpr std::string_view kBegin = R"({"event":")";
  const std::size_t key_at = line.find(R"(","key":)");
  if (!line.starts_with(kBegin) || key_at == std::string::npos) return;
  const std::string what = line.substr(kBegin.size(), key_at - kBegin.size());
  const std::string plain = line.substr(key_at + 8, line.size() - key_at - 9);
  if (what == "repaired") return;
  const auto known = keys_.find(plain);
  if (known == keys_.end()) return world_.fail("a key was reported that nobody knows: " + plain);
  world_.expect(Invariant::comparison_true, reported_.emplace(known->second, what).second,
                [&] { return "a key was reported twice: " + plain; });
  const auto settle =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(drawn_.settle));
  if (!told_before_.contains(known->second)) checker_.reported(what, known->second, settle);
}

// As a user would, and a supervisor of the replicator.
void PairScene::watch_hosts() {
  if (ending_) return;
  const auto status = desk_.process->exit_status();
  if (status && !desk_.process->running() && !starting_ && !finished_) ended(*status);
  for (Host& host : replicators_) {
    if (host.process->running() || !host.process->exit_status()) continue;
    host.process->start([this](async::Doors& doors, app::Control& control) {
      return commands_.replicate(doors, options_for(drawn_.base), control);
    });
  }
  world_.after(200ms, [this] { watch_hosts(); });
}

// 0: all is done; 1: differences remain; 2 and 130: it has to be run again.
void PairScene::ended(int status) {
  const bool compares = drawn_.task == PairDrawn::Task::compare;
  const bool done = status == 0 || status == 1;
  if (done) {
    going_on_ = false;
    if (!options_for(drawn_).backfill) look_at_report();
    if (compares)
      world_.expect(Invariant::comparison_true, (status == 1) == !reported_.empty(), [&] {
        return "the status is " + std::to_string(status) + " after " +
               std::to_string(reported_.size()) + " findings";
      });
    look_at_leavings();
  }
  if (status == 2 && healed_ && started_ > healed_at_)
    world_.fail("the command ended with status 2 although everything is healed");
  finished_ = compares ? done && healed_ : status == 0;
  if (!finished_) start_command_later(between(prng_, 100ms, 3s));
}

RunResult run_pair(const RunOptions& options, const Commands& commands) {
  return PairScene(options, commands).play();
}

}  // namespace dynamodb_replicator::sim

// The accidents that happen to streams, hosts and tables, and what strangers do.
#include <iterator>

#include "sim/scene.h"

namespace dynamodb_replicator::sim {

void Scene::trouble_streams() {
  if (healed_) return;
  constexpr std::size_t kOpenMax = 6;
  Faults& faults = world_.faults();
  if (stream_) {
    const bool enabled = stream_->enabled();
    const std::uint64_t before = reshards();
    if (enabled && faults.strikes(Fault::rotate)) stream_->rotate();
    if (enabled && stream_->open_shards() < kOpenMax && faults.strikes(Fault::split))
      stream_->split();
    if (reshards() > before && faults.strikes(Fault::hasty_reshard)) stream_->hasten();
    if (world_.now() < last_moment() && faults.strikes(Fault::early_trim)) {
      trimmed_early_ = true;
      stream_->trim(between(prng_, 2s, 20s));
    }
    const bool may_go = enabled && old_streams_.empty() && checker_->followed();
    if (may_go && last_moment() > world_.now() + 12s && faults.strikes(Fault::stream_replaced)) {
      replace_stream();
    }
  } else {
    const std::uint64_t before = reshards();
    if (kinesis_->open_shards() > 1 && faults.strikes(Fault::merge)) kinesis_->merge();
    if (kinesis_->open_shards() < kOpenMax && faults.strikes(Fault::split)) kinesis_->split();
    if (reshards() > before && faults.strikes(Fault::hasty_reshard)) kinesis_->hasten();
  }
  world_.after(5s, [this] { trouble_streams(); });
}

std::uint64_t Scene::reshards() const {
  if (kinesis_) return kinesis_->reshards();
  std::uint64_t sum = stream_->reshards();
  for (const auto& old : old_streams_) sum += old->reshards();
  return sum;
}

void Scene::reshard_at_least(std::uint64_t times) {
  if (healed_ || reshards() >= times || (stream_ && !stream_->enabled())) return;
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
    if (world_.faults().strikes(Fault::silence))
      network_.silence(host, world_.now() + between(trouble_, 1s, 20s));
  }
  world_.after(5s, [this] { trouble_network(); });
}

void Scene::trouble_tables() {
  if (healed_) return;
  Faults& faults = world_.faults();
  if (faults.strikes(Fault::throttle_burst)) {
    Duration& until = prng_.chance(2, 3) ? replica_throttled_until_ : primary_throttled_until_;
    until = world_.now() + between(prng_, 2s, prng_.chance(1, 4) ? 60s : 10s);
  }
  if (faults.strikes(Fault::lease_throttled))
    leases_throttled_until_ = world_.now() + between(prng_, drawn_.lease / 2, drawn_.lease * 3);
  if (world_.now() < last_moment() && faults.strikes(Fault::foreign_write)) write_as_stranger();
  if (faults.strikes(Fault::lease_stolen)) steal_lease();
  constexpr int kRotationsMax = 2;
  if (rotations_ < kRotationsMax && faults.strikes(Fault::credentials_rotated))
    rotate_credentials();
  world_.after(3s, [this] { trouble_tables(); });
}

// What is done to a key after this may not be put right by a change of the key.
Duration Scene::last_moment() const {
  return drawn_.chaos_for + world_.skipped() - Writer::kLastChanges;
}

// Somebody edits the replica by hand: an item that the primary never had, or none.
void Scene::write_as_stranger() {
  const auto& items = prng_.chance(2, 3) ? replica_.items() : primary_.items();
  if (items.empty()) return;
  auto chosen = items.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(prng_.below(items.size())));
  Item item = replica_.key_item(*chosen->second);
  const bool erase = prng_.chance(1, 3);
  item["edited"] = R"({"S":"by hand"})";
  world_.trace("stranger", erase ? "delete" : "put", chosen->first);
  checker_->by_stranger([&] {
    if (erase) {
      replica_.erase(replica_.key_item(item));
    } else {
      replica_.put(item);
    }
  });
}

// Somebody writes another owner and nonce into a row that a worker holds. If the new owner is
// nobody, the next worker goes on at once beside the old one: only fences hold against that.
void Scene::steal_lease() {
  Table* leases = replica_db_.table("replica-leases");
  if (leases == nullptr) return;
  std::vector<Item> held;
  for (const auto& [key, row] : leases->items()) {
    if (row->contains("owner") && row->contains("nonce")) held.push_back(*row);
  }
  if (held.empty()) return;
  Item row = held[prng_.below(held.size())];
  if (drawn_.mode == "fenced" && prng_.chance(1, 2)) {
    row.erase("owner");
  } else {
    row["owner"] = R"({"S":"operator@0/0"})";
  }
  row["nonce"] = R"({"S":"stolen )" + std::to_string(world_.now().count()) + R"("})";
  world_.trace("stranger", "steals", row["row"]);
  checker_->by_stranger([&] { leases->put(row); });
}

void Scene::give_credentials(Worker& worker, const Identity& identity) {
  Machine& machine = *worker.machine;
  if (worker.by_profile) {
    machine.files["/home/" + machine.name + "/.aws/credentials"].durable =
        "[default]\naws_access_key_id = " + identity.access_key +
        "\naws_secret_access_key = " + identity.secret + "\naws_session_token = " + identity.token +
        "\n";
    return;
  }
  machine.variables["AWS_ACCESS_KEY_ID"] = identity.access_key;
  machine.variables["AWS_SECRET_ACCESS_KEY"] = identity.secret;
  machine.variables["AWS_SESSION_TOKEN"] = identity.token;
}

// New credentials are handed out and the old ones soon refused. Who has them in its environment
// must be started again; who reads a file notices by itself.
void Scene::rotate_credentials() {
  const std::string old = identity_.access_key;
  const std::string number = std::to_string(++rotations_);
  identity_ = {"ASIASIMULATED" + number, "simulated/secret+key/" + number, "us-east-1",
               "simulated/session+token/" + number};
  world_.trace("scene", "rotate", identity_.access_key);
  world_.plant(identity_.secret);
  world_.plant(identity_.token);
  const auto services = [this] {
    return std::array<Endpoint*, 3>{&primary_endpoint_, &replica_endpoint_, &kinesis_endpoint_};
  };
  for (Endpoint* endpoint : services()) endpoint->accept(identity_);
  world_.after(between(prng_, 1s, 8s), [old, services] {
    for (Endpoint* endpoint : services()) endpoint->expire(old);
  });
  for (Worker& worker : workers_) {
    world_.after(between(prng_, 0s, 10s), [this, &worker, identity = identity_] {
      if (healed_) return;
      give_credentials(worker, identity);
      if (worker.by_profile || !worker.process->running()) return;
      worker.process->crash();
      start_later(worker, 500ms);
    });
  }
}

// The table's stream is disabled; a little later there is another. What changes in between is in
// neither.
void Scene::replace_stream() {
  world_.trace("scene", "stream disabled", stream_->arn());
  stream_->disable();
  primary_db_.disable_stream("primary");
  world_.after(between(prng_, 500ms, 6s), [this] { new_stream(); });
}

void Scene::new_stream() {
  old_streams_.push_back(std::move(stream_));
  stream_ =
      std::make_unique<TableStream>(world_, primary_, primary_db_.arn_of("primary"),
                                    1 + prng_.below(4), static_cast<int>(old_streams_.size()));
  stream_->watch(*checker_);
  primary_db_.enable_stream("primary", *stream_);
  primary_endpoint_.serve(*stream_);
  world_.trace("scene", "stream enabled", stream_->arn());
}

}  // namespace dynamodb_replicator::sim

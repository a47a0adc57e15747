#include "sim/leases.h"

#include <algorithm>

#include "sim/traffic.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::string_view kShardRow = "shard#";

// What a lease may be longer on a clock that runs 1 % too slow, and in a whole world's rounding.
Duration stretched(Duration span) { return span + span / 50 + 1ms; }

}  // namespace

// Of an UpdateItem of a shard's row; nullopt: it is about something else.
std::optional<LeaseChecker::Write> LeaseChecker::write_of(const std::string& sender, Json body) {
  const auto key = member(body, "Key");
  const auto values = member(body, "ExpressionAttributeValues");
  const auto row = key ? scalar(*key, "row", "S") : std::nullopt;
  if (!row || !row->starts_with(kShardRow) || !values) return std::nullopt;
  Write write;
  write.sender = sender;
  write.shard = row->substr(kShardRow.size());
  write.nonce = scalar(*values, ":nonce", "S").value_or("");
  write.owned = scalar(*values, ":owner", "S").has_value();
  const std::string lease(scalar(*values, ":lease", "N").value_or("0"));
  write.lease = std::chrono::microseconds(std::atoll(lease.c_str()));
  write.first = first_sent_.try_emplace(write.nonce, world_.now()).first->second;
  return write;
}

void LeaseChecker::lease_table(Table& leases) {
  leases.watch([this](const Table::Change& change) {
    const std::string row(scalar_text(change.key_item.at("row")));
    if (!row.starts_with(kShardRow)) return;
    std::string& owner = owners_[row.substr(kShardRow.size())];
    owner.clear();
    if (change.after == nullptr) return;
    const auto found = change.after->find("owner");
    if (found == change.after->end()) return;
    owner = scalar_text(found->second);
    owner.resize(std::min(owner.find('/'), owner.size()));
  });
}

void LeaseChecker::sent(std::uint64_t number, const std::string& sender,
                        const std::string& operation, const async::HttpRequest& request,
                        Duration deadline) {
  const bool update = operation == "UpdateItem";
  const bool query = operation == "Query";
  const bool writes = operation == "BatchWriteItem" || operation == "TransactWriteItems";
  if (!update && !query && !writes) return;
  Json body;
  if (parser_.parse(request.body).get(body) != simdjson::SUCCESS) return;
  if (writes) return check_keys(sender, operation, body, deadline);
  Request& open = open_[number];
  open.sender = sender;
  if (query) {
    open.looks = true;
    if (!member(body, "ExclusiveStartKey")) look_begins(sender);
    return;
  }
  open.write = write_of(sender, body);
  if (!open.write) return;
  Hold& hold = holds_[sender][open.write->shard];
  hold.last_sent = world_.now();
  if (open.write->owned || hold.given_back) return;
  hold.given_back = true;
  hold.given_back_at = world_.now();
}

void LeaseChecker::applied(std::uint64_t number, const std::string& /*operation*/,
                           const async::HttpRequest& /*request*/,
                           const async::HttpResponse& response) {
  const auto found = open_.find(number);
  // Its sender may have given it up long ago, and it counts all the same.
  if (found == open_.end()) return;
  Request& open = found->second;
  open.done = response.status == 200;
  if (open.looks)
    open.last_page = open.done && response.body.find("\"LastEvaluatedKey\"") == std::string::npos;
  if (!open.done || !open.write) return;
  const Write& write = *open.write;
  if (!write.owned) return;
  Hold& hold = holds_[write.sender][write.shard];
  hold.lease = write.lease;
  hold.renewed = write.first;
  hold.applied = world_.now();
  if (hold.given_back && write.first > hold.given_back_at) hold.given_back = false;
}

void LeaseChecker::over(std::uint64_t number, bool heard) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  const Request& open = found->second;
  if (heard && open.done && open.write) {
    Hold& hold = holds_[open.sender][open.write->shard];
    hold.known = open.write->first;
    hold.begun = open.write->owned;
  }
  if (heard && open.looks && open.last_page) looks_[open.sender].done = true;
  if (open.done || !open.write) open_.erase(found);  // else it may still be applied
}

// After a look comes what it calls for, and only then the next.
void LeaseChecker::look_begins(const std::string& sender) {
  Look& look = looks_[sender];
  if (look.done) {
    for (const auto& [shard, hold] : holds_[sender]) {
      const auto owner = owners_.find(shard);
      const bool ours = owner != owners_.end() && owner->second == sender;
      const bool shown = ours && !hold.begun && hold.applied < look.began;
      if (!shown) continue;
      world_.expect(Invariant::lease_kept, hold.last_sent >= look.began, [&, name = shard] {
        return sender + " saw its own name in the row of " + name +
               ", does not read it, and did not take it";
      });
    }
  }
  look = {world_.now(), false};
}

void LeaseChecker::check_keys(const std::string& sender, const std::string& operation, Json body,
                              Duration deadline) {
  for (const std::string& key : keys_written(replica_, operation, body))
    check_key(sender, key, deadline);
}

void LeaseChecker::check_key(const std::string& sender, const std::string& key, Duration deadline) {
  std::string why = "no shard gave it a record of the key";
  Duration end{0};
  bool may = false;
  for (const std::string& shard : given_[sender][key]) {
    const Hold& hold = holds_[sender][shard];
    const Duration since = world_.now() - hold.renewed;
    end = std::max(end, hold.renewed + stretched(hold.lease));
    if (hold.given_back) {
      why = "it gives " + shard + " back";
    } else if (since > stretched(hold.lease * 2 / 3)) {
      why = "the lease of " + shard + " was renewed " + std::to_string(since / 1ms) +
            " ms before, for " + std::to_string(hold.lease / 1ms) + " ms";
    } else {
      may = true;
    }
  }
  world_.expect(Invariant::lease_kept, may,
                [&] { return sender + " writes " + key + " although " + why; });
  world_.expect(Invariant::lease_kept, deadline <= end, [&] {
    return sender + " writes " + key + " with a deadline " +
           std::to_string((deadline - end) / 1ms) + " ms past its lease";
  });
}

void LeaseChecker::lost(const std::string& sender, const std::string& shard) {
  const Hold& hold = holds_[sender][shard];
  const auto owner = owners_.find(shard);
  const bool ours = owner != owners_.end() && owner->second == sender;
  const Duration since = world_.now() - hold.known;
  world_.expect(Invariant::lease_kept, !ours || since >= hold.lease * 49 / 50, [&] {
    return sender + " calls its lease of " + shard + " lost, which nobody took and which it " +
           "renewed " + std::to_string(since / 1ms) + " ms before";
  });
}

}  // namespace dynamodb_replicator::sim

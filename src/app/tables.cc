#include "app/tables.h"

#include <unordered_map>

#include "base/planted.h"
#include "core/batches.h"
#include "flow/shard_session.h"
#include "wire/fences.h"
#include "wire/items.h"

namespace dynamodb_replicator::app {
namespace {

// Where each asked key stands, by name_of().
using Places = std::unordered_map<std::string_view, std::size_t>;

// By which a key and its answer are matched: the canonical form (planted bugs: the spelling).
std::string_view name_of(const item::Key& key) {
  const bool spelled =
      base::planted(base::Bug::no_turns) || base::planted(base::Bug::absence_by_text);
  return spelled ? key.wire() : key.canonical();
}

Failure unusable(std::string message) {
  Failure failure;
  failure.kind = FailureKind::unusable_answer;
  failure.message = std::move(message);
  return failure;
}

std::vector<wire::BatchWrite> batch_of(std::span<const flow::Write> writes) {
  std::vector<wire::BatchWrite> batch;
  batch.reserve(writes.size());
  for (const flow::Write& write : writes) batch.push_back({write.key.get(), write.item});
  return batch;
}

// Some engines report no consumed capacity, and what is not known would be free: a ceiling would
// hold nothing. Whatever the service serves costs at least half a unit, so 0 is "not reported";
// then units are counted by size.
double units_or(double reported, double by_size) { return reported > 0 ? reported : by_size; }

double units_by_size(const flow::ReadAnswer& answer) {
  double units = 0;
  for (const flow::ReadAnswer::Entry& entry : answer.entries) {
    if (entry.state != flow::ReadAnswer::State::unprocessed)
      units += core::read_units_of(entry.item.size());
  }
  return units;
}

double units_by_size(std::span<const flow::Write> writes, const std::vector<bool>& done) {
  double units = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (done[i]) units += core::write_units_of(writes[i].item.size());
  }
  return units;
}

double units_by_size(const wire::ItemsPage& page, bool consistent) {
  std::size_t bytes = 0;
  for (const std::string& item : page.items) bytes += item.size();
  return core::read_units_of(bytes) * (consistent ? 1 : 0.5);
}

}  // namespace

flow::Task<Result<flow::ReadAnswer>> BatchTable::read(std::span<const item::KeyRef> keys,
                                                      Instant deadline) {
  std::string body = wire::batch_get_request(table_, keys);
  Result<std::string> answer =
      co_await client_.call("BatchGetItem", std::move(body), deadline, false);
  if (!answer) co_return std::move(answer).error();
  const auto failed = [this](Failure failure) {
    failure.operation = "BatchGetItem on " + client_.where();
    return failure;
  };
  Result<wire::BatchGetAnswer> decoded =
      wire::decode_batch_get(std::move(*answer), table_, schema_);
  if (!decoded) co_return failed(std::move(decoded).error());
  Places places;
  for (std::size_t i = 0; i < keys.size(); ++i) places.emplace(name_of(*keys[i]), i);
  flow::ReadAnswer result;
  result.entries.assign(keys.size(), {flow::ReadAnswer::State::absent, {}});
  std::vector<bool> answered(keys.size(), false);
  const auto claim = [&](const item::KeyRef& key) -> flow::ReadAnswer::Entry* {
    const auto place = places.find(name_of(*key));
    if (place == places.end() || answered[place->second]) return nullptr;
    answered[place->second] = true;
    return &result.entries[place->second];
  };
  for (wire::BatchGetAnswer::Found& found : decoded->found) {
    flow::ReadAnswer::Entry* entry = claim(found.key);
    if (entry == nullptr && base::planted(base::Bug::absence_by_text)) continue;
    if (entry == nullptr)
      co_return failed(unusable("an item came back that was not asked for, or twice"));
    *entry = {flow::ReadAnswer::State::found, std::move(found.item)};
  }
  for (const item::KeyRef& key : decoded->unprocessed) {
    flow::ReadAnswer::Entry* entry = claim(key);
    if (entry == nullptr)
      co_return failed(unusable("an unprocessed key came back that was not asked for, or twice"));
    if (!base::planted(base::Bug::unprocessed_keys_absent))
      entry->state = flow::ReadAnswer::State::unprocessed;
  }
  result.units = units_or(decoded->units, units_by_size(result));
  co_return result;
}

flow::Task<Result<flow::WriteAnswer>> BatchTable::write(std::span<const flow::Write> writes,
                                                        Instant deadline) {
  const std::vector<wire::BatchWrite> batch = batch_of(writes);
  const auto failed = [this](Failure failure) {
    failure.operation = "BatchWriteItem on " + client_.where();
    return failure;
  };
  Result<std::string> body = wire::batch_write_request(table_, batch);
  if (!body) co_return failed(std::move(body).error());
  Result<std::string> answer =
      co_await client_.call("BatchWriteItem", std::move(*body), deadline, true);
  if (!answer) co_return std::move(answer).error();
  Result<wire::BatchWriteAnswer> decoded =
      wire::decode_batch_write(std::move(*answer), table_, schema_);
  // What the service did with the items is unknown when its answer makes no sense.
  const auto unknown = [&](Failure failure) {
    failure.maybe_applied = true;
    return failed(std::move(failure));
  };
  if (!decoded) co_return unknown(std::move(decoded).error());
  Places places;
  for (std::size_t i = 0; i < writes.size(); ++i) places.emplace(name_of(*writes[i].key), i);
  flow::WriteAnswer result;
  result.done.assign(writes.size(), true);
  for (const item::KeyRef& key : decoded->unprocessed) {
    const auto place = places.find(name_of(*key));
    if (place == places.end())
      co_return unknown(unusable("an unprocessed item came back that was not sent"));
    result.done[place->second] = base::planted(base::Bug::unprocessed_items_dropped);
  }
  result.units = units_or(decoded->units, units_by_size(writes, result.done));
  co_return result;
}

flow::Task<Result<flow::ScanPage>> BatchTable::scan(const flow::ScanAsk& ask, Instant deadline) {
  std::string body = wire::scan_request({.table = table_,
                                         .after = ask.after,
                                         .consistent = ask.consistent,
                                         .segment = ask.segment,
                                         .segments = ask.segments});
  Result<std::string> answer = co_await client_.call("Scan", std::move(body), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<wire::ItemsPage> page = wire::decode_items_page(std::move(*answer));
  if (!page) {
    Failure failure = std::move(page).error();
    failure.operation = "Scan on " + client_.where();
    co_return failure;
  }
  const double units = units_or(page->units, units_by_size(*page, ask.consistent));
  co_return flow::ScanPage{std::move(page->items), std::move(page->last_key), units};
}

flow::Task<Result<double>> GuardedTable::write_if(const flow::Write& write,
                                                  const core::Guard& guard, Instant deadline) {
  const wire::BatchWrite one{write.key.get(), write.item};
  const std::string operation = wire::write_one_operation(one);
  const auto failed = [&](Failure failure) {
    failure.operation = operation + " on " + client_.where();
    return failure;
  };
  Result<std::string> body =
      wire::write_one_request(table_, one, {guard.expression, guard.names, guard.values});
  if (!body) co_return failed(std::move(body).error());
  Result<std::string> answer = co_await client_.call(operation, std::move(*body), deadline, true);
  if (!answer) co_return std::move(answer).error();
  Result<double> units = wire::decode_write_one(std::move(*answer));
  if (!units) {
    Failure failure = failed(std::move(units).error());
    failure.maybe_applied = true;
    co_return failure;
  }
  co_return units_or(*units, core::write_units_of(write.item.size()));
}

flow::Task<Result<flow::WriteAnswer>> FencedTable::write(const core::Fence& fence,
                                                         std::span<const flow::Write> writes,
                                                         Instant deadline) {
  const std::vector<wire::BatchWrite> batch = batch_of(writes);
  Result<std::string> body =
      wire::transact_write_request(lease_table_, fence, table_, batch, flow::fresh_nonce(dice_));
  const auto failed = [this](Failure failure) {
    failure.operation = "TransactWriteItems on " + client_.where();
    return failure;
  };
  if (!body) co_return failed(std::move(body).error());
  Result<std::string> answer =
      co_await client_.call("TransactWriteItems", std::move(*body), deadline, true);
  if (!answer) co_return std::move(answer).error();
  Result<double> units = wire::decode_transact_write(std::move(*answer));
  if (!units) {
    Failure failure = failed(std::move(units).error());
    failure.maybe_applied = true;
    co_return failure;
  }
  flow::WriteAnswer result;
  result.done.assign(writes.size(), true);
  // Twice for what stands in a transaction, the check of the fence with it.
  result.units = units_or(*units, 2 * (1 + units_by_size(writes, result.done)));
  co_return result;
}

}  // namespace dynamodb_replicator::app

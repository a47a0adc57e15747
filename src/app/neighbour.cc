#include "app/neighbour.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "app/lease_table.h"

namespace dynamodb_replicator::app {
namespace {

constexpr const char* kNoLeases = "this is no lease table of a replicator";

Failure named_wrongly(const std::string& table, const std::string& why) {
  return misconfigured("--leases " + table + ": " + why,
                       "Give the lease table of the replicator that follows this pair, or leave "
                       "--leases out if none does.");
}

// nullopt: no replicator of this pair has such a table.
async::Task<Result<std::optional<core::MetaRow>>> meta_of(async::Doors& doors, const Pair& pair,
                                                          LeaseTable& leases, std::string named) {
  Result<std::optional<core::MetaRow>> meta = co_await persist<std::optional<core::MetaRow>>(
      doors, doors.clock.now() + kPreflightFor,
      [&leases](Instant deadline) { return leases.meta(deadline); });
  if (!meta) {
    const Failure& failure = meta.error();
    const bool missing = failure.kind == FailureKind::not_found;
    const bool foreign = failure.kind == FailureKind::invalid;  // it has other keys
    if (!named.empty()) {
      if (missing) co_return named_wrongly(named, "there is no such table beside the replica");
      if (foreign) co_return named_wrongly(named, kNoLeases);
      co_return meta;
    }
    if (missing || foreign) co_return std::optional<core::MetaRow>{};
    if (failure.kind != FailureKind::denied) co_return meta;
    doors.log.warning(
        "whether a replicator follows this pair is not known, and so neither its lag nor its mode; "
        "allow reading its lease table, or give --settle",
        {{"after", to_text(failure)}});
    co_return std::optional<core::MetaRow>{};
  }
  const bool ours = *meta && (*meta)->primary == pair.primary.identity &&
                    (*meta)->replica == pair.replica.identity;
  if (ours) co_return meta;
  if (named.empty()) co_return std::optional<core::MetaRow>{};
  if (!*meta) co_return named_wrongly(named, kNoLeases);
  co_return named_wrongly(named,
                          "it is another pair's, " + (*meta)->primary + " -> " + (*meta)->replica);
}

}  // namespace

async::Task<Result<Neighbour>> find_neighbour(async::Doors& doors, const Pair& pair,
                                              std::string leases, bool with_lag) {
  Neighbour neighbour;
  const std::string name = leases.empty() ? pair.replica.location.name + "-leases" : leases;
  LeaseTable table(doors, *pair.replica_client, name);
  Result<std::optional<core::MetaRow>> meta = co_await meta_of(doors, pair, table, leases);
  if (!meta) co_return std::move(meta).error();
  neighbour.meta = *std::move(meta);
  if (!neighbour.meta || !with_lag) co_return neighbour;
  Result<std::vector<core::ShardRow>> rows = co_await persist<std::vector<core::ShardRow>>(
      doors, doors.clock.now() + kPreflightFor,
      [&table](Instant deadline) { return table.all(deadline); });
  if (!rows) co_return std::move(rows).error();
  const WallTime now = pair.replica_client->service_time();
  for (const core::ShardRow& row : *rows) {
    if (row.finished || row.owner.empty() || !row.read_through) continue;
    const Duration lag = std::max<Duration>(Duration{0}, now - *row.read_through);
    neighbour.lag = std::max(neighbour.lag.value_or(Duration{0}), lag);
  }
  co_return neighbour;
}

void warn_beside_fenced(async::Log& log, const Pair& pair, const Neighbour& neighbour) {
  if (!neighbour.meta || neighbour.meta->mode != "fenced") return;
  log.warning(
      "this replica is kept in fenced mode, and this command writes without the fence: the promise "
      "that the replica never goes back does not cover what it writes (each item is read again "
      "after its write, and a write that lands late is found only while this command runs)",
      {{"replica", pair.replica.where}});
}

}  // namespace dynamodb_replicator::app

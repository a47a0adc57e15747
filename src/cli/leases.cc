// dynamodb-replicator leases list LEASE_TABLE, leases show LEASE_TABLE SHARD
#include "app/lease_view.h"
#include "cli/command.h"
#include "os/run.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kLeasesPurpose =
    "Shows the lease table of a replica: who reads which shard, how far, and how far behind. "
    "Changes nothing.\n\n"
    "Usage: dynamodb-replicator leases list LEASE_TABLE\n"
    "       dynamodb-replicator leases show LEASE_TABLE SHARD";

constexpr const char* kLeasesExamples =
    "Examples:\n"
    "  dynamodb-replicator leases list eu-west-1/orders-leases\n"
    "  dynamodb-replicator leases list 127.0.0.1:8000/orders-leases --json\n"
    "  dynamodb-replicator leases show eu-west-1/orders-leases shardId-000000000000\n";

async::Task<int> show(std::string name, async::Doors& doors, std::string table, std::string profile,
                      std::string shard, bool json) {
  Result<std::vector<core::ShardRow>> rows = co_await app::read_leases(doors, table, profile);
  if (!rows) co_return complain(name, to_text(rows.error()));
  const WallTime now = doors.clock.wall();
  if (shard.empty()) {
    co_return print_result(
        name, json ? app::leases_as_json(*rows, now) : app::leases_as_table(*rows, now), 0);
  }
  std::erase_if(*rows, [&](const core::ShardRow& row) { return row.shard != shard; });
  if (rows->empty()) {
    co_return complain(name, "there is no shard " + shard + " in " + table +
                                 "; 'leases list' shows those that there are.");
  }
  co_return print_result(
      name, json ? app::leases_as_json(*rows, now) : app::lease_in_full(*rows, now), 0);
}

}  // namespace

int leases(const std::string& name, Arguments arguments) {
  std::string action;
  std::string table;
  std::string shard;
  std::string profile;
  bool json = false;
  Command command(name, kLeasesPurpose, kLeasesExamples);
  CLI::App& app = command.app();
  app.add_option("ACTION", action, "list or show")
      ->required()
      ->check(CLI::IsMember({"list", "show"}));
  app.add_option("LEASE_TABLE", table, "where the lease table is")->required();
  app.add_option("SHARD", shard, "for show: the shard's id");
  app.add_flag("--json", json, "one JSON object a line");
  app.add_option("--replica-profile", profile, "AWS profile for the lease table");
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  if (action == "show" && shard.empty())
    return complain(name, "leases show needs a SHARD; 'leases list' shows them.");
  if (action == "list" && !shard.empty())
    return complain(name, "leases list takes no SHARD; 'leases show' does.");
  os::Outside outside(command.log_form(), command.log_level(async::Level::warning));
  return outside.run(show(name, outside.doors(), table, profile, shard, json));
}

}  // namespace dynamodb_replicator::cli

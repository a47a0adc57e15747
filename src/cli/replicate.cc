// dynamodb-replicator replicate PRIMARY REPLICA
#include "cli/command.h"
#include "cli/running.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kReplicatePurpose =
    "Follows the primary table until stopped: for each change record in its stream, reads the "
    "item's key\n"
    "consistently from the primary, then puts or deletes it on the replica. Start it on any number "
    "of machines;\n"
    "they share the stream's shards.\n\n"
    "A table is given as  us-east-1/table  127.0.0.1:8000/table  https://host:port/table  or its "
    "ARN.\n"
    "Credentials are found as the AWS CLI finds them.";

constexpr const char* kReplicateExamples =
    "Examples:\n"
    "  dynamodb-replicator replicate us-east-1/orders eu-west-1/orders\n"
    "  dynamodb-replicator replicate us-east-1/orders eu-west-1/orders --kinesis us-east-1/changes "
    "\\\n"
    "      --dead-letter /var/lib/replicator/dead.jsonl --http 127.0.0.1:8080\n"
    "  dynamodb-replicator replicate 127.0.0.1:8000/orders 127.0.0.1:8000/copy --create-replica "
    "--until-caught-up\n\n"
    "Exit status: 0 stopped by SIGTERM or SIGINT, or caught up; 2 failed or incomplete; 130 by a "
    "second signal.\n";

}  // namespace

int replicate(const std::string& name, Arguments arguments) {
  app::ReplicateOptions options;
  std::string http;
  double lease_time = 10;
  Command command(name, kReplicatePurpose, kReplicateExamples);
  CLI::App& app = command.app();
  app.add_option("PRIMARY", options.primary, "the table to follow")->required();
  app.add_option("REPLICA", options.replica, "the table to keep equal")->required();
  app.add_option("--kinesis", options.kinesis,
                 "read change records from this Kinesis stream (else: from the primary's own "
                 "DynamoDB Stream)");
  app.add_option("--leases", options.leases,
                 "lease table, in the replica's account and region, created if missing (<replica "
                 "table>-leases)");
  app.add_option("--lease-time", lease_time,
                 "seconds after which a dead worker's shards are taken over")
      ->capture_default_str();
  app.add_option(
         "--start-at", options.start_at,
         "where a shard without a checkpoint begins: trim_horizon, latest, or a time such as "
         "2026-01-31T12:00:00Z (Kinesis only)")
      ->capture_default_str();
  app.add_flag("--create-replica", options.create_replica,
               "create a missing replica with the primary's key schema, indexes and billing mode");
  app.add_option(
         "--mode", options.mode,
         "how a write is protected from a stale worker: fast (batches and deadlines; a write "
         "that lands late is found and repaired), or fenced (transactions at twice the write "
         "units; a former owner's write is refused whenever it lands)")
      ->capture_default_str();
  app.add_option("--fence-stripes", options.stripes,
                 "fenced mode: transactions in flight per shard; the lease table keeps the number "
                 "that it was made with")
      ->capture_default_str();
  app.add_option("--verify", options.verify,
                 "read the primary again after each write: auto (on Kinesis streams written by "
                 "applications), always "
                 "or never")
      ->capture_default_str();
  app.add_option("--dead-letter", options.dead_letter,
                 "append records that can never be applied to this file, as JSON lines, and go on "
                 "(without it: stop "
                 "that shard)");
  app.add_flag("--until-caught-up", options.until_caught_up,
               "end once everything up to the time of start is read and applied");
  app.add_option("--http", http, "HOST:PORT for /healthz, /readyz and /metrics (off)");
  app.add_option("--read-units", options.read_units,
                 "ceiling in read capacity units a second, for this process")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--write-units", options.write_units,
                 "ceiling in write capacity units a second, for this process")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--table-name", options.table_name,
                 "on a shared Kinesis stream, take only this table's records (the primary's name, "
                 "where records carry "
                 "one)");
  app.add_option("--primary-profile", options.primary_profile,
                 "AWS profile for the primary and its stream");
  app.add_option("--replica-profile", options.replica_profile,
                 "AWS profile for the replica and the lease table");
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  options.lease_time =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(lease_time));
  os::Outside outside(command.log_form(), command.log_level());
  return run_replicator(name, outside, options, http);
}

}  // namespace dynamodb_replicator::cli

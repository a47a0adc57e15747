// launch-kinesis-cluster: the original's way to start. Tables come from the environment, the rest
// from the options of the Node kinesis-client-library.
#include "aws/location.h"
#include "cli/command.h"
#include "cli/running.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kLaunchPurpose =
    "Keeps a replica table equal to its primary, from a Kinesis stream of change records. Start it "
    "on any number of\n"
    "machines; they share the stream's shards. The tables come from the environment:\n"
    "  PrimaryRegion, PrimaryTable, ReplicaRegion, ReplicaTable, and optionally PrimaryEndpoint, "
    "ReplicaEndpoint "
    "(URLs).";

constexpr const char* kLaunchExamples =
    "Example:\n"
    "  PrimaryRegion=us-east-1 PrimaryTable=orders ReplicaRegion=eu-west-1 ReplicaTable=orders \\\n"
    "      launch-kinesis-cluster --stream changes --table orders-leases\n\n"
    "'dynamodb-replicator replicate --kinesis STREAM' is the same with more options.\n";

struct Refused {
  const char* option;
  const char* instead;
};
constexpr Refused kRefused[] = {
    {"--local-dynamo", "start DynamoDB Local yourself and give --dynamo-endpoint URL"},
    {"--local-dynamo-port", "give --dynamo-endpoint URL"},
    {"--local-dynamo-directory", "start DynamoDB Local yourself and give --dynamo-endpoint URL"},
    {"--local-kinesis", "start a Kinesis emulator yourself and give --kinesis-endpoint URL"},
    {"--local-kinesis-port", "give --kinesis-endpoint URL"},
    {"--local-kinesis-no-start", "give --kinesis-endpoint URL"},
    {"--aws.accessKeyId", "set AWS_ACCESS_KEY_ID, or use a profile"},
    {"--aws.secretAccessKey", "set AWS_SECRET_ACCESS_KEY, or use a profile"},
    {"--aws.sessionToken", "set AWS_SESSION_TOKEN, or use a profile"},
    {"--aws.profile", "set AWS_PROFILE"},
};

std::optional<std::string> refused(const Arguments& arguments) {
  for (const std::string& argument : arguments) {
    const std::string option = argument.substr(0, argument.find('='));
    for (const Refused& entry : kRefused) {
      if (option == entry.option) return option + " is not taken here: " + entry.instead + ".";
    }
    const bool other = option.starts_with("--local-") ||
                       (option.starts_with("--aws.") && option != "--aws.region");
    if (other)
      return option + " is not taken here: use the AWS CLI's environment variables and profiles.";
  }
  return std::nullopt;
}

std::string at_endpoint(const std::string& url, const std::string& name) {
  return (url.ends_with('/') ? url : url + "/") + name;
}

struct Launch {
  std::string stream;
  std::string table;
  std::string consumer;
  std::string http;
  std::string stream_region;
  std::string kinesis_endpoint;
  std::string dynamo_endpoint;
};

// One side's table from the environment: "<region>/<table>" or "<endpoint>/<table>".
Result<std::string> table_of(async::Environment& environment, const std::string& side,
                             const std::string& dynamo_endpoint, std::string& region) {
  const auto missing = [](const std::string& variable, const std::string& what) {
    return misconfigured(variable + " is not set in the environment; it names " + what);
  };
  const std::string name = environment.variable(side + "Table").value_or("");
  region = environment.variable(side + "Region").value_or("");
  const std::string endpoint = environment.variable(side + "Endpoint").value_or(dynamo_endpoint);
  const bool primary = side == "Primary";
  if (name.empty())
    return missing(side + "Table", primary ? "the table to follow" : "the table to keep equal");
  if (!endpoint.empty()) return at_endpoint(endpoint, name);
  if (region.empty()) return missing(side + "Region", "the region of that table");
  return region + "/" + name;
}

// Fills the replicator's options from the environment and from what was given. Gives the lease
// table's location too.
Result<void> fill(async::Environment& environment, const Launch& launch,
                  app::ReplicateOptions& options) {
  Result<std::string> primary =
      table_of(environment, "Primary", launch.dynamo_endpoint, options.primary_region);
  if (!primary) return std::move(primary).error();
  Result<std::string> replica =
      table_of(environment, "Replica", launch.dynamo_endpoint, options.replica_region);
  if (!replica) return std::move(replica).error();
  options.primary = *primary;
  options.replica = *replica;
  options.leases = launch.dynamo_endpoint.empty()
                       ? launch.table
                       : at_endpoint(launch.dynamo_endpoint, launch.table);
  options.kinesis_region =
      launch.stream_region.empty() ? options.primary_region : launch.stream_region;
  const bool complete =
      launch.stream.find('/') != std::string::npos || launch.stream.starts_with("arn:");
  if (complete) {
    options.kinesis = launch.stream;
  } else if (!launch.kinesis_endpoint.empty()) {
    options.kinesis = at_endpoint(launch.kinesis_endpoint, launch.stream);
  } else {
    if (options.kinesis_region.empty()) {
      return misconfigured("no region is known for the stream " + launch.stream,
                           "Give --aws.region.");
    }
    options.kinesis = options.kinesis_region + "/" + launch.stream;
  }
  return {};
}

void declare(CLI::App& app, Launch& launch, app::ReplicateOptions& options) {
  app.add_option("--stream", launch.stream, "the Kinesis stream of change records")->required();
  app.add_option("--table", launch.table,
                 "lease table, in the replica's account and region, created if missing")
      ->required();
  app.add_option("--consumer", launch.consumer,
                 "accepted and not read: the replicator is built in");
  app.add_option("--start-at", options.start_at,
                 "where a shard without a checkpoint begins: trim_horizon, latest, or a time")
      ->capture_default_str();
  app.add_option("--num-records", options.num_records,
                 "records a page, at most 10000 (the service's own)")
      ->check(CLI::Range(1, 10000));
  app.add_option("--capacity.read", options.lease_capacity_read,
                 "provisioned read capacity of a lease table that is created (on-demand)")
      ->check(CLI::Range(1, 40000));
  app.add_option("--capacity.write", options.lease_capacity_write,
                 "provisioned write capacity of a lease table that is created (on-demand)")
      ->check(CLI::Range(1, 40000));
  app.add_option("--http", launch.http,
                 "port for /healthz, /readyz and /metrics on 127.0.0.1 (without: $PORT)")
      ->expected(0, 1);
  app.add_option("--aws.region", launch.stream_region, "the stream's region (PrimaryRegion)");
  app.add_option("--kinesis-endpoint", launch.kinesis_endpoint, "URL of the stream's endpoint");
  app.add_option("--dynamo-endpoint", launch.dynamo_endpoint,
                 "URL for the lease table, and for tables without an endpoint of their own");
  app.add_option("--dead-letter", options.dead_letter,
                 "append records that can never be applied to this file, as JSON lines, and go on "
                 "(without it: stop "
                 "that shard)");
}

}  // namespace

int launch_kinesis_cluster(const std::string& name, Arguments arguments) {
  if (const std::optional<std::string> sentence = refused(arguments))
    return complain(name, *sentence);
  Launch launch;
  app::ReplicateOptions options;
  Command command(name, kLaunchPurpose, kLaunchExamples);
  declare(command.app(), launch, options);
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  if (options.start_at == "TRIM_HORIZON")
    options.start_at = "trim_horizon";  // as the service spells them
  if (options.start_at == "LATEST") options.start_at = "latest";
  if ((options.lease_capacity_read == 0) != (options.lease_capacity_write == 0)) {
    options.lease_capacity_read =
        std::max(options.lease_capacity_read, options.lease_capacity_write);
    options.lease_capacity_write = options.lease_capacity_read;
  }
  os::Outside outside(command.log_form(), command.log_level());
  async::Environment& environment = outside.doors().environment;
  if (Result<void> filled = fill(environment, launch, options); !filled)
    return complain(name, to_text(filled.error()));
  std::string http;
  if (command.app().count("--http") > 0) {
    const std::string port =
        launch.http.empty() ? environment.variable("PORT").value_or("") : launch.http;
    if (port.empty()) return complain(name, "--http without a port needs PORT in the environment.");
    http = "127.0.0.1:" + port;
  }
  if (!launch.consumer.empty()) {
    outside.doors().log.info("the replicator is built in; the consumer file is not read",
                             {{"file", launch.consumer}});
  }
  return run_replicator(name, outside, options, http);
}

}  // namespace dynamodb_replicator::cli

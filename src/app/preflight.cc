#include "app/preflight.h"

#include "aws/moments.h"
#include "wire/items.h"

namespace dynamodb_replicator::app {
namespace {

Result<core::StartAt> parse_start(const ReplicateOptions& options, WallTime now) {
  if (options.start_at == "trim_horizon") return core::StartAt{};
  // Clocks differ: a minute of margin costs a few records that are read in vain.
  if (options.start_at == "latest") return core::StartAt{core::StartAt::Kind::at_time, now - 60s};
  const std::optional<WallTime> time = aws::parse_iso(options.start_at);
  if (!time) {
    return misconfigured("--start-at " + options.start_at +
                         " is neither trim_horizon, latest nor a time like "
                         "2026-01-31T12:00:00Z");
  }
  if (options.kinesis.empty()) {
    return misconfigured(
        "--start-at TIME needs a Kinesis stream: a DynamoDB Stream can only be read from "
        "trim_horizon or "
        "latest");
  }
  return core::StartAt{core::StartAt::Kind::at_time, *time};
}

async::Task<Result<void>> create_replica(async::Doors& doors, Prepared& made) {
  const std::string body =
      wire::create_copy_request(made.replica.location.name, made.primary_table);
  Result<std::string> created = co_await persist<std::string>(
      doors, doors.clock.now() + kPreflightFor, [&](Instant deadline) {
        return made.replica_client->call("CreateTable", body, deadline, true);
      });
  if (!created && created.error().code != "ResourceInUseException") {
    co_return unreachable(std::move(created).error(), "replica", made.replica);
  }
  doors.log.info(
      "created the replica; not copied: streams, TTL, encryption, tags, alarms, auto scaling, "
      "deletion "
      "protection, table class",
      {{"table", made.replica.where}});
  const Instant give_up = doors.clock.now() + 5min;  // tables with indexes take minutes
  while (doors.clock.now() < give_up) {
    Result<wire::TableDescription> table =
        co_await describe_table(doors, *made.replica_client, made.replica);
    if (table && table->status == "ACTIVE") {
      made.replica_table = std::move(*table);
      co_return Result<void>{};
    }
    co_await doors.loop.sleep_until(doors.clock.now() + 1s);
  }
  co_return misconfigured(
      "the replica " + made.replica.where + " did not become active within five minutes",
      "Look at it in the console, then start again.");
}

async::Task<Result<void>> find_tables(async::Doors& doors, const ReplicateOptions& options,
                                      Prepared& made) {
  Result<wire::TableDescription> primary =
      co_await describe_table(doors, *made.primary_client, made.primary);
  if (!primary) {
    if (primary.error().kind == FailureKind::not_found) {
      co_return missing_table(
          "primary", made.primary,
          "Check its name and region, and which account the credentials belong to.");
    }
    co_return unreachable(std::move(primary).error(), "primary", made.primary);
  }
  made.primary_table = std::move(*primary);
  Result<wire::TableDescription> replica =
      co_await describe_table(doors, *made.replica_client, made.replica);
  if (replica) {
    made.replica_table = std::move(*replica);
  } else if (replica.error().kind == FailureKind::not_found && options.create_replica) {
    Result<void> created = co_await create_replica(doors, made);
    if (!created) co_return std::move(created).error();
  } else if (replica.error().kind == FailureKind::not_found) {
    co_return missing_table("replica", made.replica,
                            "Create it with the primary's key schema, or give --create-replica.");
  } else {
    co_return unreachable(std::move(replica).error(), "replica", made.replica);
  }
  if (!made.primary_table.arn.empty()) made.primary.identity = made.primary_table.arn;
  if (!made.replica_table.arn.empty()) made.replica.identity = made.replica_table.arn;
  Result<void> fit =
      refuse_misfits(made.primary, made.primary_table, made.replica, made.replica_table);
  if (!fit) co_return fit;
  co_return Result<void>{};
}

async::Task<Result<void>> find_stream(async::Doors& doors, Prepared& made) {
  if (!made.kinesis) {
    if (made.primary_table.stream_enabled) co_return Result<void>{};
    co_return misconfigured(
        "the primary " + made.primary.where + " has no stream enabled",
        "Enable one: aws dynamodb update-table --table-name " + made.primary.location.name +
            " --stream-specification StreamEnabled=true,StreamViewType=KEYS_ONLY (or "
            "give --kinesis).");
  }
  const aws::Location& stream = made.kinesis->location;
  const std::string body =
      wire::describe_summary_request(stream.arn().empty() ? stream.name : stream.arn());
  Result<std::string> answer = co_await persist<std::string>(
      doors, doors.clock.now() + kPreflightFor, [&](Instant deadline) {
        return made.stream_client->call("DescribeStreamSummary", body, deadline, false);
      });
  if (!answer) {
    if (answer.error().kind == FailureKind::not_found) {
      co_return misconfigured(
          "the Kinesis stream " + made.kinesis->where + " does not exist",
          "Check its name and region, and which account the credentials belong to.");
    }
    co_return unreachable(std::move(answer).error(), "Kinesis stream", *made.kinesis);
  }
  Result<wire::KinesisSummary> summary = wire::decode_describe_summary(std::move(*answer));
  if (!summary) co_return unreachable(std::move(summary).error(), "Kinesis stream", *made.kinesis);
  made.kinesis_stream = std::move(*summary);
  co_return Result<void>{};
}

async::Task<std::optional<bool>> has_items(async::Doors& doors, aws::Client& client,
                                           const Side& side) {
  std::string body = wire::scan_request(side.location.name, 1);
  Result<std::string> answer =
      co_await client.call("Scan", std::move(body), doors.clock.now() + 5s, false);
  if (!answer) co_return std::nullopt;
  Result<wire::ItemsPage> page = wire::decode_items_page(std::move(*answer));
  if (!page) co_return std::nullopt;
  co_return !page->items.empty();
}

// Nothing tells from a stream what was written before it: say so when that is visible at the start.
async::Task<void> warn_of_missing_bootstrap(async::Doors& doors, Prepared& made) {
  const std::optional<bool> replica = co_await has_items(doors, *made.replica_client, made.replica);
  if (replica.value_or(true)) co_return;
  const std::optional<bool> primary = co_await has_items(doors, *made.primary_client, made.primary);
  if (!primary.value_or(false)) co_return;
  doors.log.warning(
      "the primary has items and the replica is empty: items that no record in the stream names "
      "will "
      "not be copied",
      {{"primary", made.primary.where}, {"replica", made.replica.where}});
}

Result<void> check_words(const ReplicateOptions& options) {
  if (options.mode != "fast" && options.mode != "fenced")
    return misconfigured("--mode " + options.mode + " is not known; there are fast and fenced");
  constexpr unsigned kStripesMax = 64;  // each is one write at a takeover
  if (options.stripes < 1 || options.stripes > kStripesMax)
    return misconfigured("--fence-stripes must be between 1 and 64");
  if (options.verify != "auto" && options.verify != "always" && options.verify != "never") {
    return misconfigured("--verify " + options.verify + " is none of auto, always and never");
  }
  if (options.lease_time < 2s || options.lease_time > 300s) {
    return misconfigured("--lease-time must be between 2 and 300 seconds");
  }
  return {};
}

Result<void> connect_sides(async::Doors& doors, const ReplicateOptions& options, Prepared& made) {
  const auto side = [&](const char* role, const std::string& text, bool stream,
                        const std::string& profile, const std::string& region,
                        Side& out) -> Result<void> {
    Result<aws::Location> location = stream ? aws::parse_stream(text) : aws::parse_table(text);
    if (!location) {
      Failure failure = std::move(location).error();
      failure.operation = role;
      return failure;
    }
    if (location->region.empty()) location->region = region;
    Result<Side> connected = connect(
        doors, role, *location, stream ? aws::Service::kinesis : aws::Service::dynamodb, profile);
    if (!connected) return std::move(connected).error();
    out = std::move(*connected);
    return {};
  };
  if (auto r = side("primary", options.primary, false, options.primary_profile,
                    options.primary_region, made.primary);
      !r)
    return r;
  if (auto r = side("replica", options.replica, false, options.replica_profile,
                    options.replica_region, made.replica);
      !r)
    return r;
  if (!options.kinesis.empty()) {
    made.kinesis.emplace();
    if (auto r = side("--kinesis", options.kinesis, true, options.primary_profile,
                      options.kinesis_region, *made.kinesis);
        !r)
      return r;
    if (made.kinesis->location.what != aws::Location::What::kinesis_stream) {
      return misconfigured(
          "--kinesis takes a Kinesis stream; the primary's own stream is read without it");
    }
  }
  const bool elsewhere =
      options.leases.find('/') != std::string::npos || options.leases.starts_with("arn:");
  if (elsewhere) {
    if (auto r = side("--leases", options.leases, false, options.replica_profile,
                      options.replica_region, made.leases);
        !r)
      return r;
  } else {
    made.leases = made.replica;
    made.leases.location.name =
        options.leases.empty() ? made.replica.location.name + "-leases" : options.leases;
    if (!aws::is_table_name(made.leases.location.name)) {
      return misconfigured("--leases: " + made.leases.location.name + " is no table name",
                           "3 to 255 letters, digits, '_', '-' and '.'.");
    }
    made.leases.where = aws::describe(made.leases.location, made.leases.endpoint);
  }
  // One transaction spans both tables, and none spans endpoints, regions or accounts.
  const bool beside = made.leases.endpoint == made.replica.endpoint &&
                      made.leases.location.region == made.replica.location.region;
  if (options.mode == "fenced" && !beside) {
    return misconfigured(
        "fenced mode needs the lease table beside the replica; " + made.leases.where +
            " is elsewhere",
        "Give --leases a table at the replica's endpoint, in its region and account.");
  }
  if (auto two = refuse_same_place(made.primary, made.replica); !two) return two;
  say_placeholders_once(doors, {&made.primary, &made.replica, &made.leases,
                                made.kinesis ? &*made.kinesis : &made.primary});
  return {};
}

}  // namespace

async::Task<Result<Prepared>> prepare(async::Doors& doors, const ReplicateOptions& options) {
  Prepared made;
  if (auto words = check_words(options); !words) co_return std::move(words).error();
  Result<core::StartAt> start = parse_start(options, doors.clock.wall());
  if (!start) co_return std::move(start).error();
  made.start = *start;
  if (auto sides = connect_sides(doors, options, made); !sides) co_return std::move(sides).error();
  if (!options.dead_letter.empty()) {
    if (auto writable = doors.files.probe_append(options.dead_letter); !writable) {
      co_return misconfigured("--dead-letter: " + to_text(writable.error()),
                              "Give a file in a folder that you may write to.");
    }
  }
  made.primary_client = make_client(doors, made.primary, aws::Service::dynamodb);
  made.replica_client = make_client(doors, made.replica, aws::Service::dynamodb);
  made.lease_client = make_client(doors, made.leases, aws::Service::dynamodb);
  if (made.kinesis) {
    made.stream_client = make_client(doors, *made.kinesis, aws::Service::kinesis);
  } else {
    Result<Side> streams = connect(doors, "primary", made.primary.location, aws::Service::streams,
                                   options.primary_profile);
    if (!streams) co_return std::move(streams).error();
    streams->credentials = made.primary.credentials;  // one cache of credentials a side
    made.stream_client = make_client(doors, *streams, aws::Service::streams);
  }
  Result<void> tables = co_await find_tables(doors, options, made);
  if (!tables) co_return std::move(tables).error();
  Result<void> stream = co_await find_stream(doors, made);
  if (!stream) co_return std::move(stream).error();
  co_await warn_of_missing_bootstrap(doors, made);
  co_return made;
}

}  // namespace dynamodb_replicator::app

#include "app/check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "wire/kinesis.h"

namespace dynamodb_replicator::app {
namespace {

// What a new on-demand table serves before it has grown (DynamoDB Developer Guide, "On-demand
// capacity mode"); one that has served more before takes more.
constexpr double kOnDemandReads = 12'000;
constexpr double kOnDemandWrites = 4'000;
// US East (N. Virginia), on-demand, US dollars a million units (Amazon DynamoDB pricing, 2025).
constexpr double kReadPrice = 0.125;
constexpr double kWritePrice = 0.625;
constexpr double kStreamHours = 24;  // a DynamoDB Stream's retention; it cannot be changed

std::string number(double value, int digits = 0) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string size_text(double bytes) {
  for (const char* unit : {"bytes", "kB", "MB", "GB"}) {
    if (bytes < 1000) return number(bytes, *unit == 'b' ? 0 : 1) + " " + unit;
    bytes /= 1000;
  }
  return number(bytes, 1) + " TB";
}

std::string span_text(double seconds) {
  if (seconds < 90) return number(std::max(1.0, std::ceil(seconds))) + " s";
  if (seconds < 90 * 60) return number(std::ceil(seconds / 60)) + " min";
  return number(seconds / 3600, 1) + " h";
}

std::string money(double read_units, double write_units) {
  const double dollars = (read_units * kReadPrice + write_units * kWritePrice) / 1e6;
  return dollars < 0.01 ? "under $0.01" : "$" + number(dollars, 2);
}

std::string capacity_text(const wire::Capacity& capacity) {
  if (capacity.read == 0 && capacity.write == 0) return "on-demand";
  return std::to_string(capacity.read) + " read and " + std::to_string(capacity.write) +
         " write units a second";
}

std::string table_text(const Side& side, const wire::TableDescription& table) {
  return side.where + ": " + std::to_string(table.item_count) + " items, " +
         size_text(static_cast<double>(table.size_bytes)) +
         " (by the service's estimate, up to six hours old), " + capacity_text(table.capacity);
}

struct Checker {
  async::Doors& doors;
  CheckOptions options;
  std::vector<Point> points{};

  void ok(const char* name, std::string text) { points.push_back({true, name, std::move(text)}); }
  void problem(const char* name, const Failure& failure) {
    points.push_back({false, name, to_text(failure)});
  }

  async::Task<std::optional<wire::TableDescription>> table(const char* role, Side side) {
    const std::unique_ptr<aws::Client> client = make_client(doors, side, aws::Service::dynamodb);
    Result<wire::TableDescription> described = co_await describe_table(doors, *client, side);
    if (described) {
      if (described->status.empty() || described->status == "ACTIVE" ||
          described->status == "UPDATING") {
        ok(role, table_text(side, *described));
        co_return *std::move(described);
      }
      problem(role,
              misconfigured(side.where + " is " + described->status, "Wait until it is ACTIVE."));
      co_return std::nullopt;
    }
    if (described.error().kind == FailureKind::not_found) {
      const bool replica = std::string_view(role) == "replica";
      problem(role, missing_table(role, side,
                                  replica ? "Create it with the primary's key schema, or let "
                                            "replicate do it with --create-replica."
                                          : "Check its name and region, and which account the "
                                            "credentials belong to."));
    } else {
      problem(role, unreachable(std::move(described).error(), role, side));
    }
    co_return std::nullopt;
  }

  // The hours for which records are kept; nullopt: there is no stream.
  std::optional<double> table_stream(const Side& primary, const wire::TableDescription& table) {
    if (table.stream_enabled) {
      ok("stream", "the primary's DynamoDB Stream is enabled, with view " + table.stream_view +
                       " (any will do, only keys are read); it keeps records for 24 h");
      return kStreamHours;
    }
    problem("stream",
            misconfigured(
                "the primary " + primary.where + " has no stream enabled",
                "Enable one: aws dynamodb update-table --table-name " + primary.location.name +
                    " --stream-specification StreamEnabled=true,StreamViewType=KEYS_ONLY; or "
                    "give --kinesis."));
    return std::nullopt;
  }

  async::Task<std::optional<double>> kinesis_stream() {
    Result<aws::Location> location = aws::parse_stream(options.kinesis);
    if (!location || location->what != aws::Location::What::kinesis_stream) {
      problem("stream", location
                            ? misconfigured("--kinesis " + options.kinesis +
                                            " is no Kinesis stream; the primary's own stream is "
                                            "read without it")
                            : std::move(location).error());
      co_return std::nullopt;
    }
    Result<Side> side =
        connect(doors, "--kinesis", *location, aws::Service::kinesis, options.pair.primary_profile);
    if (!side) {
      problem("stream", side.error());
      co_return std::nullopt;
    }
    const std::unique_ptr<aws::Client> client = make_client(doors, *side, aws::Service::kinesis);
    const std::string body =
        wire::describe_summary_request(location->arn().empty() ? location->name : location->arn());
    Result<std::string> answer = co_await persist<std::string>(
        doors, doors.clock.now() + kPreflightFor, [&](Instant deadline) {
          return client->call("DescribeStreamSummary", body, deadline, false);
        });
    if (!answer) {
      problem("stream",
              answer.error().kind == FailureKind::not_found
                  ? misconfigured("the Kinesis stream " + side->where + " does not exist",
                                  "Check its name and region, and which account the credentials "
                                  "belong to.")
                  : unreachable(std::move(answer).error(), "Kinesis stream", *side));
      co_return std::nullopt;
    }
    Result<wire::KinesisSummary> summary = wire::decode_describe_summary(std::move(*answer));
    if (!summary) {
      problem("stream", unreachable(std::move(summary).error(), "Kinesis stream", *side));
      co_return std::nullopt;
    }
    const auto hours = static_cast<double>(summary->retention_hours);
    ok("stream", "the Kinesis stream " + side->where + " is " + summary->status + ", with " +
                     std::to_string(summary->open_shards) + " open shards; it keeps records for " +
                     number(hours) + " h");
    co_return hours;
  }

  void retention(double hours, const Estimate& cost) {
    const std::string text = "a copy would take about " + span_text(cost.copy_seconds) +
                             ", the stream keeps records for " + number(hours) + " h";
    if (cost.copy_seconds < hours * 3600) return ok("retention", text);
    problem("retention",
            misconfigured(text, options.kinesis.empty()
                                    ? "Give the tables more capacity for the time of the copy."
                                    : "Raise the stream's retention (aws kinesis "
                                      "increase-stream-retention-period), or give the tables more "
                                      "capacity for the time of the copy."));
  }

  void price(const Estimate& cost) {
    const char* where = " (on-demand in us-east-1; prices elsewhere are up to twice that)";
    ok("diff", "diff-tables would consume about " + number(cost.diff_read_units) + " read units, " +
                   money(cost.diff_read_units, 0) + where);
    ok("copy", "a copy would consume about " + number(cost.copy_read_units) +
                   " read units of the primary and " + number(cost.copy_write_units) +
                   " write units of the replica, " +
                   money(cost.copy_read_units, cost.copy_write_units) + where);
  }

  async::Task<void> run() {
    Result<Side> primary =
        connect_table(doors, "primary", options.pair.primary, options.pair.primary_profile, {});
    Result<Side> replica =
        connect_table(doors, "replica", options.pair.replica, options.pair.replica_profile, {});
    if (!primary) problem("primary", primary.error());
    if (!replica) problem("replica", replica.error());
    if (!primary || !replica) co_return;
    if (auto two = refuse_same_place(*primary, *replica); !two) {
      problem("replica", two.error());
      co_return;
    }
    say_placeholders_once(doors, {&*primary, &*replica});
    std::optional<wire::TableDescription> left = co_await table("primary", *primary);
    std::optional<wire::TableDescription> right = co_await table("replica", *replica);
    if (left && right) {
      const Result<void> fit = refuse_misfits(*primary, *left, *replica, *right);
      if (fit) {
        ok("keys", "both tables have the key " + item::to_text(left->schema));
      } else {
        problem("keys", fit.error());
      }
    }
    std::optional<double> hours;
    if (!options.kinesis.empty()) {
      hours = co_await kinesis_stream();
    } else if (left) {
      hours = table_stream(*primary, *left);
    }
    if (!left || !right) co_return;
    const Estimate cost = estimate(*left, *right);
    if (hours) retention(*hours, cost);
    price(cost);
  }
};

}  // namespace

Estimate estimate(const wire::TableDescription& primary, const wire::TableDescription& replica) {
  const auto pages = [](const wire::TableDescription& table) {  // of 4 KB
    return static_cast<double>(table.size_bytes) / 4096;
  };
  const auto rate = [](std::int64_t provisioned, double on_demand) {
    return provisioned > 0 ? static_cast<double>(provisioned) : on_demand;
  };
  Estimate cost;
  cost.diff_read_units = std::ceil((pages(primary) + pages(replica)) / 2);
  cost.copy_read_units = std::ceil(pages(primary));
  const auto items = static_cast<double>(primary.item_count);
  const double average = items > 0 ? static_cast<double>(primary.size_bytes) / items : 0;
  cost.copy_write_units = items * std::max(1.0, std::ceil(average / 1024));
  cost.copy_seconds =
      std::max(cost.copy_read_units / rate(primary.capacity.read, kOnDemandReads),
               cost.copy_write_units / rate(replica.capacity.write, kOnDemandWrites));
  return cost;
}

async::Task<std::vector<Point>> check(async::Doors& doors, CheckOptions options) {
  Checker checker{doors, std::move(options)};
  co_await checker.run();
  co_return std::move(checker.points);
}

}  // namespace dynamodb_replicator::app

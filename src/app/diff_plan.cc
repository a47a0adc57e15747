#include "app/diff_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "app/state.h"
#include "wire/tables.h"

namespace dynamodb_replicator::app {
namespace {

// On demand in us-east-1, USD a million (price list of November 2024).
constexpr double kMillionReads = 0.125;
// A lag beyond this is no reason to wait: its replicator stands still.
constexpr Duration kLagMax = 10min;
constexpr Duration kSettleLeast = 5s;
constexpr double kPageBytes = 1 << 20;  // of items in one page of a scan
constexpr double kUnitBytes = 4096;     // a consistent read of this much is one unit

std::optional<int> number_of(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The segment that was asked for, by number or by a batch system.
Result<int> segment_of(async::Doors& doors, const DiffOptions& options) {
  std::string text = options.segment;
  if (text == "auto") {
    text = doors.environment.variable("AWS_BATCH_JOB_ARRAY_INDEX").value_or("");
    if (text.empty()) text = doors.environment.variable("JOB_COMPLETION_INDEX").value_or("");
    if (text.empty()) {
      return misconfigured(
          "--segment auto: neither AWS_BATCH_JOB_ARRAY_INDEX nor JOB_COMPLETION_INDEX is set",
          "Give --segment N.");
    }
  }
  const std::optional<int> segment = number_of(text);
  if (!segment || *segment < 0 || *segment >= options.segments) {
    return misconfigured("--segment " + text + " is no segment of " +
                             std::to_string(options.segments) + "; they are counted from 0",
                         "Give a number from 0 to " + std::to_string(options.segments - 1) + ".");
  }
  return *segment;
}

// The attribute by which the table's items expire; empty: none, or we may not know.
async::Task<Result<std::string>> ttl_of(async::Doors& doors, aws::Client& client,
                                        std::string table) {
  const std::string body = wire::describe_ttl_request(table);
  Result<std::string> answer = co_await persist<std::string>(
      doors, doors.clock.now() + kPreflightFor,
      [&](Instant deadline) { return client.call("DescribeTimeToLive", body, deadline, false); });
  if (!answer) {
    const Failure& failure = answer.error();
    const bool without_ttl = failure.code.starts_with("UnknownOperation");  // an engine may be
    if (!without_ttl && failure.kind != FailureKind::denied) co_return std::move(answer).error();
    if (!without_ttl) {
      doors.log.warning("whether items expire is not known; expired ones count as others do",
                        {{"after", to_text(failure)}});
    }
    co_return std::string();
  }
  co_return wire::decode_describe_ttl(std::move(*answer));
}

Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Duration settle_time(async::Doors& doors, const DiffOptions& options, const Neighbour& neighbour) {
  if (options.settle) return from_seconds(*options.settle);
  if (!neighbour.lag) return kSettleLeast;
  if (*neighbour.lag > kLagMax) {
    doors.log.warning(
        "the replicator of this pair stands still or is far behind: what it has not applied yet "
        "counts as different; --settle SECONDS waits longer",
        {{"behind_seconds",
          std::to_string(static_cast<long long>(base::seconds(*neighbour.lag)))}});
    return kSettleLeast;
  }
  return std::max<Duration>(*neighbour.lag + 1s, kSettleLeast);
}

}  // namespace

Result<void> check_options(const DiffOptions& options) {
  if (options.segment.empty() != (options.segments == 0)) {
    return misconfigured(
        options.segment.empty() ? "--segments without --segment" : "--segment without --segments",
        "Give both, as --segment 0 --segments 4, or neither.");
  }
  if (options.sample < 1 && !options.segment.empty())
    return misconfigured("--sample and --segment exclude each other");
  if (options.backfill && options.exit_code) {
    return misconfigured("--exit-code with --backfill, which compares nothing",
                         "Leave one away; a backfill that left something undone ends with 2.");
  }
  if (options.ttl != "ignore" && options.ttl != "compare")
    return misconfigured("--ttl " + options.ttl + " is neither ignore nor compare");
  return {};
}

std::string price_text(double read_units) {
  char text[96];
  std::snprintf(text, sizeof text, "about %.0f read units, %.2f USD on demand in us-east-1",
                std::ceil(read_units), read_units * kMillionReads / 1e6);
  return text;
}

async::Task<Result<DiffPlan>> plan_diff(async::Doors& doors, const DiffOptions& options,
                                        const Pair& pair) {
  DiffPlan plan;
  flow::CompareSettings& settings = plan.settings;
  settings.schema = pair.primary_table.schema;
  for (const std::string& name : options.ignore) {
    const bool key = name == settings.schema.hash.name ||
                     (settings.schema.range && name == settings.schema.range->name);
    if (key) co_return misconfigured("--ignore " + name + ": a key attribute cannot be ignored");
  }
  settings.rules.ignored = item::Ignored(options.ignore);
  if (options.ttl == "ignore") {
    Result<std::string> ttl =
        co_await ttl_of(doors, *pair.primary_client, pair.primary.location.name);
    if (ttl && ttl->empty())
      ttl = co_await ttl_of(doors, *pair.replica_client, pair.replica.location.name);
    if (!ttl) co_return std::move(ttl).error();
    settings.rules.ttl = std::move(*ttl);
  }
  const bool waits = !options.settle && !options.backfill;
  Result<Neighbour> neighbour = co_await find_neighbour(doors, pair, options.pair.leases, waits);
  if (!neighbour) co_return std::move(neighbour).error();
  plan.neighbour = *std::move(neighbour);
  settings.settle = settle_time(doors, options, plan.neighbour);
  settings.concurrency = options.concurrency;
  settings.consistent = options.consistent;
  settings.read_units = options.read_units;
  Result<std::string> state = state_directory(doors, options.state);
  if (!state) co_return std::move(state).error();
  settings.scratch = *state;

  const wire::TableDescription& one = pair.primary_table;
  const wire::TableDescription& two = pair.replica_table;
  const double share_of_unit = options.consistent ? 1 : 0.5;
  double fraction = options.sample;
  if (!options.segment.empty()) {
    Result<int> segment = segment_of(doors, options);
    if (!segment) co_return std::move(segment).error();
    settings.segments = options.segments;
    settings.chosen = {*segment};
    fraction = 1.0 / options.segments;
    plan.part = "segment " + std::to_string(*segment) + " of " + std::to_string(options.segments);
  } else {
    settings.segments = core::segments_for(std::max(one.size_bytes, two.size_bytes),
                                           options.concurrency, options.sample);
    settings.chosen = core::choose_segments(settings.segments, options.sample, doors.dice.roll());
    if (options.sample < 1) {
      plan.part = "a sample, " + std::to_string(settings.chosen.size()) + " of " +
                  std::to_string(settings.segments) + " segments; the others were not looked at";
    }
  }
  settings.whole = settings.chosen.size() == static_cast<std::size_t>(settings.segments);
  plan.expected_items = static_cast<double>(one.item_count + two.item_count) * fraction;
  const double bytes = static_cast<double>(one.size_bytes + two.size_bytes) * fraction;
  plan.expected_units = bytes / kUnitBytes * share_of_unit;
  const double largest = static_cast<double>(std::max(one.size_bytes, two.size_bytes));
  const double a_page = std::min(kPageBytes, largest / settings.segments);
  settings.units_a_page = std::max(0.5, a_page / kUnitBytes * share_of_unit);
  co_return plan;
}

}  // namespace dynamodb_replicator::app

#include "app/replicate.h"

#include <algorithm>
#include <cstdio>

#include "app/kinesis_source.h"
#include "app/lease_table.h"
#include "app/preflight.h"
#include "app/streams_source.h"
#include "app/tables.h"
#include "async/scope.h"
#include "base/bytes.h"
#include "base/planted.h"
#include "core/backoff.h"
#include "core/shards.h"
#include "flow/follow.h"
#include "flow/shard_session.h"

namespace dynamodb_replicator::app {
namespace {

constexpr Duration kLookForStreamEvery = 10s;  // while the primary's stream is disabled
constexpr Duration kCallFor = 10s;             // one call between streams, then it is tried again
constexpr Duration kReportEvery = 30s;         // a line of progress in the log

// The task's value, or nullopt once `stop` is open; then the task's frame is destroyed where it
// waits. Every call before and between streams goes through it: a stop does not wait for an outside
// that does not answer.
template <class T>
async::Task<std::optional<T>> unless_stopped(async::Loop& loop, async::Gate& stop,
                                             async::Task<T> task) {
  std::optional<T> value;
  async::Gate over(loop);
  async::Scope scope(loop);
  scope.spawn(
      [](async::Task<T> inner, std::optional<T>& out, async::Gate& gate) -> async::Task<void> {
        T result = co_await std::move(inner);
        out.emplace(std::move(result));
        gate.open();
      }(std::move(task), value, over));
  if (base::planted(base::Bug::stop_waits_at_start)) {
    co_await over.wait();
    co_return value;
  }
  scope.spawn([](async::Gate& asked, async::Gate& gate) -> async::Task<void> {
    co_await asked.wait();
    gate.open();
  }(stop, over));
  co_await over.wait();
  if (stop.is_open()) value.reset();  // both at the same moment
  co_return value;
}

// One run of `replicate`: the parts that live as long as it does, and the streams one after the
// other.
class Replicator {
 public:
  Replicator(async::Doors& doors, const ReplicateOptions& options, Control& control,
             Prepared prepared)
      : doors_(doors),
        options_(options),
        control_(control),
        prepared_(std::move(prepared)),
        primary_(*prepared_.primary_client, prepared_.primary.location.name,
                 prepared_.primary_table.schema),
        replica_(*prepared_.replica_client, prepared_.replica.location.name,
                 prepared_.replica_table.schema),
        fenced_(doors.dice, *prepared_.replica_client, prepared_.replica.location.name,
                prepared_.leases.location.name),
        leases_(doors, *prepared_.lease_client, prepared_.leases.location.name),
        settings_(make_settings()),
        context_{doors_.loop, doors_.clock, doors_.dice,      doors_.files,
                 doors_.log,  primary_,     replica_,         replica_,
                 leases_,     settings_,    control_.metrics, control_.stop} {
    if (options_.mode == "fenced") context_.fenced = &fenced_;
    if (options_.until_caught_up) until_ = prepared_.stream_client->service_time();
  }

  async::Task<int> run();

 private:
  flow::Settings make_settings() const;
  async::Task<Result<void>> open_lease_table();
  async::Task<std::optional<core::OlderStreams>> older_streams(const std::string& current);
  async::Task<bool> is_there(flow::Stream& stream);
  async::Task<void> pause(const Failure& failure, const char* before);
  async::Task<flow::FollowEnd> follow(flow::Stream& stream, core::StartAt start,
                                      std::optional<WallTime> until);
  async::Task<flow::FollowEnd> follow_kinesis();
  async::Task<flow::FollowEnd> follow_table_streams();
  async::Task<std::optional<std::string>> next_stream(const std::string& current);
  async::Task<void> report();
  void say_gap(const std::string& stream, const char* what);
  int status(flow::FollowEnd end) const;

  async::Doors& doors_;
  const ReplicateOptions& options_;
  Control& control_;
  Prepared prepared_;
  BatchTable primary_;
  BatchTable replica_;
  FencedTable fenced_;
  LeaseTable leases_;
  flow::Settings settings_;
  flow::Context context_;
  std::optional<WallTime> until_;
  unsigned failures_ = 0;  // before the first stream is followed
};

flow::Settings Replicator::make_settings() const {
  flow::Settings settings;
  settings.worker =
      doors_.environment.process_name() + "/" + flow::fresh_nonce(doors_.dice).substr(0, 8);
  settings.lease = options_.lease_time;
  settings.doubt = options_.doubt;
  settings.verify_always = options_.verify == "always";
  settings.verify_never = options_.verify == "never";
  settings.dead_letter = options_.dead_letter;
  settings.read_units = options_.read_units;
  settings.write_units = options_.write_units;
  return settings;
}

async::Task<Result<void>> Replicator::open_lease_table() {
  core::MetaRow meta;
  meta.primary = prepared_.primary.identity;
  meta.replica = prepared_.replica.identity;
  meta.mode = options_.mode;
  meta.nonce = flow::fresh_nonce(doors_.dice);
  const wire::Capacity capacity{options_.lease_capacity_read, options_.lease_capacity_write};
  if (options_.mode == "fenced") meta.stripes = options_.stripes;
  Result<core::MetaRow> opened = co_await leases_.open(meta, capacity, doors_.clock.now() + 60s);
  if (!opened) co_return std::move(opened).error();
  settings_.stripes = opened->stripes;
  co_return Result<void>{};
}

void Replicator::say_gap(const std::string& stream, const char* what) {
  ++control_.metrics.gaps;
  doors_.log.error("a gap: changes may have been missed; compare the tables and repair the replica",
                   {{"stream", stream}, {"what", what}});
}

async::Task<flow::FollowEnd> Replicator::follow(flow::Stream& stream, core::StartAt start,
                                                std::optional<WallTime> until) {
  control_.metrics.shards.clear();
  flow::Follower follower(context_, stream, start, until);
  co_return co_await follower.run();
}

async::Task<flow::FollowEnd> Replicator::follow_kinesis() {
  KinesisSource stream(*prepared_.stream_client, prepared_.kinesis->location,
                       *prepared_.kinesis_stream, prepared_.primary_table.schema,
                       options_.table_name, options_.num_records);
  doors_.log.info("following", {{"stream", stream.identity()},
                                {"primary", prepared_.primary.where},
                                {"replica", prepared_.replica.where},
                                {"worker", settings_.worker}});
  const std::optional<core::OlderStreams> older = co_await older_streams(stream.identity());
  if (!older) co_return flow::FollowEnd::stopped;
  for (const std::string& identity : older->unfinished)
    say_gap(identity, "this stream was not read to its end and is not followed any more");
  co_return co_await follow(stream, prepared_.start, until_);
}

async::Task<void> Replicator::pause(const Failure& failure, const char* before) {
  if (context_.complaints.due(before + failure.code, doors_.clock.now())) {
    doors_.log.warning("trying again", {{"before", before}, {"after", to_text(failure)}});
  }
  const Duration wait = core::retry_after(failure.kind, ++failures_, doors_.dice.roll());
  co_await control_.stop.wait_until(doors_.clock.now() + wait);
}

// What the lease table has of streams but the current one; nullopt: we are asked to stop. Asked
// until it is known: what is forgotten here is read by nobody.
async::Task<std::optional<core::OlderStreams>> Replicator::older_streams(
    const std::string& current) {
  while (!control_.stop.is_open()) {
    const auto rows = co_await unless_stopped(doors_.loop, control_.stop,
                                              leases_.all(doors_.clock.now() + kCallFor));
    if (!rows) break;
    if (rows->ok()) co_return core::older_streams(**rows, current);
    co_await pause(rows->error(), "which streams were followed before");
  }
  co_return std::nullopt;
}

// Only the service's own word counts: a stream that was not asked about is not gone.
async::Task<bool> Replicator::is_there(flow::Stream& stream) {
  while (!control_.stop.is_open()) {
    const auto there = co_await unless_stopped(doors_.loop, control_.stop,
                                               stream.list(doors_.clock.now() + kCallFor));
    if (!there) break;
    if (there->ok()) co_return true;
    if (there->error().kind == FailureKind::not_found) co_return false;
    co_await pause(there->error(), "the stream that was followed before");
  }
  co_return true;
}

// The table's stream after `current`: a new ARN, once it has one; nullopt: we are asked to stop.
async::Task<std::optional<std::string>> Replicator::next_stream(const std::string& current) {
  while (!control_.stop.is_open()) {
    auto answer = co_await unless_stopped(
        doors_.loop, control_.stop,
        prepared_.primary_client->call(
            "DescribeTable", wire::describe_table_request(prepared_.primary.location.name),
            doors_.clock.now() + kCallFor, false));
    if (!answer) break;
    if (answer->ok()) {
      Result<wire::TableDescription> table = wire::decode_describe_table(std::move(**answer));
      if (table && table->stream_enabled && table->stream_arn != current)
        co_return table->stream_arn;
    }
    if (context_.complaints.due("no stream", doors_.clock.now())) {
      doors_.log.error("the primary's stream is disabled; waiting until it is enabled again",
                       {{"primary", prepared_.primary.where}});
    }
    control_.metrics.blocked = "the primary's stream is disabled";
    co_await control_.stop.wait_until(doors_.clock.now() + kLookForStreamEvery);
  }
  co_return std::nullopt;
}

// A table's streams one after the other: what an older one still has, then the current one, then
// the next when the stream is disabled and enabled again. Changes made in between are in no stream.
async::Task<flow::FollowEnd> Replicator::follow_table_streams() {
  std::string arn = prepared_.primary_table.stream_arn;
  const auto source = [this](const std::string& stream, aws::Client* of_table) {
    return StreamsSource(*prepared_.stream_client, stream, prepared_.primary_table.schema,
                         options_.num_records, {of_table, prepared_.primary.location.name});
  };
  aws::Client* const table = prepared_.primary_client.get();
  const std::optional<core::OlderStreams> older = co_await older_streams(arn);
  if (!older) co_return flow::FollowEnd::stopped;
  constexpr const char* kBetween =
      "the primary's stream was disabled and enabled again; what changed in between is in no "
      "stream";
  // Whoever read the older ones to their ends may have died before it could say so.
  if (older->unfinished.empty() && older->changed_over) say_gap(arn, kBetween);
  core::StartAt start = prepared_.start;
  for (const std::string& before : older->unfinished) say_gap(before, kBetween);
  std::vector<std::string> asked = older->unfinished;
  asked.insert(asked.end(), older->seemingly_read.begin(), older->seemingly_read.end());
  std::sort(asked.begin(), asked.end());  // their names end with the times when they began
  for (const std::string& before : asked) {
    StreamsSource alone = source(before, nullptr);
    const bool there = co_await is_there(alone);
    if (!there) continue;
    StreamsSource stream = source(before, table);
    const flow::FollowEnd end = co_await follow(stream, start, std::nullopt);
    if (end != flow::FollowEnd::complete) co_return end;
    start = {};  // the next stream from its beginning
  }
  for (;;) {
    StreamsSource stream = source(arn, table);
    doors_.log.info("following", {{"stream", arn},
                                  {"primary", prepared_.primary.where},
                                  {"replica", prepared_.replica.where},
                                  {"worker", settings_.worker}});
    const flow::FollowEnd end = co_await follow(stream, start, until_);
    if (end != flow::FollowEnd::complete || until_) co_return end;
    const std::optional<std::string> next = co_await next_stream(arn);
    if (!next) co_return flow::FollowEnd::stopped;
    control_.metrics.blocked.clear();
    say_gap(arn, kBetween);
    arn = *next;
    start = {};
  }
}

// Long work shows progress; a line says nothing when nothing has happened since the last.
async::Task<void> Replicator::report() {
  std::uint64_t said = 0;
  while (!control_.stop.is_open()) {
    co_await control_.stop.wait_until(doors_.clock.now() + kReportEvery);
    const flow::Metrics& m = control_.metrics;
    if (m.records_applied == said) continue;
    said = m.records_applied;
    char lag[32];
    std::snprintf(lag, sizeof lag, "%.1f s", flow::lag_seconds(m, doors_.clock.wall()));
    const auto owned = std::count_if(m.shards.begin(), m.shards.end(),
                                     [](const auto& s) { return s.second.owned; });
    doors_.log.info("following", {{"applied", std::to_string(m.records_applied)},
                                  {"puts", std::to_string(m.puts)},
                                  {"deletes", std::to_string(m.deletes)},
                                  {"shards", std::to_string(owned)},
                                  {"lag", lag}});
  }
}

int Replicator::status(flow::FollowEnd end) const {
  bool any_stopped = false;
  for (const auto& [shard, state] : control_.metrics.shards)
    any_stopped = any_stopped || !state.stopped.empty();
  const bool lossy = options_.until_caught_up && control_.metrics.gaps > 0;
  return any_stopped || lossy || end == flow::FollowEnd::all_stopped ? 2 : 0;
}

async::Task<int> Replicator::run() {
  const std::optional<Result<void>> opened =
      co_await unless_stopped(doors_.loop, control_.stop, open_lease_table());
  if (!opened) co_return 0;
  if (!opened->ok()) {
    doors_.log.error(to_text(opened->error()));
    co_return 2;
  }
  async::Scope side(doors_.loop);
  side.spawn(report());
  flow::FollowEnd end = flow::FollowEnd::stopped;
  if (prepared_.kinesis) {
    end = co_await follow_kinesis();
  } else {
    end = co_await follow_table_streams();
  }
  const flow::Metrics& m = control_.metrics;
  if (end == flow::FollowEnd::caught_up) doors_.log.info("caught up");
  doors_.log.info("stopped", {{"records", std::to_string(m.records_read)},
                              {"applied", std::to_string(m.records_applied)},
                              {"puts", std::to_string(m.puts)},
                              {"deletes", std::to_string(m.deletes)},
                              {"dead-lettered", std::to_string(m.dead_lettered)},
                              {"gaps", std::to_string(m.gaps)}});
  co_return status(end);
}

}  // namespace

async::Task<int> replicate(async::Doors& doors, ReplicateOptions options, Control& control) {
  std::optional<Result<Prepared>> prepared =
      co_await unless_stopped(doors.loop, control.stop, prepare(doors, options));
  if (!prepared) co_return 0;
  if (!prepared->ok()) {
    doors.log.error(to_text(prepared->error()));
    co_return 2;
  }
  Replicator replicator(doors, options, control, std::move(**prepared));
  co_return co_await replicator.run();
}

}  // namespace dynamodb_replicator::app

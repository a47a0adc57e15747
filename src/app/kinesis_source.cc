#include "app/kinesis_source.h"

#include <algorithm>

#include "app/side.h"
#include "app/streams_source.h"
#include "wire/aggregated.h"
#include "wire/answer.h"

namespace dynamodb_replicator::app {
namespace {

flow::ShardInfo to_info(wire::KinesisShard shard) {
  return {std::move(shard.id), std::move(shard.parents), shard.closed};
}

flow::StreamRecord to_stream_record(wire::RawRecord raw, const wire::RecordForm& form) {
  flow::StreamRecord record{std::move(raw.sequence), raw.at, std::move(raw.raw), {}, true};
  const auto add = [&](wire::Record decoded) {
    record.from_aws = record.from_aws && decoded.from_aws;
    record.entries.push_back(to_entry(std::move(decoded)));
  };
  const std::optional<std::vector<wire::AggregatedPart>> parts = wire::split_aggregated(record.raw);
  if (!parts) {
    add(wire::decode_record(record.raw, form));
    return record;
  }
  // A packet lies where its own partition key put it, whoever wrote what is inside.
  record.from_aws = false;
  for (const wire::AggregatedPart& part : *parts) {
    if (const auto* bytes = std::get_if<std::string_view>(&part)) {
      add(wire::decode_record(*bytes, form));
    } else {
      record.entries.emplace_back(flow::Junk{std::get<wire::BadRecord>(part).reason});
    }
  }
  return record;
}

}  // namespace

KinesisSource::KinesisSource(aws::Client& client, const aws::Location& location,
                             const wire::KinesisSummary& summary, item::KeySchema schema,
                             std::string table, int limit)
    : client_(client),
      stream_(location.arn().empty() ? location.name : location.arn()),
      identity_((summary.arn.empty() ? location.name : summary.arn) + "@" +
                std::to_string(std::chrono::floor<std::chrono::seconds>(summary.created)
                                   .time_since_epoch()
                                   .count())),
      retention_(std::chrono::hours(summary.retention_hours)),
      form_{std::move(schema), std::move(table)},
      limit_(limit) {}

flow::Task<Result<flow::Listing>> KinesisSource::list(Instant deadline) {
  flow::Listing listing;
  std::string token;
  for (;;) {
    Result<std::string> answer = co_await client_.call(
        "ListShards", wire::list_shards_request(stream_, token), deadline, false);
    if (!answer) co_return std::move(answer).error();
    Result<wire::KinesisShardsPage> page = wire::decode_list_shards(std::move(*answer));
    if (!page) co_return about(std::move(page).error(), "ListShards", client_);
    for (wire::KinesisShard& shard : page->shards)
      listing.shards.push_back(to_info(std::move(shard)));
    if (!page->next) break;
    if (*page->next == token) {
      co_return about(wire::unusable("the listing of shards goes round in a circle"), "ListShards",
                      client_);
    }
    token = *page->next;
  }
  co_return listing;
}

flow::Task<Result<std::string>> KinesisSource::open(const std::string& shard,
                                                    const flow::Position& position,
                                                    Instant deadline) {
  wire::KinesisPosition at;
  if (position.kind == flow::Position::Kind::at_time) {
    at = {wire::KinesisPosition::Kind::at_time, position.time, {}};
  } else if (position.kind == flow::Position::Kind::after) {
    at = {wire::KinesisPosition::Kind::after, {}, position.sequence};
  }
  std::string body = wire::kinesis_iterator_request(stream_, shard, at);
  Result<std::string> answer =
      co_await client_.call("GetShardIterator", std::move(body), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<std::string> iterator = wire::decode_iterator(std::move(*answer));
  if (!iterator) co_return about(std::move(iterator).error(), "GetShardIterator", client_);
  co_return iterator;
}

flow::Task<Result<flow::Page>> KinesisSource::read(const std::string& iterator, Instant deadline) {
  Result<std::string> answer = co_await client_.call(
      "GetRecords", wire::kinesis_records_request(iterator, limit_), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<wire::KinesisRecords> decoded = wire::decode_kinesis_records(std::move(*answer));
  if (!decoded) co_return about(std::move(decoded).error(), "GetRecords", client_);
  flow::Page page;
  page.next = std::move(decoded->next);
  page.behind = decoded->behind;
  for (wire::RawRecord& raw : decoded->records)
    page.records.push_back(to_stream_record(std::move(raw), form_));
  for (wire::KinesisShard& child : decoded->children)
    page.children.push_back(to_info(std::move(child)));
  co_return page;
}

}  // namespace dynamodb_replicator::app

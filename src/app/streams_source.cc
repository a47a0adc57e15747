#include "app/streams_source.h"

#include <set>

#include "app/side.h"
#include "wire/answer.h"
#include "wire/streams.h"
#include "wire/tables.h"

namespace dynamodb_replicator::app {
namespace {

// The pages of a listing are read one after the other while the stream goes on: a parent may still
// look open although its child is listed already. No record will be added to it.
void close_parents(std::vector<flow::ShardInfo>& shards) {
  std::set<std::string> parents;
  for (const flow::ShardInfo& shard : shards)
    parents.insert(shard.parents.begin(), shard.parents.end());
  for (flow::ShardInfo& shard : shards) shard.closed = shard.closed || parents.contains(shard.id);
}

}  // namespace

std::variant<item::KeyRef, flow::Junk, flow::NotOurs> to_entry(wire::Record record) {
  if (auto* key = std::get_if<item::KeyRef>(&record.entry)) return std::move(*key);
  if (auto* bad = std::get_if<wire::BadRecord>(&record.entry))
    return flow::Junk{std::move(bad->reason)};
  return flow::NotOurs{};
}

StreamsSource::StreamsSource(aws::Client& client, std::string arn, item::KeySchema schema,
                             int limit, OfTable table)
    : client_(client),
      arn_(std::move(arn)),
      form_{std::move(schema), {}},
      limit_(limit),
      table_(std::move(table)) {}

// "Not found" alone may be a moment's answer, or another account's. It is the end when the table
// says as well that this is not its stream now: a disabled stream goes after a day, and who was
// away so long must not wait for it.
flow::Task<bool> StreamsSource::table_has_left(Instant deadline) {
  if (table_.client == nullptr) co_return false;
  Result<std::string> answer = co_await table_.client->call(
      "DescribeTable", wire::describe_table_request(table_.name), deadline, false);
  if (!answer) co_return false;
  Result<wire::TableDescription> table = wire::decode_describe_table(std::move(*answer));
  co_return table && !(table->stream_enabled && table->stream_arn == arn_);
}

flow::Task<Result<flow::Listing>> StreamsSource::list(Instant deadline) {
  flow::Listing listing;
  std::string after;
  for (;;) {
    Result<std::string> answer = co_await client_.call(
        "DescribeStream", wire::describe_stream_request(arn_, after), deadline, false);
    if (!answer && answer.error().kind == FailureKind::not_found) {
      const bool gone = co_await table_has_left(deadline);
      if (gone) co_return flow::Listing{{}, true, true};
    }
    if (!answer) co_return std::move(answer).error();
    Result<wire::StreamPage> page = wire::decode_describe_stream(std::move(*answer));
    if (!page) co_return about(std::move(page).error(), "DescribeStream", client_);
    listing.ended = page->status == "DISABLED";
    for (const wire::StreamShard& shard : page->shards) {
      flow::ShardInfo info{shard.id, {}, !shard.last.empty()};
      if (!shard.parent.empty()) info.parents.push_back(shard.parent);
      listing.shards.push_back(std::move(info));
    }
    if (!page->last_shard) break;
    if (*page->last_shard == after) {
      co_return about(wire::unusable("the listing of shards goes round in a circle"),
                      "DescribeStream", client_);
    }
    after = *page->last_shard;
  }
  close_parents(listing.shards);
  co_return listing;
}

flow::Task<Result<std::string>> StreamsSource::open(const std::string& shard,
                                                    const flow::Position& position,
                                                    Instant deadline) {
  // There is no AT_TIMESTAMP here: such a start reads from the oldest record and the session
  // filters by time.
  const std::string after =
      position.kind == flow::Position::Kind::after ? position.sequence : std::string();
  Result<std::string> answer = co_await client_.call(
      "GetShardIterator", wire::stream_iterator_request(arn_, shard, after), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<std::string> iterator = wire::decode_iterator(std::move(*answer));
  if (!iterator) co_return about(std::move(iterator).error(), "GetShardIterator", client_);
  co_return iterator;
}

flow::Task<Result<flow::Page>> StreamsSource::read(const std::string& iterator, Instant deadline) {
  Result<std::string> answer = co_await client_.call(
      "GetRecords", wire::stream_records_request(iterator, limit_), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<wire::StreamRecords> decoded = wire::decode_stream_records(std::move(*answer), form_);
  if (!decoded) co_return about(std::move(decoded).error(), "GetRecords", client_);
  flow::Page page;
  page.next = std::move(decoded->next);
  for (wire::StreamRecords::One& one : decoded->records) {
    flow::StreamRecord record{
        std::move(one.raw.sequence), one.raw.at, std::move(one.raw.raw), {}, true};
    record.entries.push_back(to_entry(std::move(one.record)));
    page.records.push_back(std::move(record));
  }
  co_return page;
}

}  // namespace dynamodb_replicator::app

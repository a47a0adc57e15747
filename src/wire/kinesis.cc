#include "wire/kinesis.h"

#include <cstdio>

#include "base/bytes.h"
#include "item/json.h"
#include "wire/answer.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

JsonWriter request_for(std::string_view stream) {
  JsonWriter request;
  request.text(stream.starts_with("arn:") ? "StreamARN" : "StreamName", stream);
  return request;
}

// Seconds with three decimals, rounded down, so that no record of the asked time is missed.
std::string seconds_text(WallTime time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  std::string text = std::to_string(ms / 1000) + '.';
  const std::string fraction = std::to_string(ms % 1000);
  return text.append(3 - fraction.size(), '0') + fraction;
}

bool read_parent(json::Value value, std::vector<std::string>& parents) {
  if (json::is_null(value)) return true;
  return json::read(value, parents.emplace_back());
}

bool read_range(json::Value value, bool& closed) {
  return json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "EndingSequenceNumber") closed = !json::is_null(member);
    return true;
  });
}

bool read_shard(json::Value value, KinesisShard& shard) {
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "ShardId") return json::read(member, shard.id);
    if (name == "ParentShardId" || name == "AdjacentParentShardId")
      return read_parent(member, shard.parents);
    if (name == "SequenceNumberRange") return read_range(member, shard.closed);
    return true;
  });
  return whole && !shard.id.empty();
}

// Of GetRecords' last page: a shard's parents are a list there.
bool read_child(json::Value value, KinesisShard& shard) {
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "ShardId") return json::read(member, shard.id);
    if (name == "ParentShards") {
      return json::each_element(
          member, [&](json::Value parent) { return read_parent(parent, shard.parents); });
    }
    return true;
  });
  return whole && !shard.id.empty();
}

bool read_time(json::Value value, WallTime& time) {
  double number = 0;
  if (!json::read(value, number)) return false;
  time = time_from_number(number);
  return true;
}

bool read_summary(std::string_view name, json::Value value, KinesisSummary& summary) {
  if (name == "StreamName") return json::read(value, summary.name);
  if (name == "StreamARN") return json::read(value, summary.arn);
  if (name == "StreamStatus") return json::read(value, summary.status);
  if (name == "StreamCreationTimestamp") return read_time(value, summary.created);
  if (name == "RetentionPeriodHours") return json::read(value, summary.retention_hours);
  if (name == "OpenShardCount") return json::read(value, summary.open_shards);
  return true;
}

bool read_record(json::Value value, RawRecord& record) {
  bool data = false;
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "SequenceNumber") return json::read(member, record.sequence);
    if (name == "ApproximateArrivalTimestamp")
      return json::is_null(member) || read_time(member, record.at);
    if (name != "Data") return true;
    std::string_view text;
    if (!json::read(member, text)) return false;
    auto bytes = base::from_base64(text);
    if (!bytes) return false;
    record.raw = std::move(*bytes);
    return data = true;
  });
  return whole && data && !record.sequence.empty();
}

}  // namespace

std::string describe_summary_request(std::string_view stream) { return request_for(stream).end(); }

Result<KinesisSummary> decode_describe_summary(std::string body) {
  KinesisSummary summary;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name != "StreamDescriptionSummary") return true;
    return json::each_field(value, [&](std::string_view field, json::Value member) {
      return read_summary(field, member, summary);
    });
  });
  if (!whole || summary.arn.empty() || summary.status.empty()) {
    return unusable("the answer to DescribeStreamSummary does not describe a stream");
  }
  return summary;
}

std::string list_shards_request(std::string_view stream, std::string_view token) {
  if (!token.empty()) return JsonWriter().text("NextToken", token).end();
  return request_for(stream).end();
}

Result<KinesisShardsPage> decode_list_shards(std::string body) {
  KinesisShardsPage page;
  bool shards = false;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "NextToken") return json::is_null(value) || json::read(value, page.next.emplace());
    if (name != "Shards") return true;
    shards = true;
    return json::each_element(value, [&](json::Value element) {
      return read_shard(element, page.shards.emplace_back());
    });
  });
  if (!whole || !shards) return unusable("the answer to ListShards holds no shards");
  return page;
}

std::string kinesis_iterator_request(std::string_view stream, std::string_view shard,
                                     const KinesisPosition& position) {
  JsonWriter request = request_for(stream);
  request.text("ShardId", shard);
  switch (position.kind) {
    case KinesisPosition::Kind::trim_horizon:
      request.text("ShardIteratorType", "TRIM_HORIZON");
      break;
    case KinesisPosition::Kind::at_time:
      request.text("ShardIteratorType", "AT_TIMESTAMP")
          .raw("Timestamp", seconds_text(position.time));
      break;
    case KinesisPosition::Kind::after:
      request.text("ShardIteratorType", "AFTER_SEQUENCE_NUMBER")
          .text("StartingSequenceNumber", position.sequence);
      break;
  }
  return request.end();
}

std::string kinesis_records_request(std::string_view iterator, int limit) {
  return stream_records_request(iterator, limit);
}

Result<KinesisRecords> decode_kinesis_records(std::string body) {
  KinesisRecords answer;
  bool records = false;
  const auto one_record = [&](json::Value element) {
    return read_record(element, answer.records.emplace_back());
  };
  const auto one_child = [&](json::Value element) {
    return read_child(element, answer.children.emplace_back());
  };
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (json::is_null(value)) return true;
    if (name == "NextShardIterator") return json::read(value, answer.next.emplace());
    if (name == "ChildShards") return json::each_element(value, one_child);
    if (name == "MillisBehindLatest") {
      std::int64_t ms = 0;
      if (!json::read(value, ms)) return false;
      answer.behind = std::chrono::milliseconds(ms);
      return true;
    }
    if (name != "Records") return true;
    records = true;
    return json::each_element(value, one_record);
  });
  if (!whole || !records)
    return unusable("the answer to GetRecords holds no records, or one that cannot be read");
  return answer;
}

}  // namespace dynamodb_replicator::wire

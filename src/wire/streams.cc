#include "wire/streams.h"

#include "item/json.h"
#include "wire/answer.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

bool read_range(json::Value value, StreamShard& shard) {
  return json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "StartingSequenceNumber")
      return json::is_null(member) || json::read(member, shard.first);
    if (name == "EndingSequenceNumber")
      return json::is_null(member) || json::read(member, shard.last);
    return true;
  });
}

bool read_shard(json::Value value, StreamShard& shard) {
  const bool whole = json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "ShardId") return json::read(member, shard.id);
    if (name == "ParentShardId") return json::is_null(member) || json::read(member, shard.parent);
    if (name == "SequenceNumberRange") return read_range(member, shard);
    return true;
  });
  return whole && !shard.id.empty();
}

bool read_description(std::string_view name, json::Value value, StreamPage& page) {
  if (name == "StreamArn") return json::read(value, page.arn);
  if (name == "StreamStatus") return json::read(value, page.status);
  if (name == "StreamViewType") return json::read(value, page.view);
  if (name == "TableName") return json::read(value, page.table);
  if (name == "LastEvaluatedShardId")
    return json::is_null(value) || json::read(value, page.last_shard.emplace());
  if (name == "Shards") {
    return json::each_element(value, [&](json::Value element) {
      return read_shard(element, page.shards.emplace_back());
    });
  }
  return true;
}

}  // namespace

std::string describe_stream_request(std::string_view arn, std::string_view after_shard) {
  JsonWriter request;
  request.text("StreamArn", arn).number("Limit", 100);
  if (!after_shard.empty()) request.text("ExclusiveStartShardId", after_shard);
  return request.end();
}

Result<StreamPage> decode_describe_stream(std::string body) {
  StreamPage page;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name != "StreamDescription") return true;
    return json::each_field(value, [&](std::string_view field, json::Value member) {
      return read_description(field, member, page);
    });
  });
  if (!whole || page.arn.empty() || page.status.empty()) {
    return unusable("the answer to DescribeStream does not describe a stream");
  }
  return page;
}

std::string stream_iterator_request(std::string_view arn, std::string_view shard,
                                    std::string_view after) {
  JsonWriter request;
  request.text("StreamArn", arn).text("ShardId", shard);
  if (after.empty()) {
    request.text("ShardIteratorType", "TRIM_HORIZON");
  } else {
    request.text("ShardIteratorType", "AFTER_SEQUENCE_NUMBER").text("SequenceNumber", after);
  }
  return request.end();
}

Result<std::string> decode_iterator(std::string body) {
  std::string iterator;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return name != "ShardIterator" || json::read(value, iterator);
  });
  if (!whole || iterator.empty())
    return unusable("the answer to GetShardIterator holds no iterator");
  return iterator;
}

std::string stream_records_request(std::string_view iterator, int limit) {
  JsonWriter request;
  request.text("ShardIterator", iterator);
  if (limit > 0) request.number("Limit", limit);
  return request.end();
}

Result<StreamRecords> decode_stream_records(std::string body, const RecordForm& form) {
  StreamRecords answer;
  bool records = false;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "NextShardIterator")
      return json::is_null(value) || json::read(value, answer.next.emplace());
    if (name != "Records") return true;
    records = true;
    return json::each_element(value, [&](json::Value element) {
      auto& one = answer.records.emplace_back();
      return json::read_raw(element, one.raw.raw);
    });
  });
  if (!whole || !records) return unusable("the answer to GetRecords holds no records");
  for (auto& one : answer.records) {
    one.record = decode_record(one.raw.raw, form);
    one.raw.sequence = one.record.sequence;
    if (one.record.at) one.raw.at = *one.record.at;
    if (one.raw.sequence.empty()) {
      return unusable("the answer to GetRecords holds a record without a sequence number");
    }
  }
  return answer;
}

}  // namespace dynamodb_replicator::wire

#include "wire/records.h"

#include <cmath>

#include "item/json.h"
#include "item/key_reader.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

// What a walk over a record's fields has found.
struct Seen {
  std::optional<Result<item::KeyRef, std::string>> key;
  std::string table_name;  // Kinesis Data Streams for DynamoDB
  std::string table;       // applications in the manner of the Node original
  std::string source;
  std::string sequence;
  std::optional<WallTime> at;
  bool body = false;  // there is a `dynamodb`
  bool event_version = false;
  bool record_format = false;
};

bool read_keys(json::Value value, const item::KeySchema& schema, Seen& seen) {
  json::Object object;
  if (value.get_object().get(object)) {
    seen.key = std::string("they are not a JSON object");
  } else {
    seen.key = item::read_key(object, schema, item::Others::refused);
  }
  return true;  // the rest of the record still says whose it is
}

bool read_body(json::Value value, const item::KeySchema& schema, Seen& seen) {
  json::Object object;
  if (value.get_object().get(object)) return true;  // then there are no Keys
  seen.body = true;
  return json::each_field(object, [&](std::string_view name, json::Value member) {
    if (name == "Keys") return read_keys(member, schema, seen);
    if (name == "SequenceNumber") {
      json::read(member, seen.sequence);
    } else if (name == "ApproximateCreationDateTime") {
      double number = 0;
      if (json::read(member, number)) seen.at = time_from_number(number);
    }
    return true;
  });
}

bool read_field(std::string_view name, json::Value value, const item::KeySchema& schema,
                Seen& seen) {
  if (name == "dynamodb") return read_body(value, schema, seen);
  if (name == "tableName") {
    json::read(value, seen.table_name);
  } else if (name == "table") {
    json::read(value, seen.table);
  } else if (name == "eventSource") {
    json::read(value, seen.source);
  } else if (name == "eventVersion") {
    seen.event_version = true;
  } else if (name == "recordFormat") {
    std::string_view format;
    seen.record_format = json::read(value, format) && !format.empty();
  }
  return true;
}

bool is_foreign(const Seen& seen, const std::string& wanted) {
  const auto other = [&](const std::string& named) { return !named.empty() && named != wanted; };
  return !wanted.empty() && (other(seen.table_name) || other(seen.table));
}

bool has_marks_of_aws(const Seen& seen) {
  return seen.source == "aws:dynamodb" && !seen.table_name.empty() && seen.record_format &&
         !seen.event_version && seen.sequence.empty() && seen.at.has_value();
}

}  // namespace

WallTime time_from_number(double number) {
  constexpr double kMillisecondsFrom = 1e11;  // as seconds: the year 5138
  constexpr double kMicrosecondsFrom = 1e14;  // as milliseconds: the year 5138
  constexpr double kMax = 4e15;               // as microseconds: the year 2096 and some more
  if (!(number > 0)) return WallTime{};       // not a number included
  double microseconds = number;
  if (number < kMillisecondsFrom) {
    microseconds = number * 1e6;
  } else if (number < kMicrosecondsFrom) {
    microseconds = number * 1e3;
  }
  if (microseconds > kMax) return WallTime{};
  return WallTime{std::chrono::microseconds{std::llround(microseconds)}};
}

Record decode_record(std::string_view json, const RecordForm& form) {
  Seen seen;
  json::Text text{std::string(json)};
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return read_field(name, value, form.schema, seen);
  });
  Record record;
  if (!whole) {
    record.entry = BadRecord{"the record is not a JSON object"};
    return record;
  }
  record.from_aws = has_marks_of_aws(seen);
  record.sequence = std::move(seen.sequence);
  record.at = seen.at;
  if (is_foreign(seen, form.table)) {
    record.entry = ForeignRecord{};
  } else if (!seen.key) {
    record.entry = BadRecord{seen.body ? "the record has no dynamodb.Keys"
                                       : "the record has no dynamodb object"};
  } else if (!*seen.key) {
    record.entry = BadRecord{"dynamodb.Keys do not match the key schema " +
                             item::to_text(form.schema) + ": " + seen.key->error()};
  } else {
    record.entry = **std::move(seen.key);
  }
  return record;
}

}  // namespace dynamodb_replicator::wire

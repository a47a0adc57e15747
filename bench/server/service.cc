#include "service.h"

#include <fmt/format.h>

#include <stdexcept>

namespace bench {

namespace {

constexpr size_t kReadUnitBytes = 4096, kWriteUnitBytes = 1024;
constexpr size_t kBatchGetKeysMax = 100, kBatchWriteItemsMax = 25;

// What the service refuses: its name for it, and a sentence.
struct Refused {
  std::string kind, message;
};

double read_units(size_t bytes, bool consistent) {
  const size_t units =
      bytes == 0 ? 1
                 : (bytes + kReadUnitBytes - 1) / kReadUnitBytes;  // nothing read costs a unit too
  return static_cast<double>(units) * (consistent ? 1.0 : 0.5);
}

double write_units(size_t old_bytes, size_t new_bytes) {
  const size_t bytes = std::max<size_t>({old_bytes, new_bytes, 1});
  return static_cast<double>((bytes + kWriteUnitBytes - 1) / kWriteUnitBytes);
}

std::string_view id_in(simdjson::dom::object item) {
  std::string_view id;
  if (item["id"]["S"].get(id) != simdjson::SUCCESS)
    throw Refused{"ValidationException", "The key of every table here is id, a string"};
  return id;
}

bool flag(simdjson::dom::object request, std::string_view name) {
  bool value = false;
  return request[name].get(value) == simdjson::SUCCESS && value;
}

uint64_t number(simdjson::dom::object request, std::string_view name, uint64_t otherwise) {
  uint64_t value = 0;
  return request[name].get(value) == simdjson::SUCCESS ? value : otherwise;
}

std::string consumed(simdjson::dom::object request, std::string_view table, double units) {
  std::string_view wanted;
  if (request["ReturnConsumedCapacity"].get(wanted) != simdjson::SUCCESS || wanted == "NONE")
    return "";
  return fmt::format(R"({{"TableName":"{}","CapacityUnits":{}}})", table, units);
}

// Nothing here evaluates expressions: what has one is refused rather than answered wrongly.
void refuse_expressions(simdjson::dom::object request) {
  for (const auto [name, value] : request) {
    if (name.ends_with("Expression") || name == "Expected" || name == "ScanFilter" ||
        name == "AttributesToGet") {
      throw Refused{"ValidationException", "This server knows no " + std::string(name)};
    }
  }
}

std::string failure(const Refused& refused) {
  return fmt::format(R"({{"__type":"com.amazonaws.dynamodb.v20120810#{}","message":"{}"}})",
                     refused.kind, refused.message);
}

}  // namespace

void Service::add(TableSpec spec) {
  std::string name = spec.name;
  tables_.insert_or_assign(std::move(name), std::make_unique<Entry>(std::move(spec)));
}

Service::Entry& Service::entry(std::string_view name) {
  const auto found = tables_.find(name);
  if (found == tables_.end())
    throw Refused{"ResourceNotFoundException",
                  "Requested resource not found: Table: " + std::string(name)};
  return *found->second;
}

Answer Service::answer(const Request& request) {
  try {
    if (request.method == "GET") return admin(request.path);
    const std::string_view operation =
        request.target.substr(std::min(request.target.size(), request.target.find('.') + 1));
    simdjson::dom::object body = parser_.parse(request.body.data(), request.body.size());
    return operate(operation, body);
  } catch (const Refused& refused) {
    return {400, failure(refused)};
  } catch (const simdjson::simdjson_error& error) {
    return {400, failure({"SerializationException", error.what()})};
  } catch (const std::invalid_argument& error) {
    return {400, failure({"ValidationException", error.what()})};
  }
}

// GET /__units: what was counted, by table · /__reset: counts from nothing · /__table?SPEC: makes a
// table, or makes it anew.
Answer Service::admin(std::string_view path) {
  constexpr std::string_view kMake = "/__table?";
  if (path.starts_with(kMake)) {
    add(parse_spec(path.substr(kMake.size())));
  } else if (path == "/__reset") {
    for (auto& [name, each] : tables_) each->counted = {};
  } else if (path != "/__units") {
    return {404, "{}"};
  }
  std::string out = "{";
  for (const auto& [name, each] : tables_) {
    const Counted& counted = each->counted;
    out += fmt::format(
        R"({}"{}":{{"read_units":{},"write_units":{},"scanned_items":{},"read_items":{},"written_items":{},"requests":{{)",
        out.size() > 1 ? "," : "", name, counted.read_units, counted.write_units,
        counted.scanned_items, counted.read_items, counted.written_items);
    bool first = true;
    for (const auto& [operation, count] : counted.requests) {
      out += fmt::format(R"({}"{}":{})", first ? "" : ",", operation, count);
      first = false;
    }
    out += "}}";
  }
  return {200, out + "}"};
}

Answer Service::operate(std::string_view operation, Object request) {
  refuse_expressions(request);
  if (operation == "ListTables") {
    std::string names;
    for (const auto& [name, each] : tables_)
      names += fmt::format(R"({}"{}")", names.empty() ? "" : ",", name);
    return {200, R"({"TableNames":[)" + names + "]}"};
  }
  if (operation == "BatchGetItem") return {200, batch_get(request)};
  if (operation == "BatchWriteItem") return {200, batch_write(request)};
  Entry& table = entry(request["TableName"]);
  ++table.counted.requests[std::string(operation)];
  if (operation == "DescribeTable") return {200, describe(request)};
  if (operation == "DescribeTimeToLive")
    return {200, R"({"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}})"};
  if (operation == "Scan") return {200, scan(request)};
  if (operation == "GetItem") return {200, get_item(request)};
  if (operation == "PutItem" || operation == "DeleteItem")
    return {200, write_one(request, operation)};
  throw Refused{"UnknownOperationException", "This server knows no " + std::string(operation)};
}

std::string Service::describe(Object request) {
  const Table& table = entry(request["TableName"]).table;
  const uint64_t count = table.count_roughly();
  return fmt::format(
      R"({{"Table":{{"TableName":"{0}","TableStatus":"ACTIVE","CreationDateTime":1.7e9,"ItemCount":{1},"TableSizeBytes":{2},)"
      R"("TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/{0}","BillingModeSummary":{{"BillingMode":"PAY_PER_REQUEST"}},)"
      R"("ProvisionedThroughput":{{"ReadCapacityUnits":0,"WriteCapacityUnits":0,"NumberOfDecreasesToday":0}},)"
      R"("KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}],"AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}]}}}})",
      table.spec().name, count, count * table.spec().making.bytes);
}

std::string Service::scan(Object request) {
  Entry& table = entry(request["TableName"]);
  const uint64_t segment = number(request, "Segment", 0),
                 segments = number(request, "TotalSegments", 1);
  const uint64_t limit = number(request, "Limit", UINT64_MAX);
  if (segments == 0 || segment >= segments || limit == 0)
    throw Refused{"ValidationException", "Segment, TotalSegments or Limit is out of range"};
  std::optional<std::string_view> after;
  Object start;
  if (request["ExclusiveStartKey"].get(start) == simdjson::SUCCESS) after = id_in(start);
  std::string out = R"({"Items":[)";
  out.reserve(kPageBytesMax * 2);
  const Table::Page page = table.table.scan(segment, segments, after, limit, out);
  const double units = read_units(page.bytes, flag(request, "ConsistentRead"));
  table.counted.read_units += units;
  table.counted.scanned_items += page.count;
  out += fmt::format(R"(],"Count":{0},"ScannedCount":{0})", page.count);
  const std::string told = consumed(request, table.table.spec().name, units);
  if (!told.empty()) out += R"(,"ConsumedCapacity":)" + told;
  if (page.last_id) out += R"(,"LastEvaluatedKey":{"id":{"S":")" + *page.last_id + R"("}})";
  return out + "}";
}

std::string Service::get_item(Object request) {
  Entry& table = entry(request["TableName"]);
  std::string item;
  const size_t bytes = table.table.get(id_in(request["Key"]), item);
  const double units = read_units(bytes, flag(request, "ConsistentRead"));
  table.counted.read_units += units;
  table.counted.read_items += bytes > 0;
  std::string out = bytes > 0 ? R"("Item":)" + item : "";
  const std::string told = consumed(request, table.table.spec().name, units);
  if (!told.empty()) out += (out.empty() ? "" : ",") + (R"("ConsumedCapacity":)" + told);
  return "{" + out + "}";
}

std::string Service::batch_get(Object request) {
  std::string responses, capacity;
  size_t keys = 0;
  for (const auto [name, asked] : request["RequestItems"].get_object()) {
    Entry& table = entry(name);
    const Object wanted = asked.get_object();
    refuse_expressions(wanted);
    ++table.counted.requests["BatchGetItem"];
    double units = 0;
    std::string items;
    for (const auto key : wanted["Keys"].get_array()) {
      if (++keys > kBatchGetKeysMax)
        throw Refused{"ValidationException", "Too many items requested for the BatchGetItem call"};
      const std::string comma = items.empty() ? "" : ",";
      std::string item;
      const size_t bytes = table.table.get(id_in(key.get_object()), item);
      units += read_units(bytes, flag(wanted, "ConsistentRead"));  // each item by itself
      table.counted.read_items += bytes > 0;
      if (bytes > 0) items += comma + item;
    }
    table.counted.read_units += units;
    responses += fmt::format(R"({}"{}":[{}])", responses.empty() ? "" : ",", name, items);
    const std::string told = consumed(request, name, units);
    if (!told.empty()) capacity += (capacity.empty() ? "" : ",") + told;
  }
  return R"({"Responses":{)" + responses + R"(},"UnprocessedKeys":{})" +
         (capacity.empty() ? "" : R"(,"ConsumedCapacity":[)" + capacity + "]") + "}";
}

double Service::write(Entry& table, Object item, bool put) {
  const size_t bytes = put ? item_bytes(item) : 0;
  const size_t old = put ? table.table.put(id_in(item), simdjson::minify(item), bytes)
                         : table.table.erase(id_in(item));
  const double units = write_units(old, bytes);
  table.counted.write_units += units;
  ++table.counted.written_items;
  return units;
}

std::string Service::write_one(Object request, std::string_view kind) {
  const bool put = kind == "PutItem";
  Entry& table = entry(request["TableName"]);
  const double units = write(table, request[put ? "Item" : "Key"], put);
  const std::string told = consumed(request, table.table.spec().name, units);
  return told.empty() ? "{}" : R"({"ConsumedCapacity":)" + told + "}";
}

std::string Service::batch_write(Object request) {
  std::string capacity;
  size_t items = 0;
  for (const auto [name, asked] : request["RequestItems"].get_object()) {
    Entry& table = entry(name);
    ++table.counted.requests["BatchWriteItem"];
    double units = 0;
    for (const auto one : asked.get_array()) {
      if (++items > kBatchWriteItemsMax)
        throw Refused{"ValidationException",
                      "Too many items requested for the BatchWriteItem call"};
      Object item;
      const bool put = one["PutRequest"]["Item"].get(item) == simdjson::SUCCESS;
      if (!put) item = one["DeleteRequest"]["Key"];
      units += write(table, item, put);
    }
    const std::string told = consumed(request, name, units);
    if (!told.empty()) capacity += (capacity.empty() ? "" : ",") + told;
  }
  return R"({"UnprocessedItems":{})" +
         (capacity.empty() ? "" : R"(,"ConsumedCapacity":[)" + capacity + "]") + "}";
}

}  // namespace bench

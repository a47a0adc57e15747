#include "wire/tables.h"

#include <map>

#include "item/json.h"
#include "wire/answer.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

// What is put together only when the whole description is read.
struct Parts {
  std::map<std::string, std::string> types;  // attribute -> S, N or B
  std::string hash;
  std::string range;
};

// The fields of one small object, all of them strings.
bool read_pair(json::Value value, std::string_view first, std::string& one, std::string_view second,
               std::string& two) {
  return json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == first) return json::read(member, one);
    if (name == second) return json::read(member, two);
    return true;
  });
}

// A raw array is read twice: kept as it is, and looked into.
template <class F>
bool keep_and_walk(json::Value value, std::string& raw, F&& element) {
  json::Array array;
  std::string_view view;
  bool any = false;
  if (value.get_array().get(array) || array.raw_json().get(view)) return false;
  raw.assign(view);
  return !array.reset().get(any) && json::each_element(array, std::forward<F>(element));
}

bool read_attributes(json::Value value, TableDescription& table, Parts& parts) {
  return keep_and_walk(value, table.attribute_definitions, [&](json::Value element) {
    std::string name;
    std::string type;
    if (!read_pair(element, "AttributeName", name, "AttributeType", type)) return false;
    parts.types[name] = type;
    return true;
  });
}

bool read_key_schema(json::Value value, TableDescription& table, Parts& parts) {
  return keep_and_walk(value, table.key_schema, [&](json::Value element) {
    std::string name;
    std::string role;
    if (!read_pair(element, "AttributeName", name, "KeyType", role)) return false;
    (role == "HASH" ? parts.hash : parts.range) = name;
    return true;
  });
}

bool read_capacity(json::Value value, Capacity& capacity) {
  return json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "ReadCapacityUnits") return json::read(member, capacity.read);
    if (name == "WriteCapacityUnits") return json::read(member, capacity.write);
    return true;
  });
}

bool read_indexes(json::Value value, std::vector<IndexDescription>& indexes) {
  if (json::is_null(value)) return true;
  return json::each_element(value, [&](json::Value element) {
    IndexDescription& index = indexes.emplace_back();
    return json::each_field(element, [&](std::string_view name, json::Value member) {
      if (name == "IndexName") return json::read(member, index.name);
      if (name == "KeySchema") return json::read_raw(member, index.key_schema);
      if (name == "Projection") return json::read_raw(member, index.projection);
      if (name == "ProvisionedThroughput") return read_capacity(member, index.capacity);
      return true;
    });
  });
}

bool read_stream(json::Value value, TableDescription& table) {
  if (json::is_null(value)) return true;
  return json::each_field(value, [&](std::string_view name, json::Value member) {
    if (name == "StreamEnabled") return json::read(member, table.stream_enabled);
    if (name == "StreamViewType") return json::read(member, table.stream_view);
    return true;
  });
}

bool read_text_field(std::string_view name, json::Value value, TableDescription& table) {
  std::string* out = nullptr;
  if (name == "TableName") out = &table.name;
  if (name == "TableArn") out = &table.arn;
  if (name == "TableId") out = &table.id;
  if (name == "TableStatus") out = &table.status;
  if (name == "LatestStreamArn") out = &table.stream_arn;
  return out == nullptr || json::is_null(value) || json::read(value, *out);
}

bool read_table_field(std::string_view name, json::Value value, TableDescription& table,
                      Parts& parts) {
  if (name == "AttributeDefinitions") return read_attributes(value, table, parts);
  if (name == "KeySchema") return read_key_schema(value, table, parts);
  if (name == "ItemCount") return json::read(value, table.item_count);
  if (name == "TableSizeBytes") return json::read(value, table.size_bytes);
  if (name == "StreamSpecification") return read_stream(value, table);
  if (name == "ProvisionedThroughput") return read_capacity(value, table.capacity);
  if (name == "GlobalSecondaryIndexes") return read_indexes(value, table.global_indexes);
  if (name == "LocalSecondaryIndexes") return read_indexes(value, table.local_indexes);
  return read_text_field(name, value, table);
}

bool set_key(const Parts& parts, const std::string& name, item::KeyAttribute& key) {
  const auto type = parts.types.find(name);
  if (type == parts.types.end()) return false;
  key.name = name;
  if (type->second == "S") return key.type = item::KeyType::string, true;
  if (type->second == "N") return key.type = item::KeyType::number, true;
  if (type->second == "B") return key.type = item::KeyType::binary, true;
  return false;
}

bool finish(const Parts& parts, TableDescription& table) {
  if (table.name.empty() || table.status.empty()) return false;
  if (!set_key(parts, parts.hash, table.schema.hash)) return false;
  return parts.range.empty() || set_key(parts, parts.range, table.schema.range.emplace());
}

Result<TableDescription> decode_table(std::string body, std::string_view member,
                                      const char* operation) {
  TableDescription table;
  Parts parts;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name != member) return true;
    return json::each_field(value, [&](std::string_view field, json::Value inner) {
      return read_table_field(field, inner, table, parts);
    });
  });
  if (!whole || !finish(parts, table)) {
    return unusable(std::string("the answer to ") + operation + " does not describe a table");
  }
  return table;
}

std::string throughput(Capacity capacity) {
  return JsonWriter()
      .number("ReadCapacityUnits", capacity.read)
      .number("WriteCapacityUnits", capacity.write)
      .end();
}

void add_billing(JsonWriter& request, Capacity capacity) {
  if (capacity == Capacity{}) {
    request.text("BillingMode", "PAY_PER_REQUEST");
  } else {
    request.text("BillingMode", "PROVISIONED").raw("ProvisionedThroughput", throughput(capacity));
  }
}

std::string indexes(const std::vector<IndexDescription>& all, bool with_capacity) {
  std::string list = "[";
  for (const auto& index : all) {
    if (list.size() > 1) list += ',';
    JsonWriter one;
    one.text("IndexName", index.name)
        .raw("KeySchema", index.key_schema)
        .raw("Projection", index.projection);
    if (with_capacity) one.raw("ProvisionedThroughput", throughput(index.capacity));
    list += one.end();
  }
  return list + ']';
}

}  // namespace

std::string describe_table_request(std::string_view table) {
  return JsonWriter().text("TableName", table).end();
}

Result<TableDescription> decode_describe_table(std::string body) {
  return decode_table(std::move(body), "Table", "DescribeTable");
}

Result<TableDescription> decode_create_table(std::string body) {
  return decode_table(std::move(body), "TableDescription", "CreateTable");
}

std::string describe_ttl_request(std::string_view table) {
  return JsonWriter().text("TableName", table).end();
}

Result<std::string> decode_describe_ttl(std::string body) {
  std::string status;
  std::string attribute;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return name != "TimeToLiveDescription" ||
           read_pair(value, "TimeToLiveStatus", status, "AttributeName", attribute);
  });
  if (!whole) return unusable("the answer to DescribeTimeToLive is not the JSON that was expected");
  // ENABLING: it takes up to an hour, and items that have expired vanish from then on.
  const bool on = status == "ENABLED" || status == "ENABLING";
  return on ? attribute : std::string();
}

std::string create_copy_request(std::string_view table, const TableDescription& original) {
  JsonWriter request;
  request.text("TableName", table)
      .raw("AttributeDefinitions", original.attribute_definitions)
      .raw("KeySchema", original.key_schema);
  add_billing(request, original.capacity);
  const bool provisioned = original.capacity != Capacity{};
  if (!original.global_indexes.empty()) {
    request.raw("GlobalSecondaryIndexes", indexes(original.global_indexes, provisioned));
  }
  if (!original.local_indexes.empty()) {
    request.raw("LocalSecondaryIndexes", indexes(original.local_indexes, false));
  }
  return request.end();
}

std::string create_lease_table_request(std::string_view table, Capacity capacity) {
  JsonWriter request;
  request.text("TableName", table)
      .raw(
          "AttributeDefinitions",
          R"([{"AttributeName":"stream","AttributeType":"S"},{"AttributeName":"row","AttributeType":"S"}])")
      .raw(
          "KeySchema",
          R"([{"AttributeName":"stream","KeyType":"HASH"},{"AttributeName":"row","KeyType":"RANGE"}])");
  add_billing(request, capacity);
  return request.end();
}

}  // namespace dynamodb_replicator::wire

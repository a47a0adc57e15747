#include "wire/items.h"

#include "base/planted.h"
#include "item/canonical.h"
#include "item/json.h"
#include "item/key_reader.h"
#include "wire/answer.h"
#include "wire/json_writer.h"

namespace dynamodb_replicator::wire {
namespace {

namespace json = item::json;

// Walks {"table": value}: the one table that was asked for.
template <class F>
bool each_of_table(json::Value tables, std::string_view table, bool& foreign, F&& use) {
  return json::each_field(tables, [&](std::string_view name, json::Value value) {
    if (name != table) foreign = true;
    return !foreign && use(value);
  });
}

// What goes wrong in the depth of an answer, told at its top.
struct Trouble {
  bool foreign_table = false;
  std::string key;

  [[nodiscard]] Failure failure(const std::string& operation) const {
    if (foreign_table)
      return unusable("the answer to " + operation + " names a table that was not asked for");
    if (!key.empty())
      return unusable("the answer to " + operation + " holds an item whose key " + key);
    return unusable("the answer to " + operation + " is not the JSON that was expected");
  }
};

bool take_key(json::Value value, const item::KeySchema& schema, item::Others others,
              std::vector<item::KeyRef>& keys, Trouble& trouble) {
  json::Object object;
  if (value.get_object().get(object)) return false;
  auto key = item::read_key(object, schema, others);
  if (!key) {
    trouble.key = "cannot be read: " + key.error();
    return false;
  }
  keys.push_back(*std::move(key));
  return true;
}

bool take_found(json::Value value, const item::KeySchema& schema, BatchGetAnswer& answer,
                Trouble& trouble) {
  json::Object object;
  if (value.get_object().get(object)) return false;
  auto key = item::read_key(object, schema, item::Others::ignored);
  if (!key) {
    trouble.key = "cannot be read: " + key.error();
    return false;
  }
  bool any = false;
  std::string raw;
  if (object.reset().get(any) || !json::read_raw_object(object, raw)) return false;
  answer.found.push_back({*std::move(key), std::move(raw)});
  return true;
}

// One element of UnprocessedItems: {"PutRequest":{"Item":{..}}} or {"DeleteRequest":{"Key":{..}}}.
bool take_unprocessed_write(json::Value value, const item::KeySchema& schema,
                            std::vector<item::KeyRef>& keys, Trouble& trouble) {
  const std::size_t before = keys.size();
  const bool whole = json::each_field(value, [&](std::string_view, json::Value request) {
    return json::each_field(request, [&](std::string_view name, json::Value member) {
      if (name == "Item") return take_key(member, schema, item::Others::ignored, keys, trouble);
      if (name == "Key") return take_key(member, schema, item::Others::refused, keys, trouble);
      return true;
    });
  });
  return whole && keys.size() == before + 1;
}

// With a planted bug only.
bool is_stale(std::size_t keys) {
  return base::planted(base::Bug::stale_reads) ||
         (keys == 1 && base::planted(base::Bug::repair_reads_stale));
}

}  // namespace

std::string batch_get_request(std::string_view table, std::span<const item::KeyRef> keys) {
  std::string list = "[";
  for (const auto& key : keys) {
    if (list.size() > 1) list += ',';
    list += key->wire();
  }
  list += ']';
  const std::string request =
      JsonWriter().flag("ConsistentRead", !is_stale(keys.size())).raw("Keys", list).end();
  return JsonWriter()
      .raw("RequestItems", JsonWriter().raw(table, request).end())
      .text("ReturnConsumedCapacity", "TOTAL")
      .end();
}

Result<BatchGetAnswer> decode_batch_get(std::string body, std::string_view table,
                                        const item::KeySchema& schema) {
  BatchGetAnswer answer;
  Trouble trouble;
  bool responses = false;
  const auto response = [&](json::Value items) {
    return json::each_element(
        items, [&](json::Value item) { return take_found(item, schema, answer, trouble); });
  };
  const auto leftover = [&](json::Value request) {
    return json::each_field(request, [&](std::string_view name, json::Value member) {
      if (name != "Keys") return true;
      return json::each_element(member, [&](json::Value key) {
        return take_key(key, schema, item::Others::refused, answer.unprocessed, trouble);
      });
    });
  };
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "Responses") {
      responses = true;
      return each_of_table(value, table, trouble.foreign_table, response);
    }
    if (name == "UnprocessedKeys") {
      return json::is_null(value) || each_of_table(value, table, trouble.foreign_table, leftover);
    }
    return name != "ConsumedCapacity" || add_units(value, answer.units);
  });
  // Without Responses every item would look deleted.
  if (!whole || !responses) return trouble.failure("BatchGetItem");
  return answer;
}

Result<std::string> item_to_write(std::string_view item) {
  auto writable = item::writable_item(item);
  if (writable) return std::move(*writable);
  Failure failure;
  failure.kind = FailureKind::invalid;
  failure.message = "the item is malformed: " + writable.error().reason;
  return failure;
}

Result<std::string> batch_write_request(std::string_view table,
                                        std::span<const BatchWrite> writes) {
  std::string list = "[";
  for (const auto& write : writes) {
    if (list.size() > 1) list += ',';
    if (write.item.empty()) {
      list += R"({"DeleteRequest":{"Key":)";
      list += write.key->wire();
    } else {
      list += R"({"PutRequest":{"Item":)";
      auto item = item_to_write(write.item);
      if (!item) return std::move(item).error();
      list += *item;
    }
    list += "}}";
  }
  list += ']';
  return JsonWriter()
      .raw("RequestItems", JsonWriter().raw(table, list).end())
      .text("ReturnConsumedCapacity", "TOTAL")
      .end();
}

Result<BatchWriteAnswer> decode_batch_write(std::string body, std::string_view table,
                                            const item::KeySchema& schema) {
  BatchWriteAnswer answer;
  Trouble trouble;
  const auto leftover = [&](json::Value requests) {
    return json::each_element(requests, [&](json::Value request) {
      return take_unprocessed_write(request, schema, answer.unprocessed, trouble);
    });
  };
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "UnprocessedItems") {
      return json::is_null(value) || each_of_table(value, table, trouble.foreign_table, leftover);
    }
    return name != "ConsumedCapacity" || add_units(value, answer.units);
  });
  if (!whole) return trouble.failure("BatchWriteItem");
  return answer;
}

Result<std::string> write_one_request(std::string_view table, const BatchWrite& write,
                                      const Condition& condition) {
  JsonWriter request;
  request.text("TableName", table).text("ReturnConsumedCapacity", "TOTAL");
  if (write.item.empty()) {
    request.raw("Key", write.key->wire());
  } else {
    auto item = item_to_write(write.item);
    if (!item) return std::move(item).error();
    request.raw("Item", *item);
  }
  if (!condition.expression.empty()) {
    request.text("ConditionExpression", condition.expression)
        .raw("ExpressionAttributeNames", condition.names);
    if (!condition.values.empty()) request.raw("ExpressionAttributeValues", condition.values);
  }
  return request.end();
}

Result<double> decode_write_one(std::string body) {
  double units = 0;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    return name != "ConsumedCapacity" || add_units(value, units);
  });
  if (!whole) return unusable("the answer to a write is not the JSON that was expected");
  return units;
}

std::string scan_request(std::string_view table, int limit) {
  return JsonWriter().text("TableName", table).number("Limit", limit).end();
}

std::string scan_request(const ScanRequest& request) {
  JsonWriter out;
  out.text("TableName", request.table);
  if (request.consistent) out.flag("ConsistentRead", true);
  if (request.segments > 1)
    out.number("Segment", request.segment).number("TotalSegments", request.segments);
  if (request.limit > 0) out.number("Limit", request.limit);
  if (!request.after.empty()) out.raw("ExclusiveStartKey", request.after);
  return out.text("ReturnConsumedCapacity", "TOTAL").end();
}

Result<ItemsPage> decode_items_page(std::string body) {
  ItemsPage page;
  bool items = false;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "Items") {
      items = true;
      return json::each_element(
          value, [&](json::Value item) { return json::read_raw(item, page.items.emplace_back()); });
    }
    if (name == "LastEvaluatedKey")
      return json::is_null(value) || json::read_raw(value, page.last_key.emplace());
    return name != "ConsumedCapacity" || add_units(value, page.units);
  });
  if (!whole || !items) return unusable("the answer to Scan or Query holds no page of items");
  return page;
}

std::string get_item_request(std::string_view table, std::string_view key) {
  return JsonWriter().text("TableName", table).flag("ConsistentRead", true).raw("Key", key).end();
}

Result<std::optional<std::string>> decode_get_item(std::string body) {
  std::optional<std::string> item;
  json::Text text(std::move(body));
  const bool whole = text.each_field([&](std::string_view name, json::Value value) {
    if (name == "Item" && !json::is_null(value)) return json::read_raw(value, item.emplace());
    return true;
  });
  if (!whole) return unusable("the answer to GetItem is not the JSON that was expected");
  return item;
}

}  // namespace dynamodb_replicator::wire

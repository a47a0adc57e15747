#include "contract/case.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "simdjson.h"
#include "wire/items.h"
#include "wire/tables.h"

namespace dynamodb_replicator::contract {
namespace {

using Json = simdjson::dom::element;

std::string text_of(Json value);

std::string array_text(const simdjson::dom::array& array, bool is_set) {
  std::vector<std::string> elements;
  for (const Json element : array) elements.push_back(text_of(element));
  if (is_set) std::sort(elements.begin(), elements.end());
  std::string out;
  for (const std::string& element : elements) out += (out.empty() ? "" : ",") + element;
  return "[" + out + "]";
}

std::string text_of(Json value) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (value.get(array) == simdjson::SUCCESS) return array_text(array, false);
  if (value.get(object) != simdjson::SUCCESS) return simdjson::minify(value);
  std::map<std::string, std::string> members;
  for (const auto member : object) {
    const bool is_set = member.key == "SS" || member.key == "NS" || member.key == "BS";
    members[std::string(member.key)] = is_set && member.value.get(array) == simdjson::SUCCESS
                                           ? array_text(array, true)
                                           : text_of(member.value);
  }
  std::string out;
  for (const auto& [name, text] : members) {
    out += (out.empty() ? "" : ",") + base::to_json_string(name) + ":" + text;
  }
  return "{" + out + "}";
}

}  // namespace

std::string canonical(const std::string& json) {
  simdjson::dom::parser parser;
  Json value;
  return parser.parse(json).get(value) == simdjson::SUCCESS ? text_of(value) : "no JSON";
}

std::string at(const std::string& json, std::string_view pointer) {
  simdjson::dom::parser parser;
  Json value;
  if (parser.parse(json).get(value) != simdjson::SUCCESS) return "no JSON";
  return value.at_pointer(pointer).get(value) == simdjson::SUCCESS ? text_of(value) : "nothing";
}

std::string Case::answered(Result<std::string> answer) {
  EXPECT_TRUE(answer.ok()) << to_text(answer.error());
  return answer.ok() ? *std::move(answer) : "{}";
}

std::string Case::dynamodb(const std::string& operation, const std::string& body) {
  return answered(services().ask(aws::Service::dynamodb, operation, body));
}
std::string Case::streams(const std::string& operation, const std::string& body) {
  return answered(services().ask(aws::Service::streams, operation, body));
}
std::string Case::kinesis(const std::string& operation, const std::string& body) {
  return answered(services().ask(aws::Service::kinesis, operation, body));
}

std::string Case::refusal(aws::Service service, const std::string& operation,
                          const std::string& body) {
  const auto answer = services().ask(service, operation, body);
  if (answer.ok()) return "accepted";
  return answer.error().code.empty() ? to_text(answer.error()) : answer.error().code;
}

std::string Case::create_table(const std::string& type, bool range) {
  const std::string table = services().new_name("table");
  std::string keys = R"({"AttributeName":"id","KeyType":"HASH"})";
  std::string types = R"({"AttributeName":"id","AttributeType":")" + type + R"("})";
  if (range) {
    keys += R"(,{"AttributeName":"r","KeyType":"RANGE"})";
    types += R"(,{"AttributeName":"r","AttributeType":"S"})";
  }
  dynamodb("CreateTable", R"({"TableName":")" + table + R"(","KeySchema":[)" + keys +
                              R"(],"AttributeDefinitions":[)" + types +
                              R"(],"BillingMode":"PAY_PER_REQUEST"})");
  await_table(table);
  return table;
}

void Case::await_table(const std::string& table) {
  std::string status;
  for (int i = 0; i < 200; ++i) {
    const auto now =
        wire::decode_describe_table(dynamodb("DescribeTable", wire::describe_table_request(table)));
    ASSERT_TRUE(now.ok()) << to_text(now.error());
    status = now->status;
    if (status == "ACTIVE") return;
    ASSERT_EQ(status, "CREATING");
    services().wait(100ms);
  }
  FAIL() << "the table is still " << status << " after 20 s";
}

std::string Case::put_body(const std::string& table, const std::string& item) {
  return R"({"TableName":")" + table + R"(","Item":)" + item + "}";
}

void Case::put(const std::string& table, const std::string& item) {
  dynamodb("PutItem", put_body(table, item));
}

void Case::erase(const std::string& table, const std::string& key) {
  dynamodb("DeleteItem", R"({"TableName":")" + table + R"(","Key":)" + key + "}");
}

std::string Case::get(const std::string& table, const std::string& key) {
  auto item = wire::decode_get_item(dynamodb("GetItem", wire::get_item_request(table, key)));
  EXPECT_TRUE(item.ok()) << to_text(item.error());
  return item.ok() && *item ? canonical(**item) : "absent";
}

}  // namespace dynamodb_replicator::contract

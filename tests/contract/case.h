// The fixture of all cases: short words for what they do and see.
#pragma once

#include "item/key.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "contract/services.h"
#include "wire/kinesis.h"
#include "wire/streams.h"

namespace dynamodb_replicator::contract {

// A JSON value in one form: members sorted, elements of number, string and binary sets too.
// "no JSON" if it is none.
std::string canonical(const std::string& json);
// What stands at a JSON pointer ("/Table/TableName"), canonical; "nothing" if nothing does.
std::string at(const std::string& json, std::string_view pointer);

inline std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// The tables of batches: a number for a key.
inline const item::KeySchema kById{{"id", item::KeyType::number}, std::nullopt};
inline std::string key_json(int id) { return R"({"id":{"N":")" + std::to_string(id) + R"("}})"; }

class Case : public testing::Test {
 protected:
  Services& services() { return *services_; }

  // The answer's body; a failure fails the case and gives "{}".
  std::string dynamodb(const std::string& operation, const std::string& body);
  std::string streams(const std::string& operation, const std::string& body);
  std::string kinesis(const std::string& operation, const std::string& body);
  // The code of the refusal; "accepted" if there was none.
  std::string refusal(aws::Service service, const std::string& operation, const std::string& body);
  std::string refusal(const std::string& operation, const std::string& body) {
    return refusal(aws::Service::dynamodb, operation, body);
  }

  // Key schema id (`type`), or id (`type`) and r (S). Active when this returns.
  std::string create_table(const std::string& type = "S", bool range = false);
  void await_table(const std::string& table);
  std::string put_body(const std::string& table, const std::string& item);
  void put(const std::string& table, const std::string& item);
  void erase(const std::string& table, const std::string& key);
  // By a consistent GetItem, canonical; "absent" if there is no such item.
  std::string get(const std::string& table, const std::string& key);

 private:
  std::string answered(Result<std::string> answer);
  std::unique_ptr<Services> services_ = open_services();
};

}  // namespace dynamodb_replicator::contract

// Scans in segments, pages and orders of the engine's own; and engines that refuse conditions.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/dynamodb.h"

namespace dynamodb_replicator::sim {
namespace {

struct Scanned {
  World world{{7, false, false}};
  DynamoDb db{world, "primary"};
  Table& table = db.create("t", {{"id", "N"}, KeyPart{"r", "N"}});
  simdjson::dom::parser parser;

  Scanned() {
    for (int id = 0; id < 10; ++id) {
      for (int r = 0; r < 3; ++r) {
        table.put({{"id", R"({"N":")" + std::to_string(id) + "\"}"},
                   {"r", R"({"N":")" + std::to_string(r) + "\"}"}});
      }
    }
  }
  std::string ask(std::string_view operation, const std::string& body) {
    Json json;
    EXPECT_EQ(parser.parse(body).get(json), simdjson::SUCCESS) << body;
    Answer answer = db.call(operation, json);
    return answer.ok() ? *answer : answer.error().code + ": " + answer.error().message;
  }
  // All pages of a segment: canonical keys in the order in which they came.
  std::vector<std::string> scan(int segment, int segments, std::size_t* pages = nullptr) {
    std::vector<std::string> keys;
    std::string after;
    do {
      const std::string body =
          ask("Scan", R"({"TableName":"t","Segment":)" + std::to_string(segment) +
                          R"(,"TotalSegments":)" + std::to_string(segments) + after + "}");
      Json page;
      EXPECT_EQ(parser.parse(body).get(page), simdjson::SUCCESS) << body;
      simdjson::dom::array items;
      EXPECT_EQ(page["Items"].get(items), simdjson::SUCCESS) << body;
      for (const Json one : items) keys.push_back(*table.key_of(*parse_item(one), false));
      const auto last = member(page, "LastEvaluatedKey");
      after = last ? ",\"ExclusiveStartKey\":" + item_json(*parse_item(*last)) : "";
      if (pages != nullptr) ++*pages;
    } while (!after.empty());
    return keys;
  }
};

Engine ordered(std::uint64_t order, bool scatters) {
  Engine engine;
  engine.order = order;
  engine.page = 4;
  engine.scatters = scatters;
  return engine;
}

TEST(Scan, EachItemLiesInOneSegment) {
  for (const bool scatters : {false, true}) {
    Scanned s;
    s.table.run_on(ordered(5, scatters));
    std::set<std::string> all;
    std::size_t shown = 0;
    for (int segment = 0; segment < 4; ++segment) {
      const auto keys = s.scan(segment, 4);
      shown += keys.size();
      all.insert(keys.begin(), keys.end());
    }
    EXPECT_EQ(shown, 30U);
    EXPECT_EQ(all.size(), 30U);
  }
}

TEST(Scan, OrdersAreTheEnginesOwn) {
  Scanned s;
  const auto plain = s.scan(0, 1);
  EXPECT_TRUE(std::is_sorted(plain.begin(), plain.end()));
  s.table.run_on(ordered(5, true));
  std::size_t pages = 0;
  const auto one = s.scan(0, 1, &pages);
  EXPECT_GE(pages, 8U);
  EXPECT_EQ(one, s.scan(0, 1));
  s.table.run_on(ordered(6, true));
  EXPECT_NE(one, s.scan(0, 1));
}

// As the service does: a partition key's items follow each other, by their sort key.
TEST(Scan, PartitionsStayTogetherUnlessTheEngineScatters) {
  Scanned s;
  s.table.run_on(ordered(5, false));
  const auto keys = s.scan(0, 1);
  ASSERT_EQ(keys.size(), 30U);
  for (std::size_t i = 0; i < keys.size(); i += 3) {
    const auto part = keys[i].substr(0, keys[i].find('}'));
    EXPECT_TRUE(keys[i + 1].starts_with(part) && keys[i + 2].starts_with(part));
  }
}

TEST(Scan, RefusesSegmentsThatThereAreNot) {
  Scanned s;
  const auto refused = [&s](const std::string& more) {
    return s.ask("Scan", R"({"TableName":"t",)" + more + "}").starts_with("ValidationException");
  };
  EXPECT_TRUE(refused(R"("Segment":2,"TotalSegments":2)"));
  EXPECT_TRUE(refused(R"("Segment":-1,"TotalSegments":2)"));
  EXPECT_TRUE(refused(R"("Segment":1)"));
  EXPECT_TRUE(refused(R"("TotalSegments":2)"));
  EXPECT_FALSE(refused(R"("Segment":0,"TotalSegments":1)"));
}

TEST(Scan, SaysWhatItConsumed) {
  Scanned s;
  const std::string more = R"(,"ReturnConsumedCapacity":"TOTAL"})";
  EXPECT_NE(s.ask("Scan", R"({"TableName":"t")" + more).find(R"("CapacityUnits":0.5)"),
            std::string::npos);
  EXPECT_NE(s.ask("Scan", R"({"TableName":"t","ConsistentRead":true)" + more)
                .find(R"("CapacityUnits":1.0)"),
            std::string::npos);
}

TEST(Scan, StaleOnesShowThePastAndConsistentOnesDoNot) {
  Scanned s;
  s.table.run_on(ordered(5, true));
  s.world.run_until(10s);
  s.table.erase(s.table.key_item(*s.table.items().begin()->second));
  s.world.faults().also(Fault::stale_read, 100'000);
  EXPECT_EQ(s.scan(0, 1).size(), 30U);
  const std::string now = s.ask("Scan", R"({"TableName":"t","ConsistentRead":true,"Limit":1})");
  EXPECT_EQ(now.find(R"("r":{"N":"0"},"id":{"N":"0"})"), std::string::npos);
  s.world.run_until(15s);
  EXPECT_EQ(s.scan(0, 1).size(), 29U);
}

TEST(Engines, MaySpellNumbersInTheirOwnWay) {
  Scanned s;
  Engine engine;
  engine.spells = true;
  s.table.run_on(engine);
  const std::string page = s.ask("Scan", R"({"TableName":"t","Limit":1})");
  EXPECT_NE(page.find(R"("id":{"N":"0.0"})"), std::string::npos) << page;
}

TEST(Engines, MayRefuseToCompareWhatIsNoStringOrNumber) {
  Scanned s;
  Engine engine;
  engine.refuses = true;
  s.table.run_on(engine);
  const auto put = [&s](const std::string& value) {
    return s.ask("PutItem",
                 R"({"TableName":"t","Item":{"id":{"N":"1"},"r":{"N":"1"}},)"
                 R"("ConditionExpression":"#1 = :1","ExpressionAttributeNames":{"#1":"v"},)"
                 R"("ExpressionAttributeValues":{":1":)" +
                     value + "}}");
  };
  EXPECT_TRUE(put(R"({"L":[]})").starts_with("ValidationException"));
  EXPECT_TRUE(put(R"({"S":"x"})").starts_with("ConditionalCheckFailedException"));
  s.table.run_on({});
  EXPECT_TRUE(put(R"({"L":[]})").starts_with("ConditionalCheckFailedException"));
}

// The longest guard of a second writer.
TEST(Engines, CompareManyAttributes) {
  Scanned s;
  Item item{{"id", R"({"N":"1"})"}, {"r", R"({"N":"1"})"}};
  std::string condition;
  std::string names;
  std::string values;
  for (int i = 0; i < 150; ++i) {
    const std::string number = std::to_string(i);
    item["a" + number] = R"({"M":{"x":{"NS":["1",")" + std::to_string(i + 2) + R"("]}}})";
    condition += (i > 0 ? " AND #" : "#") + number + " = :" + number;
    names += (i > 0 ? ",\"#" : "\"#") + number + R"(":"a)" + number + "\"";
    values += (i > 0 ? ",\":" : "\":") + number + R"(":{"M":{"x":{"NS":[")" +
              std::to_string(i + 2) + R"(","1.0"]}}})";
  }
  s.table.put(item);
  const auto erase = [&] {
    return s.ask(
        "DeleteItem",
        R"({"TableName":"t","Key":{"id":{"N":"1"},"r":{"N":"1"}},"ConditionExpression":")" +
            condition + R"(","ExpressionAttributeNames":{)" + names +
            R"(},"ExpressionAttributeValues":{)" + values + "}}");
  };
  item["a149"] = R"({"S":"other"})";
  s.table.put(item);
  EXPECT_TRUE(erase().starts_with("ConditionalCheckFailedException"));
  item["a149"] = R"({"M":{"x":{"NS":["1","151"]}}})";
  s.table.put(item);
  EXPECT_EQ(erase(), "{}");
}

}  // namespace
}  // namespace dynamodb_replicator::sim

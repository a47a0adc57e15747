#include "item/canonical.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace dynamodb_replicator::item {
namespace {

TEST(CanonicalItem, EqualByValue) {
  EXPECT_TRUE(
      same_item(R"({"a":{"N":"1"},"b":{"S":"x"}})", R"({"b":{"S":"\u0078"},"a":{"N":"1.0"}})"));
  EXPECT_TRUE(same_item(R"({"a":{"SS":["x","y"]}})", R"({"a":{"SS":["y","x"]}})"));
  EXPECT_TRUE(same_item(R"({"a":{"NS":["1","2"]}})", R"({"a":{"NS":["2.0","1e0"]}})"));
  EXPECT_TRUE(same_item(R"({"a":{"BS":["AQ==","Ag=="]}})", R"({"a":{"BS":["Ag==","AQ=="]}})"));
  EXPECT_TRUE(same_item(R"({"a":{"M":{"x":{"N":"1"},"y":{"NULL":true}}}})",
                        R"({"a":{"M":{"y":{"NULL":true},"x":{"N":"1"}}}})"));
  EXPECT_TRUE(same_item(R"({"a":{"N":"1"},"aws:rep:updatetime":{"N":"7"}})", R"({"a":{"N":"1"}})"));
}

TEST(CanonicalItem, DifferentByValue) {
  const std::vector<std::string> all = {R"({})",
                                        R"({"a":{"S":""}})",
                                        R"({"a":{"S":"1"}})",
                                        R"({"a":{"N":"1"}})",
                                        R"({"a":{"B":"MQ=="}})",
                                        R"({"a":{"B":""}})",
                                        R"({"a":{"BOOL":true}})",
                                        R"({"a":{"BOOL":false}})",
                                        R"({"a":{"NULL":true}})",
                                        R"({"a":{"L":[]}})",
                                        R"({"a":{"M":{}}})",
                                        R"({"a":{"SS":["1"]}})",
                                        R"({"a":{"NS":["1"]}})",
                                        R"({"a":{"BS":["MQ=="]}})",
                                        R"({"a":{"L":[{"N":"1"},{"N":"2"}]}})",
                                        R"({"a":{"L":[{"N":"2"},{"N":"1"}]}})",
                                        R"({"a":{"L":[{"L":[]},{"L":[]}]}})",
                                        R"({"a":{"L":[{"L":[{"L":[]}]}]}})",
                                        R"({"b":{"S":""}})",
                                        R"({"a":{"M":{"aws:rep:x":{"N":"1"}}}})",
                                        R"({"a":{"N":"12345678901234567890"}})",
                                        R"({"a":{"N":"12345678901234567891"}})",
                                        R"({"a":{"S":"x"},"b":{"S":"y"}})",
                                        R"({"a":{"S":"xb"},"":{"S":"y"}})"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(canonical_item(all[i]).ok()) << all[i];
    for (std::size_t j = 0; j < all.size(); ++j) {
      EXPECT_EQ(same_item(all[i], all[j]), i == j) << all[i] << all[j];
    }
  }
}

std::string nested(int levels) {
  std::string value = R"({"S":"deep"})";
  for (int i = 0; i < levels; ++i) {
    value = i % 2 == 0 ? R"({"L":[)" + value + "]}" : R"({"M":{"m":)" + value + "}}";
  }
  return R"({"a":)" + value + "}";
}

TEST(CanonicalItem, NestingOf32IsFineAndDepthEndsSomewhere) {
  EXPECT_TRUE(canonical_item(nested(32)).ok());
  EXPECT_FALSE(canonical_item(nested(100)).ok());
  EXPECT_FALSE(canonical_item(nested(5000)).ok());
  EXPECT_TRUE(same_item(nested(5000), nested(5000)));  // the same bytes
}

TEST(CanonicalItem, SaysWhatIsMalformed) {
  const auto reason = [](const std::string& json) {
    const auto item = canonical_item(json);
    return item.ok() ? "fine" : item.error().reason;
  };
  EXPECT_EQ(reason(R"({"a":{"X":"1"}})"), "an attribute has an unknown type");
  EXPECT_EQ(reason(R"({"a":{"S":"1","N":"1"}})"), "an attribute has more than one type");
  EXPECT_EQ(reason(R"({"a":{}})"), "an attribute has no type");
  EXPECT_EQ(reason(R"({"a":{"NULL":false}})"), "a NULL is not true");
  EXPECT_EQ(reason(R"({"a":{"BOOL":"true"}})"), "a BOOL or NULL is not true or false");
  EXPECT_EQ(reason(R"({"a":{"N":"1e126"}})"), "a number is not one that DynamoDB accepts");
  EXPECT_EQ(reason(R"({"a":{"N":1}})"), "a scalar is not a JSON string");
  EXPECT_EQ(reason(R"({"a":{"B":"?"}})"), "a binary value is not base64");
  EXPECT_EQ(reason(R"({"a":{"S":"1"},"a":{"S":"1"}})"), "an attribute name appears twice");
  for (const char* bad :
       {"", "[]", "{", R"({"a":{"S":"1"}}})", R"({"a":{"S":"1"}} {})", R"({"a":{"L":[{"S":"1"}}})",
        R"({"a":{"BOOL":tru}})", R"({"a":{"SS":["a"})"}) {
    EXPECT_NE(reason(bad), "fine") << bad;
  }
}

TEST(WritableItem, LosesOnlyWhatTheServiceRefuses) {
  const std::string plain = R"({ "b": {"N":"1.0"} })";
  EXPECT_EQ(*writable_item(plain), plain);
  EXPECT_EQ(*writable_item(
                R"({"aws:rep:deleting":{"BOOL":false},"b" : {"N":"1.0"} ,"aws:rep:x":{"N":"1"}})"),
            R"({"b":{"N":"1.0"}})");
  const std::string inside = R"({"b":{"S":"aws:rep:"},"c":{"M":{"aws:rep:x":{"N":"1"}}}})";
  EXPECT_EQ(*writable_item(inside), inside);
  EXPECT_FALSE(writable_item(R"({"aws:rep:x":)").ok());
}

// A random value, written twice: `shuffled` differs in order and spelling only.
struct Twice {
  std::string plain;
  std::string shuffled;
};

Twice scalar() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0: {
      const int n = *rc::gen::inRange(-1000, 1000);
      return {R"({"N":")" + std::to_string(n) + R"("})",
              R"({"N":")" + std::to_string(n) + R"(.00"})"};
    }
    case 1: {
      const std::string text =
          base::to_json_string(base::to_hex(*rc::gen::arbitrary<std::string>()));
      return {R"({"S":)" + text + "}", R"({ "S" : )" + text + " }"};
    }
    case 2:
      return {R"({"NULL":true})", R"({"NULL": true})"};
    default: {
      auto set = *rc::gen::unique<std::vector<int>>(rc::gen::inRange(-9, 9));
      std::string left, right;
      for (const int n : set) left += (left.empty() ? "\"" : ",\"") + std::to_string(n) + "\"";
      std::reverse(set.begin(), set.end());
      for (const int n : set) right += (right.empty() ? "\"" : ",\"") + std::to_string(n) + "e0\"";
      return {R"({"NS":[)" + left + "]}", R"({"NS":[)" + right + "]}"};
    }
  }
}

Twice map(int depth);

Twice value(int depth) {
  if (depth == 0 || *rc::gen::inRange(0, 3) != 0) return scalar();
  if (*rc::gen::arbitrary<bool>()) {
    const Twice inside = map(depth - 1);
    return {R"({"M":)" + inside.plain + "}", R"({"M":)" + inside.shuffled + "}"};
  }
  Twice list{R"({"L":[)", R"({"L":[ )"};
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) {
    const Twice element = value(depth - 1);
    list.plain += (i > 0 ? "," : "") + element.plain;
    list.shuffled += (i > 0 ? " , " : "") + element.shuffled;
  }
  return {list.plain + "]}", list.shuffled + "]}"};
}

Twice map(int depth) {
  std::string plain, shuffled;
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) {
    const Twice member = value(depth);
    const std::string name = "\"k" + std::to_string(i) + "\":";
    plain += (i > 0 ? "," : "") + name + member.plain;
    shuffled = name + member.shuffled + (i > 0 ? "," : "") + shuffled;
  }
  return {"{" + plain + "}", "{" + shuffled + "}"};
}

TEST(CanonicalItem, OrderAndSpellingNeverMatter) {
  EXPECT_TRUE(rc::check([] {
    const Twice item = map(3);
    const auto left = canonical_item(item.plain);
    const auto right = canonical_item(item.shuffled);
    RC_ASSERT(left.ok() && right.ok());
    RC_ASSERT(*left == *right);
  }));
}

TEST(CanonicalItem, EqualityIsALaw) {
  EXPECT_TRUE(rc::check([] {
    const Twice a = map(2);
    const Twice b = map(2);
    RC_ASSERT(same_item(a.plain, a.plain));
    RC_ASSERT(same_item(a.plain, b.plain) == same_item(b.plain, a.plain));
    RC_ASSERT(same_item(a.plain, b.plain) == same_item(a.shuffled, b.shuffled));
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::item

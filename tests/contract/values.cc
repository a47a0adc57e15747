// Items: how values come back, what is refused, how large they may be.
#include "contract/case.h"
#include "wire/items.h"

namespace dynamodb_replicator::contract {
namespace {

class Values : public Case {
 protected:
  std::string kept(const std::string& value) {
    put(table_, R"({"id":{"S":"a"},"v":)" + value + "}");
    return at(get(table_, R"({"id":{"S":"a"}})"), "/v");
  }
  std::string refused(const std::string& value) {
    return refusal("PutItem", put_body(table_, R"({"id":{"S":"r"},"v":)" + value + "}"));
  }
  const std::string table_ = create_table();
};

std::string number(const std::string& text) { return R"({"N":")" + text + R"("})"; }

// Developer guide, "Data types", Number: leading and trailing zeroes are trimmed; up to 38 digits,
// 1E-130 to 9.99...E+125.
TEST_F(Values, NumbersComeBackNormalised) {
  EXPECT_EQ(kept(number("1e5")), number("100000"));
  EXPECT_EQ(kept(number("-0")), number("0"));
  EXPECT_EQ(kept(number("0.000")), number("0"));
  EXPECT_EQ(kept(number("1.10")), number("1.1"));
  EXPECT_EQ(kept(number("00012.3400")), number("12.34"));
  EXPECT_EQ(kept(number("-1.50E1")), number("-15"));
  EXPECT_EQ(kept(number("1E-130")), number("0." + std::string(129, '0') + "1"));
  EXPECT_EQ(kept(number("1E125")), number("1" + std::string(125, '0')));
  const std::string longest = "12345678901234567890123456789012345678";
  EXPECT_EQ(kept(number(longest)), number(longest));
}

TEST_F(Values, ANumberMayBeginWithAPlus) { EXPECT_EQ(kept(number("+5")), number("5")); }

TEST_F(Values, NumbersInListsAndMapsAreNormalised) {
  EXPECT_EQ(kept(R"({"L":[{"N":"1e2"}]})"), R"({"L":[{"N":"100"}]})");
  EXPECT_EQ(kept(R"({"M":{"a":{"N":"1.50"}}})"), R"({"M":{"a":{"N":"1.5"}}})");
}

TEST_F(Values, NumbersThatUpdatesSetAreNormalised) {
  dynamodb(
      "UpdateItem",
      R"({"TableName":")" + table_ +
          R"(","Key":{"id":{"S":"a"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"N":"1.50"}}})");
  EXPECT_EQ(at(get(table_, R"({"id":{"S":"a"}})"), "/v"), number("1.5"));
}

TEST_F(Values, WhatIsNoNumberIsRefused) {
  for (const char* text :
       {"123456789012345678901234567890123456789", "1e126", "1e-131", " 7", "0x10", "", "NaN"}) {
    EXPECT_EQ(refused(number(text)), "ValidationException") << text;
  }
}

// Developer guide, "Naming rules and data types": empty strings and binaries, but not as keys
// (since May 2020).
TEST_F(Values, EmptyStringsAreValuesAndNoKeys) {
  EXPECT_EQ(kept(R"({"S":""})"), R"({"S":""})");
  EXPECT_EQ(kept(R"({"B":""})"), R"({"B":""})");
  EXPECT_EQ(kept(R"({"L":[]})"), R"({"L":[]})");
  EXPECT_EQ(kept(R"({"M":{}})"), R"({"M":{}})");
  EXPECT_EQ(refusal("PutItem", put_body(table_, R"({"id":{"S":""}})")), "ValidationException");
  EXPECT_EQ(refusal("GetItem", R"({"TableName":")" + table_ + R"(","Key":{"id":{"S":""}}})"),
            "ValidationException");
}

// The same, "Sets": elements are unique, of one type, at least one; their order means nothing.
TEST_F(Values, SetsAreSets) {
  EXPECT_EQ(kept(R"({"SS":["b","a"]})"), R"({"SS":["a","b"]})");
  EXPECT_EQ(kept(R"({"NS":["3","1.0","2e0"]})"), R"({"NS":["1","2","3"]})");
  EXPECT_EQ(kept(R"({"BS":["Yg==","YQ=="]})"), R"({"BS":["YQ==","Yg=="]})");
  EXPECT_EQ(refused(R"({"SS":[]})"), "ValidationException");
  EXPECT_EQ(refused(R"({"SS":["a","a"]})"), "ValidationException");
  EXPECT_EQ(refused(R"({"NS":["1","1.0"]})"), "ValidationException");
}

TEST_F(Values, EveryTypeComesBack) {
  for (const char* value :
       {R"({"BOOL":true})", R"({"BOOL":false})", R"({"NULL":true})", R"({"B":"AAH/"})",
        R"({"L":[{"S":"x"},{"N":"1"},{"L":[{"NULL":true}]}]})",
        R"({"M":{"a":{"M":{"b":{"SS":["x"]}}},"c":{"S":"\u00e9\ud83d\ude00\"\\\n"}}})"}) {
    EXPECT_EQ(kept(value), canonical(value));
  }
}

// API reference, AttributeValue: exactly one type.
TEST_F(Values, AValueHasOneType) {
  EXPECT_EQ(refused(R"({"S":"a","N":"1"})"), "ValidationException");
  EXPECT_EQ(refused("{}"), "ValidationException");
}

// API reference, PutItem: the key's attributes with the key's types; Delete and Get: and no others.
TEST_F(Values, KeysMatchTheSchema) {
  EXPECT_EQ(refusal("PutItem", put_body(table_, R"({"v":{"S":"a"}})")), "ValidationException");
  EXPECT_EQ(refusal("PutItem", put_body(table_, R"({"id":{"N":"1"}})")), "ValidationException");
  for (const char* key : {R"({"id":{"N":"1"}})", R"({"id":{"S":"a"},"v":{"S":"a"}})", "{}"}) {
    const std::string body = R"({"TableName":")" + table_ + R"(","Key":)" + key + "}";
    EXPECT_EQ(refusal("GetItem", body), "ValidationException") << key;
    EXPECT_EQ(refusal("DeleteItem", body), "ValidationException") << key;
  }
}

// API reference, GetItem: no Item in the answer where there is none; DeleteItem of a missing item
// succeeds.
TEST_F(Values, AMissingItemIsAbsent) {
  const std::string key = R"({"id":{"S":"never"}})";
  EXPECT_EQ(get(table_, key), "absent");
  erase(table_, key);
  put(table_, key);
  EXPECT_EQ(get(table_, key), key);
  erase(table_, key);
  EXPECT_EQ(get(table_, key), "absent");
}

// Developer guide, "Data types": two numbers of one value are one key.
TEST_F(Values, NumberKeysAreEqualByValue) {
  const std::string table = create_table("N", true);
  put(table, R"({"r":{"S":"x"},"id":{"N":"1e0"},"v":{"S":"old"}})");
  put(table, R"({"id":{"N":"1.0"},"r":{"S":"x"},"v":{"S":"new"}})");
  EXPECT_EQ(get(table, R"({"id":{"N":"01"},"r":{"S":"x"}})"),
            R"({"id":{"N":"1"},"r":{"S":"x"},"v":{"S":"new"}})");
  EXPECT_EQ(at(dynamodb("Scan", R"({"TableName":")" + table + "\"}"), "/Count"), "1");
}

// Developer guide, "Constraints": an item has at most 400 KB, names (UTF-8) and values together.
TEST_F(Values, AnItemHasAtMost400KiB) {
  constexpr std::size_t kLargest = 400 * 1024;
  const auto of_size = [](std::size_t size) {
    // id, a, v: four bytes of names, one of the key.
    return R"({"id":{"S":"a"},"v":{"S":")" + std::string(size - 4, 'x') + R"("}})";
  };
  put(table_, of_size(kLargest));
  EXPECT_EQ(get(table_, R"({"id":{"S":"a"}})").size(), of_size(kLargest).size());
  EXPECT_EQ(refusal("PutItem", put_body(table_, of_size(kLargest + 1))), "ValidationException");
  EXPECT_EQ(
      refusal("BatchWriteItem", R"({"RequestItems":{")" + table_ + R"(":[{"PutRequest":{"Item":)" +
                                    of_size(kLargest + 1) + "}}]}}"),
      "ValidationException");
}

// The same: bytes and not characters.
TEST_F(Values, StringsCountTheirBytes) {
  constexpr std::size_t kLargest = 400 * 1024;
  std::string twice;
  for (std::size_t i = 0; i < (kLargest - 4) / 2; ++i) twice += "\u00e9";
  put(table_, R"({"id":{"S":"a"},"v":{"S":")" + twice + R"("}})");
  EXPECT_EQ(refused(R"({"S":")" + twice + R"(x"})"), "ValidationException");
}

// The same: base64 is no part of a binary's size.
TEST_F(Values, BinariesCountTheirBytes) {
  constexpr std::size_t kLargest = 400 * 1024;
  std::string zeroes;
  for (std::size_t i = 0; i < (kLargest - 4) / 3; ++i) zeroes += "AAAA";
  put(table_, R"({"id":{"S":"a"},"v":{"B":")" + zeroes + R"("}})");
}

}  // namespace
}  // namespace dynamodb_replicator::contract

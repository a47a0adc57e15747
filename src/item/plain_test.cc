#include "item/plain.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "item/number.h"

namespace dynamodb_replicator::item {
namespace {

const KeySchema kString{{"id", KeyType::string}, std::nullopt};
const KeySchema kNumber{{"n", KeyType::number}, std::nullopt};
const KeySchema kBinaryId{{"b", KeyType::binary}, std::nullopt};
const KeySchema kIdAndNumber{{"id", KeyType::string}, KeyAttribute{"n", KeyType::number}};

std::string plain(std::string_view wire, const KeySchema& schema) {
  const auto key = parse_key(wire, schema);
  return key ? to_plain(**key) : key.error();
}

// The wire form of what was typed, or why not.
std::string typed(std::string_view text, const KeySchema& schema) {
  const auto key = parse_plain_or_wire_key(text, schema);
  return key ? (*key)->wire() : key.error();
}

TEST(PlainKey, IsOneLineInSchemaOrderWithNumbersBareAndExact) {
  EXPECT_EQ(plain(R"({"n":{"N":"12345678901234567890"},"id":{"S":"a\"\n\u00e4"}})", kIdAndNumber),
            "{\"id\":\"a\\\"\\n\xC3\xA4\",\"n\":12345678901234567890}");
  EXPECT_EQ(plain(R"({"b":{"B":[1,2,255]}})", kBinaryId), R"({"b":"AQL/"})");
  EXPECT_EQ(plain(R"({"n":{"N":"-1.50E+30"}})", kNumber), R"({"n":-1.50E+30})");
}

TEST(PlainKey, NumbersThatJsonCannotSpellKeepTheirValue) {
  EXPECT_EQ(plain(R"({"n":{"N":"+5"}})", kNumber), R"({"n":5e0})");
  EXPECT_EQ(plain(R"({"n":{"N":".50"}})", kNumber), R"({"n":5e-1})");
  EXPECT_EQ(plain(R"({"n":{"N":"007.25"}})", kNumber), R"({"n":7.25e0})");
  EXPECT_EQ(plain(R"({"n":{"N":"-01"}})", kNumber), R"({"n":-1e0})");
  EXPECT_EQ(plain(R"({"n":{"N":"5."}})", kNumber), R"({"n":5e0})");
  EXPECT_EQ(plain(R"({"n":{"N":"00"}})", kNumber), R"({"n":0})");
}

TEST(PlainKey, TheSchemaSaysHowATypedValueIsMeant) {
  EXPECT_EQ(typed(R"({"id":"1"})", kString), R"({"id":{"S":"1"}})");
  EXPECT_EQ(typed(R"({"n":1.0})", kNumber), R"({"n":{"N":"1.0"}})");
  EXPECT_EQ(typed(R"({"n":"1.0"})", kNumber), R"({"n":{"N":"1.0"}})");
  EXPECT_EQ(typed(R"({"n":12345678901234567890123456789012345678})", kNumber),
            R"({"n":{"N":"12345678901234567890123456789012345678"}})");
  EXPECT_EQ(typed(R"({"b":"AQL/"})", kBinaryId), R"({"b":{"B":"AQL/"}})");
  EXPECT_EQ(typed(R"({"b":{"type":"Buffer","data":[1,2,255]}})", kBinaryId),
            R"({"b":{"B":"AQL/"}})");
  EXPECT_EQ(typed(R"({"b":[1,2,255]})", kBinaryId), R"({"b":{"B":"AQL/"}})");
  EXPECT_EQ(typed(R"( {"n" : 7 , "id" : "a"} )", kIdAndNumber),
            R"({"id":{"S":"a"},"n":{"N":"7"}})");
}

TEST(PlainKey, WireFormIsTakenToo) {
  EXPECT_EQ(typed(R"({"n":{"N":"7"},"id":{"S":"a"}})", kIdAndNumber),
            R"({"id":{"S":"a"},"n":{"N":"7"}})");
  EXPECT_EQ(typed(R"({"n":7,"id":{"S":"a"}})", kIdAndNumber), R"({"id":{"S":"a"},"n":{"N":"7"}})");
  EXPECT_EQ(typed(R"({"b":{"B":"AQL/"}})", kBinaryId), R"({"b":{"B":"AQL/"}})");
}

TEST(PlainKey, AnErrorNamesWhatIsWrongAndWhatIsExpected) {
  const std::string tail =
      R"(; expected {"id":"text","n":123} or {"id":{"S":"text"},"n":{"N":"123"}})";
  EXPECT_EQ(typed("abc", kIdAndNumber), "the key is not one JSON object" + tail);
  EXPECT_EQ(typed("[1]", kIdAndNumber), "the key is not one JSON object" + tail);
  EXPECT_EQ(typed(R"({"id":"a","n":1} x)", kIdAndNumber), "the key is not one JSON object" + tail);
  EXPECT_EQ(typed(R"({"id":"a"})", kIdAndNumber), R"(key attribute "n" is missing)" + tail);
  EXPECT_EQ(typed(R"({"id":"a","n":1,"x":1})", kIdAndNumber),
            R"(key attribute "x" is not in the key schema)" + tail);
  EXPECT_EQ(typed(R"({"id":1,"n":1})", kIdAndNumber),
            R"(key attribute "id" is not a string)" + tail);
  EXPECT_EQ(typed(R"({"id":"a","n":true})", kIdAndNumber),
            R"(key attribute "n" is not a number)" + tail);
  EXPECT_EQ(typed(R"({"id":"a","n":"x"})", kIdAndNumber),
            R"(key attribute "n" is not a number that DynamoDB accepts)" + tail);
  EXPECT_EQ(typed(R"({"id":"a","n":{"S":"1"}})", kIdAndNumber),
            R"(key attribute "n" is not of type N)" + tail);
  EXPECT_EQ(typed(R"({"id":"","n":1})", kIdAndNumber), R"(key attribute "id" is empty)" + tail);
  EXPECT_EQ(typed(R"({"b":"AQL"})", kBinaryId),
            R"(key attribute "b" is not binary in any known spelling)"
            R"(; expected {"b":"base64"} or {"b":{"B":"base64"}})");
  EXPECT_EQ(typed(R"({"b":1})", kBinaryId).substr(0, 34), R"(key attribute "b" is not base64; e)");
  EXPECT_EQ(typed(R"({"id":"a","id":"b","n":1})", kIdAndNumber),
            R"(key attribute "id" appears twice)" + tail);
}

rc::Gen<std::string> number_text() {
  return rc::gen::exec([] {
    const auto sign = *rc::gen::element<std::string>("", "-", "+");
    const auto digits =
        *rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::inRange<char>('0', ':')),
                           [](const std::string& d) { return !d.empty() && d.size() <= 38; });
    const auto point = *rc::gen::inRange<std::size_t>(0, digits.size() + 1);
    const bool dotted = *rc::gen::arbitrary<bool>();
    const auto exponent =
        *rc::gen::element<std::string>("", "e0", "E+40", "e-60", "E7", "e+85", "e-92");
    std::string text = digits;
    if (dotted) text.insert(point, ".");
    return sign + text + exponent;
  });
}

std::string typed_value(KeyType type) {
  if (type == KeyType::number) {
    const auto text =
        *rc::gen::suchThat(number_text(), [](const auto& t) { return canonical_number(t); });
    return R"({"N":")" + text + R"("})";
  }
  const auto bytes = *rc::gen::nonEmpty(rc::gen::container<std::string>(
      type == KeyType::binary ? rc::gen::arbitrary<char>() : rc::gen::inRange<char>(0, 127)));
  if (type == KeyType::binary) return R"({"B":")" + base::to_base64(bytes) + R"("})";
  return R"({"S":)" + base::to_json_string(bytes + "\xE2\x82\xAC") + "}";
}

TEST(PlainKey, WhatIsPrintedIsTheSameKeyWhenTyped) {
  rc::check([] {
    const auto type = [] {
      return *rc::gen::element(KeyType::string, KeyType::number, KeyType::binary);
    };
    KeySchema schema{{"a \"name\"", type()}, std::nullopt};
    if (*rc::gen::arbitrary<bool>()) schema.range = KeyAttribute{"#r", type()};
    std::string wire =
        "{" + base::to_json_string(schema.hash.name) + ":" + typed_value(schema.hash.type);
    if (schema.range) wire += ",\"#r\":" + typed_value(schema.range->type);
    const auto key = parse_key(wire + "}", schema);
    RC_ASSERT(key.ok());
    const std::string text = to_plain(**key);
    RC_ASSERT(text.find('\n') == std::string::npos);
    const auto back = parse_plain_or_wire_key(text, schema);
    RC_ASSERT(back.ok());
    RC_ASSERT(**back == **key);
    const auto same = parse_plain_or_wire_key((*key)->wire(), schema);
    RC_ASSERT(same.ok());
    RC_ASSERT(**same == **key);
  });
}

}  // namespace
}  // namespace dynamodb_replicator::item

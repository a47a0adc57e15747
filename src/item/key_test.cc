#include "item/key.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"

namespace dynamodb_replicator::item {
namespace {

const KeySchema kHash{{"id", KeyType::string}, std::nullopt};
const KeySchema kBoth{{"id", KeyType::string}, KeyAttribute{"n", KeyType::number}};
const KeySchema kBinary{{"b", KeyType::binary}, std::nullopt};

std::string reason(std::string_view json, const KeySchema& schema) {
  const auto key = parse_key(json, schema);
  return key.ok() ? "accepted" : key.error();
}

TEST(Key, WireFormIsInSchemaOrderWithNumbersAsSpelled) {
  const auto key = parse_key(R"({"n":{"N":"1.0"},"id":{"S":"a"}})", kBoth);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ((*key)->wire(), R"({"id":{"S":"a"},"n":{"N":"1.0"}})");
}

TEST(Key, AttributeOrderAndNumberSpellingDoNotMatter) {
  const auto first = parse_key(R"({"id":{"S":"a"},"n":{"N":"1"}})", kBoth);
  for (const char* other :
       {R"({"n":{"N":"1.0"},"id":{"S":"a"}})", R"({"id":{"S":"\u0061"},"n":{"N":"1e0"}})",
        R"( { "n" : {"N":"+1"} , "id" : {"S":"a"} } )"}) {
    const auto key = parse_key(other, kBoth);
    ASSERT_TRUE(key.ok()) << other;
    EXPECT_EQ(**first, **key) << other;
  }
  EXPECT_FALSE(**first == **parse_key(R"({"id":{"S":"a"},"n":{"N":"2"}})", kBoth));
  EXPECT_FALSE(**first == **parse_key(R"({"id":{"S":"A"},"n":{"N":"1"}})", kBoth));
}

TEST(Key, TwentyDigitNumbersStayApart) {
  const KeySchema schema{{"n", KeyType::number}, std::nullopt};
  const auto a = parse_key(R"({"n":{"N":"12345678901234567890"}})", schema);
  const auto b = parse_key(R"({"n":{"N":"12345678901234567891"}})", schema);
  EXPECT_FALSE(**a == **b);
  EXPECT_EQ((*a)->wire(), R"({"n":{"N":"12345678901234567890"}})");
}

TEST(Key, BinaryInItsThreeSpellingsIsOneKey) {
  const auto base64 = parse_key(R"({"b":{"B":"AQL/"}})", kBinary);
  ASSERT_TRUE(base64.ok());
  for (const char* other :
       {R"({"b":{"B":[1,2,255]}})", R"({"b":{"B":{"type":"Buffer","data":[1,2,255]}}})",
        R"({"b":{"B":{"data":[1,2,255],"type":"Buffer"}}})"}) {
    const auto key = parse_key(other, kBinary);
    ASSERT_TRUE(key.ok()) << other;
    EXPECT_EQ(**base64, **key);
    EXPECT_EQ((*key)->wire(), R"({"b":{"B":"AQL/"}})");
  }
  for (const char* bad : {R"({"b":{"B":"AQL"}})", R"({"b":{"B":[256]}})", R"({"b":{"B":[-1]}})",
                          R"({"b":{"B":[1.5]}})", R"({"b":{"B":{"type":"Other","data":[1]}}})",
                          R"({"b":{"B":{"type":"Buffer"}}})", R"({"b":{"B":{"data":[1]}}})",
                          R"({"b":{"B":7}})", R"({"b":{"B":["1"]}})"}) {
    EXPECT_EQ(reason(bad, kBinary), "key attribute \"b\" is not binary in any known spelling")
        << bad;
  }
}

TEST(Key, RefusesWhatIsNotTheSchema) {
  EXPECT_EQ(reason(R"({"id":{"S":""}})", kHash), "key attribute \"id\" is empty");
  EXPECT_EQ(reason(R"({"b":{"B":""}})", kBinary), "key attribute \"b\" is empty");
  EXPECT_EQ(reason(R"({"b":{"B":[]}})", kBinary), "key attribute \"b\" is empty");
  EXPECT_EQ(reason(R"({"id":{"N":"1"}})", kHash), "key attribute \"id\" is not of type S");
  EXPECT_EQ(reason(R"({"id":{"SS":["1"]}})", kHash), "key attribute \"id\" is not of type S");
  EXPECT_EQ(reason(R"({"id":{"S":"a"}})", kBoth), "key attribute \"n\" is missing");
  EXPECT_EQ(reason(R"({})", kHash), "key attribute \"id\" is missing");
  EXPECT_EQ(reason(R"({"id":{"S":"a"},"x":{"S":"a"}})", kHash),
            "has an attribute that is not in the key schema");
  EXPECT_EQ(reason(R"({"id":{"S":"a"},"id":{"S":"a"}})", kHash),
            "key attribute \"id\" appears twice");
  EXPECT_EQ(reason(R"({"id":{"S":"a","N":"1"}})", kHash),
            "key attribute \"id\" has more than one type");
  EXPECT_EQ(reason(R"({"id":{}})", kHash), "key attribute \"id\" is not an attribute value");
  EXPECT_EQ(reason(R"({"id":"a"})", kHash), "key attribute \"id\" is not an attribute value");
  EXPECT_EQ(reason(R"({"id":{"S":7}})", kHash), "key attribute \"id\" is not a JSON string");
  EXPECT_EQ(reason(R"({"id":{"S":"a"},"n":{"N":" 7"}})", kBoth),
            "key attribute \"n\" is not a number that DynamoDB accepts");
  EXPECT_EQ(reason(R"({"id":{"S":"a"},"n":{"N":7}})", kBoth),
            "key attribute \"n\" is not a JSON string");
}

TEST(Key, NoticesBrokenText) {
  for (const char* bad : {"", "null", "[]", "7", "{", R"({"id":{"S":"a"})", R"({"id":{"S":"a"}}})",
                          R"({"id":{"S":"a"}} x)", R"({"id":{"S":"a"},})", R"({"id":{"S":"a)",
                          R"({"id":{"S":"\ud800"}})", "{\"id\":{\"S\":\"\xff\"}}"}) {
    EXPECT_NE(reason(bad, kHash), "accepted") << bad;
  }
}

TEST(Key, OfAnItemLooksAtNothingElse) {
  const auto key = key_of_item(
      R"({"big":{"L":[{"M":{"id":{"S":"no"}}}]},"n":{"N":"7"},"z":1e999,"id":{"S":"a\"b"}})",
      kBoth);
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->wire(), R"({"id":{"S":"a\"b"},"n":{"N":"7"}})");
}

TEST(Key, TextOfASchema) { EXPECT_EQ(to_text(kBoth), "id (S), n (N)"); }

TEST(Key, WireFormReadsBackAsTheSameKey) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, std::int64_t number) {
    RC_PRE(!bytes.empty());
    const KeySchema schema{{"b \"q\"", KeyType::binary}, KeyAttribute{"n", KeyType::number}};
    const auto key = parse_key(R"({"n":{"N":")" + std::to_string(number) +
                                   R"("},"b \"q\"":{"B":")" + base::to_base64(bytes) + R"("}})",
                               schema);
    RC_ASSERT(key.ok());
    const auto again = parse_key((*key)->wire(), schema);
    RC_ASSERT(again.ok());
    RC_ASSERT(**key == **again);
    RC_ASSERT((*key)->wire() == (*again)->wire());
  }));
}

TEST(Key, PairsDoNotRunTogether) {
  const KeySchema schema{{"a", KeyType::string}, KeyAttribute{"b", KeyType::string}};
  EXPECT_TRUE(rc::check([&](bool left_longer) {
    const auto text =
        rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("S1:a"))));
    const std::string a = *text;
    const std::string b = *text;
    const std::string c = left_longer ? a + b.substr(0, 1) : a;
    const std::string d = left_longer ? b.substr(1) : b;
    RC_PRE(!d.empty());
    const auto make = [&](const std::string& hash, const std::string& range) {
      return *parse_key(R"({"a":{"S":")" + hash + R"("},"b":{"S":")" + range + R"("}})", schema);
    };
    RC_ASSERT((*make(a, b) == *make(c, d)) == (a == c && b == d));
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::item

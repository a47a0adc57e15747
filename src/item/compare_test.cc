#include "item/compare.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::item {
namespace {

using Kind = FieldDifference::Kind;
const Ignored kNothing;
const Ignored kStamp({"stamp", "n"});
const KeySchema kSchema{{"id", KeyType::string}, KeyAttribute{"n", KeyType::number}};

TEST(Compare, LeavesOutWhatIsIgnoredAndNothingElse) {
  const std::string a = R"({"id":{"S":"a"},"v":{"N":"1"},"stamp":{"N":"7"}})";
  const std::string b = R"({"v":{"N":"1.0"},"id":{"S":"a"},"stamp":{"S":"never"}})";
  const std::string c = R"({"id":{"S":"a"},"v":{"N":"2"},"stamp":{"N":"7"}})";
  EXPECT_FALSE(same_item(a, b, kNothing));
  EXPECT_TRUE(same_item(a, b, kStamp));
  EXPECT_FALSE(same_item(a, c, kStamp));
  EXPECT_TRUE(same_item("", "", kStamp));
  EXPECT_FALSE(same_item(a, "", kStamp));
  EXPECT_FALSE(same_item(R"({"a":{"M":{"stamp":{"N":"1"}}}})", R"({"a":{"M":{}}})", kStamp));
  EXPECT_TRUE(
      same_item(R"({"a":{"N":"1"},"aws:rep:x":{"N":"7"}})", R"({"a":{"N":"1.0"}})", kStamp));
  EXPECT_FALSE(same_item("junk", R"({"a":{"N":"1.0"}})", kStamp));
}

TEST(Compare, DigestsAreEqualForTheSameContentOnly) {
  const auto digest = [](const char* item, const Ignored& ignored) {
    return *content_digest(item, ignored);
  };
  EXPECT_EQ(digest(R"({"a":{"NS":["1","2"]},"b":{"S":"x"}})", kNothing),
            digest(R"({"b":{"S":"\u0078"},"a":{"NS":["2.0","1"]}})", kNothing));
  EXPECT_EQ(digest(R"({"a":{"S":"x"},"stamp":{"N":"1"}})", kStamp),
            digest(R"({"a":{"S":"x"}})", kStamp));
  EXPECT_NE(digest(R"({"a":{"S":"x"},"stamp":{"N":"1"}})", kNothing),
            digest(R"({"a":{"S":"x"}})", kNothing));
  EXPECT_NE(digest(R"({"a":{"S":"x"},"b":{"S":"y"}})", kNothing),
            digest(R"({"a":{"S":"y"},"b":{"S":"x"}})", kNothing));
  EXPECT_NE(digest(R"({"ab":{"S":"x"}})", kNothing), digest(R"({"a":{"S":"bx"}})", kNothing));
  EXPECT_FALSE(content_digest("junk", kNothing).ok());
}

TEST(Compare, TellsFieldByFieldWhereItemsDiffer) {
  const auto found = field_differences(
      R"({"id":{"S":"a"},"x":{"N":"1"},"z":{"NULL":true},"same":{"SS":["p","q"]},"stamp":{"N":"1"}})",
      R"({"same":{"SS":["q","p"]},"id":{"S":"a"},"x":{"N":"1.5"},"y":{"S":""},"aws:rep:t":{"N":"1"}})",
      kStamp);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, (std::vector<FieldDifference>{
                        {"x", Kind::different}, {"y", Kind::only_right}, {"z", Kind::only_left}}));
  EXPECT_TRUE(field_differences(R"({"a":{"N":"1"}})", R"({"a":{"N":"1e0"}})", kNothing)->empty());
  EXPECT_FALSE(field_differences("junk", R"({"a":{"N":"1e0"}})", kNothing).ok());
}

TEST(Compare, WhatIsPutKeepsTheReplicasOwnIgnoredAttributes) {
  const std::string wanted =
      R"({"id":{"S":"a"},"n":{"N":"1"},"v":{"L":[{"N":"1.50"}]},"stamp":{"N":"1"}})";
  const std::string kept = R"({"id":{"S":"a"},"n":{"N":"1.0"},"old":{"S":"x"},"stamp":{"N":"2"}})";
  EXPECT_EQ(*with_kept(wanted, kept, kStamp, kSchema),
            R"({"id":{"S":"a"},"n":{"N":"1"},"v":{"L":[{"N":"1.50"}]},"stamp":{"N":"2"}})");
  EXPECT_EQ(*with_kept(wanted, "", kStamp, kSchema),
            R"({"id":{"S":"a"},"n":{"N":"1"},"v":{"L":[{"N":"1.50"}]}})");
  EXPECT_EQ(*with_kept(wanted, kept, kNothing, kSchema), wanted);
}

TEST(Compare, AnItemIsExpiredWhenItsTimeIsPast) {
  const WallTime now = WallTime(std::chrono::seconds(1'700'000'000)) + 500ms;
  const auto expired = [&](const std::string& value) {
    return is_expired("{\"id\":{\"S\":\"a\"},\"until\":" + value + "}", "until", now);
  };
  EXPECT_TRUE(expired(R"({"N":"1699999999"})"));
  EXPECT_TRUE(expired(R"({"N":"1699999999.9"})"));
  EXPECT_TRUE(expired(R"({"N":"1.6e9"})"));
  EXPECT_FALSE(expired(R"({"N":"1700000000"})"));
  EXPECT_FALSE(expired(R"({"N":"1700000001"})"));
  EXPECT_FALSE(expired(R"({"N":"1699999999000"})"));  // milliseconds: far in the future
  EXPECT_FALSE(expired(R"({"N":"1e100"})"));
  EXPECT_FALSE(expired(R"({"N":"0"})"));  // more than five years ago: the service lets it live
  EXPECT_FALSE(expired(R"({"N":"-5"})"));
  EXPECT_FALSE(expired(R"({"S":"1699999999"})"));
  EXPECT_FALSE(expired(R"({"NS":["1699999999"]})"));
  EXPECT_FALSE(is_expired(R"({"id":{"S":"a"}})", "until", now));
}

}  // namespace
}  // namespace dynamodb_replicator::item

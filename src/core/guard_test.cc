#include "core/guard.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dynamodb_replicator::core {
namespace {

const item::KeySchema kSchema{{"id", item::KeyType::string},
                              item::KeyAttribute{"n", item::KeyType::number}};

TEST(Guard, AnAbsentItemMustStillBeAbsent) {
  const Guard guard = guard_for("", kSchema);
  EXPECT_EQ(guard.expression, "attribute_not_exists(#k)");
  EXPECT_EQ(guard.names, R"({"#k":"id"})");
  EXPECT_EQ(guard.values, "");
}

TEST(Guard, EachAttributeButTheKeyMustStillBeEqual) {
  const Guard guard = guard_for(
      R"({"id":{"S":"a"},"v 1":{"N":"12345678901234567890"},"n":{"N":"1"},"\"":{"M":{"x":{"BS":["AQ=="]}}},"aws:rep:t":{"N":"1"}})",
      kSchema);
  EXPECT_EQ(guard.expression, "#1 = :1 AND #2 = :2");
  EXPECT_EQ(guard.names, R"({"#1":"v 1","#2":"\""})");
  EXPECT_EQ(guard.values,
            R"({":1":{"N":"12345678901234567890"},":2":{"M":{"x":{"BS":["AQ=="]}}}})");
}

TEST(Guard, AnItemThatIsNothingButItsKeyMustStillBeThere) {
  const Guard guard = guard_for(R"({"id":{"S":"a"},"n":{"N":"1"}})", kSchema);
  EXPECT_EQ(guard.expression, "attribute_exists(#k)");
  EXPECT_EQ(guard.names, R"({"#k":"id"})");
}

std::string wide(std::size_t attributes) {
  std::string item = R"({"id":{"S":"a"},"n":{"N":"1"})";
  for (std::size_t i = 0; i < attributes; ++i)
    item += ",\"a" + std::to_string(i) + R"(":{"NULL":true})";
  return item + "}";
}

TEST(Guard, AsManyAttributesAsAnExpressionTakes) {
  const Guard widest = guard_for(wide(kGuardAttributesMax), kSchema);
  const auto& text = widest.expression;
  std::size_t operators = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
  for (std::size_t at = text.find("AND"); at != text.npos; at = text.find("AND", at + 1))
    ++operators;
  EXPECT_EQ(operators, 299U);
  EXPECT_LE(text.size(), 4096U);
  EXPECT_EQ(guard_for(wide(kGuardAttributesMax + 1), kSchema).expression, "");
}

TEST(Guard, WhatCannotBeReadCannotBeSaid) {
  EXPECT_EQ(guard_for("{\"a\":", kSchema).expression, "");
}

}  // namespace
}  // namespace dynamodb_replicator::core

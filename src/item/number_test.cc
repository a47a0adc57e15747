#include "item/number.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace dynamodb_replicator::item {
namespace {

TEST(CanonicalNumber, OneSpellingForEachValue) {
  EXPECT_EQ(canonical_number("12.30"), "123e1");
  EXPECT_EQ(canonical_number("-0.05"), "-5e-2");
  for (const char* one : {"1", "1.0", "1e0", "+1", "01", "10e-1", "0.1E+1", "1.", "1e-0"}) {
    EXPECT_EQ(canonical_number(one), "1e0") << one;
  }
  for (const char* zero : {"0", "-0", "0.000", "0e999", "+0", "00"}) {
    EXPECT_EQ(canonical_number(zero), "0") << zero;
  }
  EXPECT_EQ(canonical_number("+5"), canonical_number("5"));
  EXPECT_EQ(canonical_number("100000"), canonical_number("1e5"));
}

TEST(CanonicalNumber, ManyDigitsStayExact) {
  EXPECT_EQ(canonical_number("12345678901234567890"), "1234567890123456789e19");
  EXPECT_NE(canonical_number("12345678901234567890"), canonical_number("12345678901234567891"));
  const std::string nines(38, '9');
  EXPECT_EQ(canonical_number(nines), nines + "e37");
  EXPECT_EQ(canonical_number("-" + nines + ".000"), "-" + nines + "e37");
  EXPECT_EQ(canonical_number("9." + std::string(37, '9') + "e125"), nines + "e125");
  EXPECT_EQ(canonical_number("1e-130"), "1e-130");
  EXPECT_EQ(canonical_number(std::string(100, '0') + "7" + std::string(100, '0')), "7e100");
}

TEST(CanonicalNumber, RefusesWhatTheServiceRefuses) {
  const std::string too_long = "1" + std::string(37, '0') + "1";
  for (const std::string& text : {std::string(),
                                  std::string("+"),
                                  std::string("-"),
                                  std::string("."),
                                  std::string("e5"),
                                  std::string(" 7"),
                                  std::string("7 "),
                                  std::string("0x10"),
                                  std::string("1e"),
                                  std::string("1e+"),
                                  std::string("1e1.5"),
                                  std::string("1.2.3"),
                                  std::string("--1"),
                                  std::string("NaN"),
                                  std::string("Infinity"),
                                  std::string("1_000"),
                                  std::string("1e126"),
                                  std::string("1e-131"),
                                  std::string("10e125"),
                                  std::string("1e99999999999999999999"),
                                  std::string("1e-99999999999999999999"),
                                  std::string("1\0", 2),
                                  too_long,
                                  "0." + std::string(130, '0') + "1"}) {
    EXPECT_EQ(canonical_number(text), std::nullopt) << text;
  }
}

// An oracle that shares nothing with the code: the value as a whole number of units of 1e-400,
// digit by digit.
std::string scaled(bool negative, const std::string& whole, const std::string& fraction,
                   int exponent) {
  std::string units = whole + fraction;
  const int shift = 400 - static_cast<int>(fraction.size()) + exponent;
  units.append(static_cast<std::size_t>(shift), '0');
  const std::size_t first = units.find_first_not_of('0');
  if (first == std::string::npos) return "0";
  return (negative ? "-" : "") + units.substr(first);
}

struct Spelled {
  bool negative = false;
  std::string whole;
  std::string fraction;
  int exponent = 0;
  std::string text;
};

Spelled spell() {
  Spelled n;
  n.negative = *rc::gen::arbitrary<bool>();
  const auto digits = rc::gen::elementOf(std::string("0000123456789"));
  n.whole = *rc::gen::resize(12, rc::gen::container<std::string>(digits));
  n.fraction = *rc::gen::resize(12, rc::gen::container<std::string>(digits));
  RC_PRE(!n.whole.empty() || !n.fraction.empty());
  n.exponent = *rc::gen::inRange(-110, 110);
  n.text = (n.negative ? "-" : "") + n.whole + (n.fraction.empty() ? "" : "." + n.fraction);
  if (n.exponent != 0) n.text += "e" + std::to_string(n.exponent);
  return n;
}

TEST(CanonicalNumber, EqualExactlyWhenTheValuesAreEqual) {
  EXPECT_TRUE(rc::check([] {
    const Spelled a = spell();
    Spelled b = spell();
    if (*rc::gen::arbitrary<bool>()) {  // the same value in another spelling
      b = a;
      const int shift = *rc::gen::inRange(0, 8);
      b.whole = std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 3)), '0') + a.whole;
      b.fraction = a.fraction + std::string(static_cast<std::size_t>(shift), '0');
      b.text = (b.negative ? "-" : "+") + b.whole + b.fraction + "E" +
               std::to_string(b.exponent - static_cast<int>(b.fraction.size()));
    }
    const auto left = canonical_number(a.text);
    const auto right = canonical_number(b.text);
    RC_ASSERT(left.has_value() && right.has_value());
    const bool equal = scaled(a.negative, a.whole, a.fraction, a.exponent) ==
                       scaled(b.negative, b.whole, b.fraction, b.exponent);
    RC_ASSERT((*left == *right) == equal);
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::item

#include "wire/aggregated.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::wire {
namespace {

// A protobuf writer of a few lines, so that nothing is shared with the reader.
std::string varint(std::uint64_t value) {
  std::string out;
  while (value > 127) {
    out.push_back(static_cast<char>(value | 128));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
  return out;
}
std::string field(unsigned number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string field(unsigned number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}

std::string packet(const std::string& message) {
  return "\xF3\x89\x9A\xC2" + message + base::md5(message);
}

std::string entry(std::uint64_t key, const std::string& data) {
  return field(1, key) + field(3, data);
}

std::vector<std::string> split(const std::string& blob) {
  const auto parts = split_aggregated(blob);
  if (!parts) return {"plain"};
  std::vector<std::string> out;
  for (const auto& part : *parts) {
    const auto* data = std::get_if<std::string_view>(&part);
    out.push_back(data != nullptr ? std::string(*data)
                                  : "bad: " + std::get<BadRecord>(part).reason);
  }
  return out;
}

using Parts = std::vector<std::string>;

TEST(Aggregated, PartsInOrder) {
  const std::string tag = field(4, field(1, std::string("key")) + field(2, std::string("value")));
  EXPECT_EQ(split(packet(field(1, std::string("a")) + field(1, std::string("b")) +
                         field(2, std::string("7")) + field(3, entry(0, "one")) +
                         field(3, entry(1, "two") + field(2, std::uint64_t{0})) +
                         field(3, entry(0, "") + tag) + field(9, std::string("later")))),
            (Parts{"one", "two", ""}));
}

TEST(Aggregated, APacketGivenAsBytes) {
  // Magic, 0A 02 "pk", then twice 1A 07 {08 00, 1A 03 data}: independent of the writer above.
  const auto blob = base::from_base64("84mawgoCcGsaBwgAGgN7YX0aBwgAGgN7Yn0=");
  ASSERT_TRUE(blob.has_value());
  const std::string whole = *blob + base::md5(blob->substr(4));
  EXPECT_EQ(split(whole), (Parts{"{a}", "{b}"}));
}

TEST(Aggregated, WhatIsNoPacketIsOnePlainRecord) {
  const std::string message = field(1, std::string("a")) + field(3, entry(0, "one"));
  const std::string good = packet(message);
  ASSERT_EQ(split(good), Parts{"one"});
  EXPECT_EQ(split(""), Parts{"plain"});
  EXPECT_EQ(split("{}"), Parts{"plain"});
  EXPECT_EQ(split("\xF3\x89\x9A\xC2"), Parts{"plain"});
  EXPECT_EQ(split("\xF3\x89\x9A\xC2" + std::string(16, 'x')), Parts{"plain"});
  EXPECT_EQ(split(good.substr(1)), Parts{"plain"});
  std::string flipped = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_EQ(split(flipped), Parts{"plain"});
  EXPECT_EQ(split(packet(message + "\x1a\x7f")), Parts{"plain"});  // a length beyond the end
  EXPECT_EQ(split(packet(message + field(3, std::uint64_t{5}))),
            Parts{"plain"});  // another wire type
  EXPECT_EQ(split(packet(field(3, field(3, std::uint64_t{5})))), Parts{"plain"});
  EXPECT_EQ(split(packet(field(3, field(1, std::string("0"))))), Parts{"plain"});
}

TEST(Aggregated, IndexOutOfRangeIsLoudAndLosesNothingElse) {
  const std::string outside =
      "bad: a part of an aggregated record points outside the record's own tables";
  const std::string message = field(1, std::string("a")) + field(3, entry(0, "one")) +
                              field(3, entry(1, "two")) +
                              field(3, entry(0, "three") + field(2, std::uint64_t{0})) +
                              field(3, field(3, std::string("four"))) +
                              field(3, field(1, std::uint64_t{0})) + field(3, entry(0, "five"));
  EXPECT_EQ(split(packet(message)),
            (Parts{"one", outside, outside, outside,
                   "bad: a part of an aggregated record has no data", "five"}));
}

TEST(Aggregated, AnyPartsComeBack) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& parts) {
    std::string message = field(1, std::string("k"));
    for (const auto& part : parts) message += field(3, entry(0, part));
    RC_ASSERT(split(packet(message)) == parts);
  }));
}

TEST(Aggregated, AnyBytesAreSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) { (void)split_aggregated(packet(bytes)); }));
}

}  // namespace
}  // namespace dynamodb_replicator::wire

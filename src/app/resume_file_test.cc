#include "app/resume_file.h"

#include <gtest/gtest.h>

#include "aws/fake_doors.h"

namespace dynamodb_replicator::app {
namespace {

core::CompareState some_state() {
  core::CompareState state;
  state.segments = 7;
  state.chosen = {3, 0, 5};
  state.next = 2;
  state.cursors[0].after = {R"({"id":{"S":"a\"b"}})", ""};
  state.cursors[0].done = {false, true};
  state.tally.scanned = {10, 9};
  state.tally.equal = 8;
  state.runs = {{0, 30}, {30, 12}};
  state.scanned = true;
  state.settled_to = base::Digest128{0xFFFFFFFFFFFFFFFFULL, 7};
  state.candidates = 2;
  state.outcomes.found = {1, 0, 1, 0};
  state.outcomes.sides = {1, 1};
  state.findings = {{42, 5}};
  state.units = {1.5, 2.5};
  return state;
}

TEST(ResumeFileText, ComesBackWhole) {
  const auto stored = decode_state(encode_state(some_state(), "a -> b", "x"));
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->pair, "a -> b");
  const core::CompareState wanted = some_state();
  const core::CompareState& got = stored->state;
  EXPECT_EQ(encode_state(got, "", ""), encode_state(wanted, "", ""));
  EXPECT_EQ(got.cursors.at(0).after, wanted.cursors.at(0).after);
  EXPECT_EQ(got.settled_to, wanted.settled_to);
  EXPECT_EQ(got.tally, wanted.tally);
  EXPECT_EQ(got.outcomes.found, wanted.outcomes.found);
}

TEST(ResumeFileText, IsRefusedTornOrForeign) {
  const std::string text = encode_state(some_state(), "a -> b", "x");
  for (std::size_t cut = 0; cut + 2 < text.size(); ++cut)
    EXPECT_FALSE(decode_state(text.substr(0, cut)).has_value()) << cut;
  EXPECT_FALSE(decode_state("{}").has_value());
  EXPECT_FALSE(decode_state(R"({"format":"another"})").has_value());
}

struct ResumeFileTest : testing::Test {
  aws::FakeWorld world;
  Result<std::optional<core::CompareState>> open(const std::string& pair,
                                                 const std::string& options) {
    ResumeFile file(world.doors, "/r", pair, options);
    return file.open();
  }
};

TEST_F(ResumeFileTest, OfAnotherPairOrOtherOptionsOrWithoutItsWindowIsRefusedByName) {
  EXPECT_FALSE(open("p", "o")->has_value()) << "there is none yet";
  world.files.contents["/r"] = "";
  EXPECT_FALSE(open("p", "o")->has_value()) << "an empty one is none";
  world.files.contents["/r"] = encode_state(some_state(), "p", "o");
  world.files.contents["/r.window"] = std::string(47, 'x');
  EXPECT_TRUE(open("p", "o")->has_value());
  EXPECT_NE(open("q", "o").error().message.find("/r"), std::string::npos);
  EXPECT_FALSE(open("p", "other").ok());
  world.files.contents["/r.window"].pop_back();
  EXPECT_FALSE(open("p", "o").ok());
}

}  // namespace
}  // namespace dynamodb_replicator::app

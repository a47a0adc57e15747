#include "core/window.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "base/prng.h"

namespace dynamodb_replicator::core {
namespace {

Sighting sighting(const std::string& key, int content) {
  return {base::digest128(key), base::digest128(std::to_string(content)), key};
}

class Text : public RunSource {
 public:
  Text(std::string bytes, std::size_t step) : bytes_(std::move(bytes)), step_(step) {}
  Result<std::string> more() override {
    std::string piece = bytes_.substr(at_, step_);
    at_ += piece.size();
    return piece;
  }

 private:
  std::string bytes_;
  std::size_t step_;
  std::size_t at_ = 0;
};

std::string drained(ScanWindow& window) {
  std::string run;
  window.drain([&](std::string_view piece) { run += piece; });
  return run;
}

std::vector<Leftover> merged(const std::vector<std::string>& runs, Tally& tally,
                             std::size_t step = 7) {
  std::vector<std::unique_ptr<RunSource>> sources;
  for (const std::string& run : runs) sources.push_back(std::make_unique<Text>(run, step));
  RunMerge merge(std::move(sources), tally);
  std::vector<Leftover> all;
  for (;;) {
    auto next = merge.next();
    EXPECT_TRUE(next.ok());
    if (!next || !*next) return all;
    all.push_back(**next);
  }
}

TEST(ScanWindow, EqualsCancelInAnyOrder) {
  ScanWindow window;
  window.add(Side::primary, 0, sighting("a", 1));
  window.add(Side::primary, 0, sighting("b", 1));
  window.add(Side::replica, 0, sighting("b", 1));
  window.add(Side::replica, 0, sighting("a", 1));
  EXPECT_EQ(window.entries(), 0U);
  EXPECT_EQ(window.bytes(), 0U);
  EXPECT_EQ(window.tally().equal, 2U);
}

TEST(ScanWindow, DifferentContentStaysUntilANewerSightingAgrees) {
  ScanWindow window;
  window.add(Side::primary, 0, sighting("a", 1));
  window.add(Side::replica, 0, sighting("a", 2));
  EXPECT_EQ(window.entries(), 1U);
  window.add(Side::replica, 0, sighting("a", 1));
  EXPECT_EQ(window.entries(), 0U);
  const Tally& tally = window.tally();
  EXPECT_EQ(tally.scanned[1], tally.equal + tally.again[1]);
}

TEST(ScanWindow, KnowsWhoIsAhead) {
  ScanWindow window;
  for (int i = 0; i < 100; ++i) window.add(Side::primary, 3, sighting("x" + std::to_string(i), 0));
  for (int i = 40; i < 50; ++i) window.add(Side::replica, 3, sighting("x" + std::to_string(i), 0));
  EXPECT_EQ(window.ahead(Side::primary, 3), 50U)
      << "the replica has shown what stood at 50th place";
  EXPECT_EQ(window.ahead(Side::replica, 3), 0U);
  window.add(Side::replica, 3, sighting("only here", 0));
  EXPECT_EQ(window.ahead(Side::replica, 3), 1U);
  EXPECT_EQ(window.ahead(Side::replica, 4), 0U);
}

TEST(ScanWindow, WhoShowsAKeyAgainBringsTheOtherSideNoFurther) {
  ScanWindow window;
  for (int i = 0; i < 5; ++i)
    window.add(Side::primary, 0, sighting("only here " + std::to_string(i), 0));
  window.add(Side::primary, 0, sighting("a", 1));
  window.add(Side::replica, 0, sighting("a", 2));
  window.add(Side::primary, 0,
             sighting("a", 3));  // the primary's 7th, the replica's one is the 1st
  EXPECT_EQ(window.ahead(Side::replica, 0), 0U);
  window.add(Side::replica, 0, sighting("only there", 0));
  EXPECT_EQ(window.ahead(Side::replica, 0), 1U);
}

TEST(ScanWindow, TheNewestSightingCountsAcrossRuns) {
  ScanWindow window;
  window.add(Side::primary, 0, sighting("a", 1));
  window.add(Side::replica, 0, sighting("b", 1));
  const std::string first = drained(window);
  EXPECT_EQ(window.bytes(), 0U);
  window.add(Side::primary, 0, sighting("a", 2));
  window.add(Side::primary, 0, sighting("b", 1));
  const std::string second = drained(window);
  window.add(Side::replica, 0, sighting("a", 2));
  Tally tally = window.tally();
  EXPECT_TRUE(merged({first, second, drained(window)}, tally).empty());
  EXPECT_EQ(tally.equal, 2U);
  EXPECT_EQ(tally.again[0], 1U);
}

TEST(RunMerge, ATornRunIsAnError) {
  ScanWindow window;
  window.add(Side::primary, 0, sighting("abc", 1));
  window.add(Side::replica, 0, sighting("abc", 2));
  const std::string run = drained(window);
  for (std::size_t cut = 1; cut < run.size(); ++cut) {
    Tally tally;
    std::vector<std::unique_ptr<RunSource>> sources;
    sources.push_back(std::make_unique<Text>(run.substr(0, cut), 5));
    RunMerge merge(std::move(sources), tally);
    EXPECT_FALSE(merge.next().ok()) << cut;
  }
}

// Two tables in any order, any ceiling, any interleaving: what is left is exactly what differs, and
// the sums add up.
RC_GTEST_PROP(ScanWindow, LeavesExactlyTheSymmetricDifference, ()) {
  base::Prng prng(*rc::gen::arbitrary<std::uint64_t>());
  std::map<std::string, std::array<std::optional<int>, 2>> truth;
  std::array<std::vector<std::string>, 2> order;
  const auto items = *rc::gen::inRange(0, 300);
  for (int i = 0; i < items; ++i) {
    const std::string key(1 + prng.below(40), static_cast<char>('a' + prng.below(26)));
    const std::string name = key + std::to_string(i);
    auto& entry = truth[name];
    const std::uint64_t kind = prng.below(6);
    if (kind != 0) entry[0] = 1;
    if (kind != 1) entry[1] = kind == 2 ? 2 : 1;
    for (std::size_t side = 0; side < 2; ++side) {
      if (entry[side]) order[side].push_back(name);
    }
  }
  if (prng.chance(1, 2)) {
    for (auto& side : order) {
      for (std::size_t i = side.size(); i > 1; --i) std::swap(side[i - 1], side[prng.below(i)]);
    }
  }
  ScanWindow window(*rc::gen::element<std::size_t>(0, 500, 5000, 1 << 20));
  std::vector<std::string> runs;
  std::array<std::size_t, 2> at{};
  while (at[0] < order[0].size() || at[1] < order[1].size()) {
    std::size_t side = prng.below(2);
    if (at[side] == order[side].size()) side = 1 - side;
    const std::string& name = order[side][at[side]++];
    window.add(side == 0 ? Side::primary : Side::replica, 0, sighting(name, *truth[name][side]));
    if (window.full()) runs.push_back(drained(window));
  }
  runs.push_back(drained(window));
  Tally tally = window.tally();
  const std::vector<Leftover> left = merged(runs, tally, 1 + prng.below(50));
  std::map<std::string, std::array<bool, 2>> found;
  for (const Leftover& one : left) {
    RC_ASSERT(one.key == base::digest128(one.key_text));
    const auto placed = found.emplace(
        one.key_text, std::array<bool, 2>{one.content[0].has_value(), one.content[1].has_value()});
    RC_ASSERT(placed.second);
  }
  std::array<std::uint64_t, 2> only{};
  for (const auto& [name, sides] : truth) {
    const bool differs = sides[0] != sides[1];
    RC_ASSERT(found.contains(name) == differs);
    if (!differs) continue;
    for (std::size_t side = 0; side < 2; ++side) {
      RC_ASSERT(found[name][side] == sides[side].has_value());
      only[side] += sides[side].has_value() ? 1 : 0;
    }
  }
  for (std::size_t side = 0; side < 2; ++side) {
    RC_ASSERT(tally.scanned[side] == order[side].size());
    RC_ASSERT(tally.scanned[side] == tally.equal + tally.again[side] + only[side]);
  }
}

}  // namespace
}  // namespace dynamodb_replicator::core

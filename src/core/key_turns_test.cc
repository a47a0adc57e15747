#include "core/key_turns.h"

#include <gtest/gtest.h>

#include <memory>

namespace dynamodb_replicator::core {
namespace {

item::KeyRef key(const std::string& name) {
  return std::make_shared<item::Key>(name, "{\"id\":\"" + name + "\"}");
}

std::vector<Watermark::Slot> slots(const std::vector<Claim>& claims) {
  std::vector<Watermark::Slot> found;
  found.reserve(claims.size());
  for (const Claim& claim : claims) found.push_back(claim.slot);
  return found;
}
using Slots = std::vector<Watermark::Slot>;

struct KeyTurnsTest : ::testing::Test {
  KeyTurns turns;
  Instant now = Instant{} + 1000s;

  Turn take_one() {
    std::vector<Turn> taken = turns.take(now, 100);
    INVARIANT(taken.size() == 1, "one turn was expected");
    return taken.front();
  }
  bool nothing() { return turns.take(now, 100).empty(); }
};

TEST_F(KeyTurnsTest, RecordsOfOneKeyAreOneTurn) {
  turns.arrive(key("a"), {1, 10});
  turns.arrive(key("a"), {1, 11});
  turns.arrive(key("b"), {1, 12});
  const std::vector<Turn> taken = turns.take(now, 100);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].key->canonical(), "a");
  EXPECT_EQ(slots(turns.applied(taken[0], now, {})), (Slots{10, 11}));
  EXPECT_EQ(slots(turns.applied(taken[1], now, {})), (Slots{12}));
  EXPECT_EQ(turns.keys(), 0U);
  EXPECT_FALSE(turns.next_due());
}

TEST_F(KeyTurnsTest, TakesTheOldestFirstAndNoMoreThanAsked) {
  for (const char* name : {"a", "b", "c"}) turns.arrive(key(name), {1, 1});
  EXPECT_EQ(turns.take(now, 2).size(), 2U);
  EXPECT_EQ(turns.next_due(), Instant::min()) << "c is due at once";
  EXPECT_EQ(take_one().key->canonical(), "c");
}

TEST_F(KeyTurnsTest, WhatArrivesDuringATurnGetsALaterOne) {
  turns.arrive(key("a"), {1, 10});
  const Turn first = take_one();
  turns.arrive(key("a"), {1, 11});
  turns.arrive(key("a"), {2, 5, true});
  EXPECT_TRUE(nothing()) << "one operation at a time for a key";
  EXPECT_EQ(slots(turns.applied(first, now, {})), (Slots{10}))
      << "the others may be newer than what was read";
  const Turn second = take_one();
  EXPECT_TRUE(second.verify);
  EXPECT_EQ(second.sessions, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(slots(turns.applied(second, now, {})), (Slots{11, 5}));
}

TEST_F(KeyTurnsTest, AFailedTurnComesBackWhenItIsTimeAndCountsItsFailures) {
  turns.arrive(key("a"), {1, 10});
  turns.again(take_one(), now + 1s, {}, true);
  turns.arrive(key("a"), {1, 11});
  EXPECT_TRUE(nothing());
  EXPECT_EQ(turns.next_due(), now + 1s);
  now += 1s;
  Turn turn = take_one();
  EXPECT_EQ(turn.failures, 1U);
  turns.again(turn, now, {}, true);
  turn = take_one();
  EXPECT_EQ(turn.failures, 2U);
  turns.again(turn, now, {}, false);
  turn = take_one();
  EXPECT_EQ(turn.failures, 2U) << "waiting for a lease is no failure";
  EXPECT_EQ(slots(turns.applied(turn, now, {})), (Slots{10, 11}))
      << "both read by the last attempt";
}

TEST_F(KeyTurnsTest, AKeyInDoubtIsReadAgainWhenTheDoubtIsOver) {
  turns.arrive(key("a"), {1, 10});
  turns.again(take_one(), now, now + 15s, true);  // an attempt that may land late
  EXPECT_EQ(turns.applied(take_one(), now, {}).size(), 0U)
      << "held: the late attempt may overwrite this one";
  EXPECT_TRUE(turns.has_claims(1));
  EXPECT_FALSE(turns.busy(1));
  EXPECT_EQ(turns.next_due(), now + 15s);
  now += 15s - 1ns;
  EXPECT_TRUE(nothing());
  now += 1ns;
  const Turn recheck = take_one();
  EXPECT_TRUE(recheck.recheck);
  EXPECT_EQ(recheck.sessions, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(slots(turns.confirmed(recheck)), (Slots{10}));
  EXPECT_EQ(turns.keys(), 0U);
}

TEST_F(KeyTurnsTest, ADifferenceFoundIsRefreshedInTheSameTurn) {
  turns.arrive(key("a"), {1, 10, true});
  turns.applied(take_one(), now, now + 15s);
  now += 15s;
  Turn turn = take_one();
  ASSERT_TRUE(turn.recheck);
  turns.arrive(key("a"), {1, 11});
  turns.reopened(turn);
  EXPECT_FALSE(turn.recheck);
  EXPECT_TRUE(turn.verify) << "its claims asked for it";
  EXPECT_EQ(slots(turns.applied(turn, now, {})), (Slots{10}));
  EXPECT_EQ(slots(turns.applied(take_one(), now, {})), (Slots{11}));
}

TEST_F(KeyTurnsTest, ARepairThatIsInDoubtItselfIsCheckedAgain) {
  turns.arrive(key("a"), {1, 10});
  turns.applied(take_one(), now, now + 15s);
  now += 15s;
  Turn turn = take_one();
  turns.reopened(turn);
  turns.again(turn, now, now + 15s, true);
  turn = take_one();
  EXPECT_FALSE(turn.recheck);
  EXPECT_EQ(turns.applied(turn, now, {}).size(), 0U);
  now += 15s;
  turn = take_one();
  EXPECT_TRUE(turn.recheck);
  EXPECT_EQ(slots(turns.confirmed(turn)), (Slots{10}));
}

TEST_F(KeyTurnsTest, AWriteIssuedAfterTheDoubtEndsIt) {
  turns.arrive(key("a"), {1, 10});
  turns.applied(take_one(), now, now + 15s);
  turns.arrive(key("a"), {1, 11});
  const Turn early = take_one();
  EXPECT_EQ(turns.applied(early, now + 15s - 1ns, {}).size(), 0U)
      << "issued before: it may be overwritten";
  turns.arrive(key("a"), {1, 12});
  now += 16s;
  const Turn late = take_one();
  EXPECT_FALSE(late.recheck) << "a plain refresh serves as well";
  EXPECT_EQ(slots(turns.applied(late, now, {})), (Slots{10, 11, 12}));
}

TEST_F(KeyTurnsTest, TheLongestDoubtCounts) {
  turns.arrive(key("a"), {1, 10});
  turns.again(take_one(), now, now + 15s, true);
  turns.again(take_one(), now, now + 5s, true);
  turns.applied(take_one(), now, {});
  EXPECT_EQ(turns.next_due(), now + 15s);
}

TEST_F(KeyTurnsTest, ARecheckThatFailsStaysARecheck) {
  turns.arrive(key("a"), {1, 10});
  turns.applied(take_one(), now, now + 15s);
  now += 15s;
  turns.again(take_one(), now + 1s, {}, true);
  now += 1s;
  const Turn turn = take_one();
  EXPECT_TRUE(turn.recheck);
  EXPECT_EQ(slots(turns.confirmed(turn)), (Slots{10}));
}

TEST_F(KeyTurnsTest, ARefusedKeyGivesAllItsClaimsAndServesTheNextOnes) {
  turns.arrive(key("a"), {1, 10});
  turns.arrive(key("a"), {2, 11});
  const Turn turn = take_one();
  turns.arrive(key("a"), {1, 12});
  EXPECT_EQ(slots(turns.refused(turn)), (Slots{10, 11}));
  EXPECT_EQ(slots(turns.applied(take_one(), now, {})), (Slots{12}));
}

TEST_F(KeyTurnsTest, ASessionThatEndsTakesItsClaimsAlong) {
  turns.arrive(key("queued"), {1, 10});
  turns.arrive(key("shared"), {1, 11});
  turns.arrive(key("shared"), {2, 12});
  turns.drop_session(1);
  EXPECT_FALSE(turns.has_claims(1));
  const Turn turn = take_one();
  EXPECT_EQ(turn.key->canonical(), "shared");
  EXPECT_EQ(turn.sessions, (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(slots(turns.applied(turn, now, {})), (Slots{12}));
  EXPECT_EQ(turns.keys(), 0U);
}

TEST_F(KeyTurnsTest, AWriteInFlightOutlivesItsSession) {
  turns.arrive(key("a"), {1, 10});
  const Turn turn = take_one();
  turns.drop_session(1);
  turns.arrive(key("a"), {2, 20});
  EXPECT_TRUE(nothing()) << "the old session's write is still under way";
  EXPECT_EQ(turns.applied(turn, now, {}).size(), 0U);
  EXPECT_EQ(slots(turns.applied(take_one(), now, {})), (Slots{20}));
}

TEST_F(KeyTurnsTest, DoubtOutlivesTheSessionThatCausedIt) {
  turns.arrive(key("a"), {1, 10});
  turns.again(take_one(), now, now + 15s, true);
  turns.drop_session(1);
  EXPECT_TRUE(nothing());
  EXPECT_EQ(turns.keys(), 1U) << "remembered without claims";
  turns.arrive(key("a"), {2, 20});
  EXPECT_EQ(turns.applied(take_one(), now, {}).size(), 0U) << "the old attempt may still land";
  now += 15s;
  EXPECT_EQ(slots(turns.confirmed(take_one())), (Slots{20}));
}

TEST_F(KeyTurnsTest, DoubtWithoutClaimsIsForgottenWhenItIsOver) {
  turns.arrive(key("a"), {1, 10});
  turns.applied(take_one(), now, now + 15s);
  turns.drop_session(1);
  now += 15s;
  EXPECT_TRUE(nothing());
  EXPECT_EQ(turns.keys(), 0U);
  EXPECT_FALSE(turns.next_due());
}

TEST_F(KeyTurnsTest, DoubtThatIsOverIsForgottenWithTheSessionsLastClaim) {
  turns.arrive(key("a"), {1, 10});
  turns.again(take_one(), now + 20s, now + 15s, true);
  turns.drop_session(1);
  now += 20s;
  EXPECT_TRUE(nothing());
  EXPECT_EQ(turns.keys(), 0U);
  EXPECT_FALSE(turns.next_due()) << "or whoever waits would be woken for nothing";
}

TEST_F(KeyTurnsTest, SaysWhatASessionStillHas) {
  EXPECT_FALSE(turns.busy(1));
  turns.arrive(key("a"), {1, 10});
  EXPECT_TRUE(turns.busy(1));
  EXPECT_FALSE(turns.in_flight(1));
  const Turn turn = take_one();
  EXPECT_TRUE(turns.in_flight(1));
  EXPECT_FALSE(turns.in_flight(2));
  turns.applied(turn, now, now + 15s);
  EXPECT_FALSE(turns.in_flight(1));
  EXPECT_FALSE(turns.busy(1));
  EXPECT_TRUE(turns.has_claims(1)) << "held";
}

using KeyTurnsDeath = KeyTurnsTest;

TEST_F(KeyTurnsDeath, ATurnIsGivenBackOnce) {
  turns.arrive(key("a"), {1, 10});
  turns.arrive(key("a"), {1, 11});
  const Turn turn = take_one();
  turns.again(turn, now, {}, false);
  EXPECT_DEATH(turns.applied(turn, now, {}), "");
}

}  // namespace
}  // namespace dynamodb_replicator::core

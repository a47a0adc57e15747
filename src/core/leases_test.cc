// Who may take which shard, and when. The property that matters: an owner's end comes before any
// rival's takeover, whatever the network does to the messages and however far apart the clocks are.
#include "core/leases.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <optional>

namespace dynamodb_replicator::core {
namespace {

constexpr Duration kLease = 10s;

ShardRow row(const std::string& shard, const std::string& owner, const std::string& nonce = "n",
             std::vector<std::string> parents = {}) {
  ShardRow made;
  made.stream = "stream";
  made.shard = shard;
  made.owner = owner;
  made.nonce = nonce;
  made.parents = std::move(parents);
  return made;
}

std::vector<std::string> names(const std::vector<ShardRow>& rows) {
  std::vector<std::string> shards;
  shards.reserve(rows.size());
  for (const ShardRow& one : rows) shards.push_back(one.shard);
  return shards;
}

using Names = std::vector<std::string>;

TEST(Hold, EndsInOrder) {
  const Hold hold{Instant{} + 100s, 9s};
  EXPECT_EQ(hold.renew_at(), Instant{} + 103s);
  EXPECT_EQ(hold.issue_until(), Instant{} + 106s);
  EXPECT_EQ(hold.end(), Instant{} + 109s);
}

TEST(LeaseWatch, ARowExpiresOnlyAfterAFullLeaseUnderOurEyes) {
  LeaseWatch watch;
  Instant now = Instant{} + 1000s;
  const std::vector<ShardRow> rows{row("a", "other")};
  EXPECT_FALSE(watch.expired(rows[0], now, kLease)) << "never seen";
  watch.saw(rows, now);
  EXPECT_FALSE(watch.expired(rows[0], now, kLease));
  watch.saw(rows, now + 5s);
  EXPECT_FALSE(watch.expired(rows[0], now + kLease - 1ns, kLease));
  EXPECT_TRUE(watch.expired(rows[0], now + kLease, kLease)) << "since it was first seen so";
}

TEST(LeaseWatch, EveryWriteOfTheOwnerStartsTheCountAgain) {
  LeaseWatch watch;
  Instant now{};
  watch.saw({row("a", "other", "n1")}, now);
  watch.saw({row("a", "other", "n2")}, now + 9s);
  EXPECT_FALSE(watch.expired(row("a", "other", "n2"), now + 18s, kLease));
  EXPECT_TRUE(watch.expired(row("a", "other", "n2"), now + 19s, kLease));
  EXPECT_FALSE(watch.expired(row("a", "other", "n3"), now + 60s, kLease))
      << "a row that watch has not seen";
}

TEST(LeaseWatch,
     AnOwnersLongerLeaseIsRespected) {  // workers with another --lease-time, as in a rolling change
  LeaseWatch watch;
  ShardRow theirs = row("a", "other");
  theirs.lease = 3 * kLease;
  watch.saw({theirs}, Instant{});
  EXPECT_FALSE(watch.expired(theirs, Instant{} + 3 * kLease - 1ns, kLease));
  EXPECT_TRUE(watch.expired(theirs, Instant{} + 3 * kLease, kLease));
  theirs.lease = kLease / 2;
  EXPECT_FALSE(watch.expired(theirs, Instant{} + kLease - 1ns, kLease))
      << "a shorter one is not trusted";
}

TEST(LeaseWatch, ARowThatWasAwayIsNew) {
  LeaseWatch watch;
  watch.saw({row("a", "other")}, Instant{});
  watch.saw({}, Instant{} + 5s);
  watch.saw({row("a", "other")}, Instant{} + 6s);
  EXPECT_FALSE(watch.expired(row("a", "other"), Instant{} + 15s, kLease));
  EXPECT_TRUE(watch.expired(row("a", "other"), Instant{} + 16s, kLease));
}

TEST(ParentsFinished, KnownParentsMustBeFinished) {
  const ShardRow child = row("c", "", "n", {"p1", "p2"});
  ShardRow first = row("p1", "");
  ShardRow second = row("p2", "");
  EXPECT_FALSE(parents_finished(child, {first, second, child}, {"p1", "p2", "c"}));
  first.finished = true;
  EXPECT_FALSE(parents_finished(child, {first, second, child}, {"p1", "p2", "c"}))
      << "a merge has two";
  second.finished = true;
  EXPECT_TRUE(parents_finished(child, {first, second, child}, {"p1", "p2", "c"}));
}

TEST(ParentsFinished, AParentWithoutARowIsWaitedForOnlyWhileItIsListed) {
  const ShardRow child = row("c", "", "n", {"p"});
  EXPECT_FALSE(parents_finished(child, {child}, {"p", "c"})) << "its row is about to be created";
  EXPECT_TRUE(parents_finished(child, {child}, {"c"})) << "gone with its data";
}

// ---- choose
// ---------------------------------------------------------------------------------------------------

struct Chooser {
  std::vector<ShardRow> rows;
  std::set<std::string> listed;
  std::set<std::string> mine;
  std::set<std::string> avoid;
  LeaseWatch watch;
  Instant now{};
  std::uint64_t roll = 0;

  Names operator()() {
    for (const ShardRow& one : rows) listed.insert(one.shard);
    return names(choose(rows, listed, "me", mine, avoid, watch, now, kLease, roll));
  }
};

TEST(Choose, OneAtATimeUntilTheShareIsFull) {
  Chooser chooser;
  chooser.rows = {row("a", ""), row("b", ""), row("c", ""), row("d", "other")};
  chooser.watch.saw(chooser.rows, chooser.now);
  EXPECT_EQ(chooser().size(), 1U);
  chooser.mine = {"a"};
  chooser.rows[0].owner = "me";
  EXPECT_EQ(chooser().size(), 1U);
  chooser.mine = {"a", "b"};
  chooser.rows[1].owner = "me";
  EXPECT_EQ(chooser(), Names{})
      << "two of four, and there are two workers: the rest is the other's";
}

TEST(Choose, AloneItTakesEverything) {
  Chooser chooser;
  chooser.rows = {row("a", "me"), row("b", "me"), row("c", "")};
  chooser.mine = {"a", "b"};
  EXPECT_EQ(chooser(), Names{"c"});
}

TEST(Choose, NothingIsTakenFromTheLiving) {
  Chooser chooser;
  chooser.rows = {row("a", "other"), row("b", "other")};
  chooser.watch.saw(chooser.rows, chooser.now);
  chooser.now += kLease - 1ns;
  EXPECT_EQ(chooser(), Names{});
  chooser.now += 1ns;
  EXPECT_EQ(chooser().size(), 1U) << "it has not renewed for a lease time";
}

TEST(Choose, ARowOfOursThatWeDoNotRunIsFree) {  // an acquisition whose answer was lost
  Chooser chooser;
  chooser.rows = {row("a", "me")};
  EXPECT_EQ(chooser(), Names{"a"});
}

TEST(Choose, ParentsFirstAndNeverFinishedOrAvoidedShards) {
  Chooser chooser;
  chooser.rows = {row("p", ""), row("c", "", "n", {"p"}), row("done", ""), row("bad", "")};
  chooser.rows[2].finished = true;
  chooser.avoid = {"bad"};
  for (chooser.roll = 0; chooser.roll < 20; ++chooser.roll) EXPECT_EQ(chooser(), Names{"p"});
  chooser.rows[0].finished = true;
  for (chooser.roll = 0; chooser.roll < 20; ++chooser.roll) EXPECT_EQ(chooser(), Names{"c"});
}

TEST(Choose, TheRollSpreadsRivals) {
  Chooser chooser;
  for (int i = 0; i < 8; ++i) chooser.rows.push_back(row("s" + std::to_string(i), ""));
  std::set<std::string> first;
  for (chooser.roll = 0; chooser.roll < 8; ++chooser.roll) first.insert(chooser().front());
  EXPECT_EQ(first.size(), 8U);
}

TEST(Choose, WhatNobodyWantsForThreeLeasesIsTakenBeyondTheShare) {
  Chooser chooser;
  chooser.rows = {row("a", "me"), row("b", "other", "n1"), row("c", "")};
  chooser.mine = {"a", "x"};
  chooser.watch.saw(chooser.rows, chooser.now);
  chooser.now += 3 * kLease;
  chooser.rows[1].nonce = "n2";  // the other lives, but takes nothing
  chooser.watch.saw(chooser.rows, chooser.now - 1s);
  EXPECT_EQ(chooser(), Names{"c"});
}

// Workers that look in turn end with about the same number of shards, and with all of them.
TEST(Choose, WorkersEndWithEvenShares) {
  EXPECT_TRUE(rc::check([] {
    const auto shards = *rc::gen::inRange(1, 40);
    const auto workers = *rc::gen::inRange(1, 5);
    std::vector<ShardRow> rows;
    std::set<std::string> listed;
    for (int i = 0; i < shards; ++i) {
      rows.push_back(row("s" + std::to_string(i), ""));
      listed.insert(rows.back().shard);
    }
    std::vector<LeaseWatch> watches(static_cast<std::size_t>(workers));
    Instant now{};
    for (int round = 0; round < 100; ++round, now += 1s) {
      for (int w = 0; w < workers; ++w) {
        const std::string me = "w" + std::to_string(w);
        std::set<std::string> mine;
        for (ShardRow& one : rows) {
          if (one.owner != me) continue;
          mine.insert(one.shard);
          one.nonce = me + std::to_string(round);  // renewed
        }
        LeaseWatch& watch = watches[static_cast<std::size_t>(w)];
        watch.saw(rows, now);
        const auto roll = *rc::gen::arbitrary<std::uint64_t>();
        for (const ShardRow& taken : choose(rows, listed, me, mine, {}, watch, now, kLease, roll)) {
          for (ShardRow& one : rows) {
            if (one.shard != taken.shard) continue;
            RC_ASSERT(one.owner.empty());
            one.owner = me;
            one.nonce = me + "took" + std::to_string(round);
          }
        }
      }
    }
    std::map<std::string, int> held;
    for (const ShardRow& one : rows) ++held[one.owner];
    RC_ASSERT(!held.contains(""));
    const int fair = (shards + workers - 1) / workers;
    for (const auto& [worker, count] : held) RC_ASSERT(count <= fair + 1);
  }));
}

// ---- the owner's end comes first
// ------------------------------------------------------------------------------

// An owner renews a row at the service; any message may be slow or lost. A rival reads the row now
// and then, each read seeing the row at some moment while it is under way. Both use their own
// clocks, which differ by an offset. When the rival counts the row as expired AND its conditional
// write would succeed, the owner's end must be past.
TEST(LeaseWatch, TheOwnersEndComesBeforeAnyTakeover) {
  EXPECT_TRUE(rc::check([] {
    using Ms = std::chrono::milliseconds;
    const auto delay = [] {
      return Ms(*rc::gen::weightedOneOf<int>(
          {{5, rc::gen::inRange(0, 500)}, {1, rc::gen::inRange(0, 20'000)}}));
    };
    const Duration offset =
        Ms(*rc::gen::inRange(-1'000'000, 1'000'000));  // the rival's clock less the owner's
    struct Stored {
      Instant at;  // when the service applied it (owner's clock)
      int nonce;
    };
    std::vector<Stored> history{{Instant{}, 0}};
    Hold hold{Instant{} - delay(), kLease};  // the acquisition was sent before it was applied
    // The owner's life: renewals one after the other; the answer, if it comes, arrives after
    // another delay.
    struct Known {
      Instant from;  // the owner knows of this end from here on
      Instant end;
    };
    std::vector<Known> ends{{Instant{}, hold.end()}};
    Instant now{};
    const auto renewals = *rc::gen::inRange(0, 12);
    for (int i = 1; i <= renewals; ++i) {
      now += Ms(*rc::gen::inRange(0, 9'000));  // busy, or stopped for a while
      if (now >= hold.end()) break;
      const Instant sent = now;
      const Instant applied = std::max(sent + delay(), history.back().at);
      const bool reaches = *rc::gen::inRange(0, 5) > 0;
      if (reaches) history.push_back({applied, i});
      now = applied + delay();
      const bool answered = *rc::gen::inRange(0, 5) > 0;
      if (reaches && answered && now < hold.end()) {
        hold.renewed = sent;
        ends.push_back({now, hold.end()});
      }
      if (now >= hold.end()) break;
    }
    const auto nonce_at = [&](Instant when) {
      int nonce = 0;
      for (const Stored& stored : history) {
        if (stored.at <= when) nonce = stored.nonce;
      }
      return nonce;
    };
    const auto end_at = [&](Instant when) {
      Instant end{};
      for (const Known& known : ends) {
        if (known.from <= when) end = std::max(end, known.end);
      }
      return end;
    };
    LeaseWatch watch;
    Instant t{};
    for (int look = 0; look < 60; ++look) {
      t += Ms(*rc::gen::inRange(0, 2'000));
      const Instant seen_at = t + delay();
      const Instant answer_at = seen_at + delay();
      const ShardRow seen = row("a", "owner", std::to_string(nonce_at(seen_at)));
      t = answer_at;
      watch.saw({seen}, t + offset);
      if (!watch.expired(seen, t + offset, kLease)) continue;
      const Instant taken = t + delay();  // when the service gets to the takeover
      if (std::to_string(nonce_at(taken)) != seen.nonce) continue;  // its condition fails
      RC_ASSERT(end_at(taken) <= taken);
      return;
    }
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::core

// Any sequence of arrivals, answers, doubts and ends, against a model that knows for each claim
// what became of it.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "core/key_turns.h"

namespace dynamodb_replicator::core {
namespace {

enum class Fate { waiting, read, finished, refused, dropped };

struct ModelClaim {
  std::string key;
  std::uint64_t session = 0;
  Fate fate = Fate::waiting;  // read: covered by a read that began after it arrived
};

struct InFlight {
  Turn turn;
  Instant taken;
};

class Machine {
 public:
  void step() {
    switch (*rc::gen::weightedElement<int>(
        {{6, 0}, {5, 1}, {5, 2}, {3, 3}, {2, 4}, {2, 5}, {1, 6}, {4, 7}})) {
      case 0:
        return arrive();
      case 1:
        return take();
      case 2:
        return applied();
      case 3:
        return again();
      case 4:
        return confirmed();
      case 5:
        return refused_or_reopened();
      case 6:
        return drop();
      default:
        now_ += *rc::gen::inRange(0, 8) * 1s;
        return;
    }
  }

  // Nothing goes wrong any more: everything must come to an end within the longest doubt.
  void drain() {
    for (int round = 0; round < 10; ++round) {
      while (!flying_.empty()) give_back(flying_.begin()->first, std::nullopt);
      for (bool some = true; some;) {
        const std::size_t before = flying_.size();
        take_all();
        some = flying_.size() > before;
        while (!flying_.empty()) give_back(flying_.begin()->first, std::nullopt);
      }
      const auto due = turns_.next_due();
      if (!due) break;
      RC_ASSERT(*due > now_);
      now_ = *due;
    }
    RC_ASSERT(turns_.keys() == 0U);
    for (const auto& [slot, claim] : claims_) {
      RC_ASSERT(claim.fate != Fate::waiting);
      RC_ASSERT(claim.fate != Fate::read);
    }
    for (std::uint64_t session = 1; session <= 3; ++session) RC_ASSERT(!turns_.has_claims(session));
  }

  void check() const {
    for (std::uint64_t session = 1; session <= 3; ++session) {
      bool any = false;
      for (const auto& [slot, claim] : claims_) {
        any = any || (claim.session == session && open(claim));
      }
      RC_ASSERT(turns_.has_claims(session) == any);
    }
  }

 private:
  static bool open(const ModelClaim& claim) {
    return claim.fate == Fate::waiting || claim.fate == Fate::read;
  }
  static item::KeyRef make_key(const std::string& name) {
    return std::make_shared<item::Key>(name, name);
  }
  std::string some_key() { return std::string(1, *rc::gen::elementOf(std::string("abc"))); }

  void arrive() {
    const std::string key = some_key();
    const auto session = *rc::gen::inRange<std::uint64_t>(1, 4);
    claims_[next_slot_] = {key, session, Fate::waiting};
    turns_.arrive(make_key(key), {session, next_slot_++, *rc::gen::arbitrary<bool>()});
  }

  void take() { note_taken(turns_.take(now_, *rc::gen::inRange<std::size_t>(0, 4))); }
  void take_all() { note_taken(turns_.take(now_, 100)); }

  void note_taken(std::vector<Turn> taken) {
    for (Turn& turn : taken) {
      const std::string key = turn.key->canonical();
      RC_ASSERT(!flying_.contains(key));  // never two operations for one key
      std::set<std::uint64_t> sessions;
      for (auto& [slot, claim] : claims_) {
        if (claim.key != key || !open(claim)) continue;
        claim.fate = Fate::read;
        sessions.insert(claim.session);
      }
      RC_ASSERT(!sessions.empty());  // nothing is read for nobody
      RC_ASSERT(sessions == std::set(turn.sessions.begin(), turn.sessions.end()));
      RC_ASSERT(!turn.recheck || (doubts_.contains(key) && doubts_[key] <= now_));
      flying_.emplace(key, InFlight{std::move(turn), now_});
    }
  }

  void settle(const std::vector<Claim>& claims, const std::string& key, Fate fate) {
    for (const Claim& claim : claims) {
      ModelClaim& model = claims_.at(claim.slot);
      RC_ASSERT(model.key == key);
      RC_ASSERT(model.session == claim.session);
      RC_ASSERT(model.fate == Fate::read);  // once; and only if it arrived before the read
      model.fate = fate;
    }
    for (const auto& [slot, claim] : claims_) {
      RC_ASSERT(claim.key != key || claim.fate != Fate::read);  // and none is left behind
    }
  }

  // The write lands (or both sides are equal): what is finished now is right exactly if no doubt is
  // left.
  void give_back(std::string key, std::optional<Instant> new_doubt) {
    const Turn turn = flying_.at(key).turn;
    flying_.erase(key);
    if (turn.recheck) {
      doubts_.erase(key);
      return settle(turns_.confirmed(turn), key, Fate::finished);
    }
    const Instant issued = now_;
    if (doubts_.contains(key) && doubts_[key] <= issued) doubts_.erase(key);
    if (new_doubt) add_doubt(key, *new_doubt);
    const std::vector<Claim> finished = turns_.applied(turn, issued, new_doubt);
    if (doubts_.contains(key)) {
      RC_ASSERT(finished.empty());
    } else {
      settle(finished, key, Fate::finished);
    }
  }

  std::optional<std::string> some_flying() {
    if (flying_.empty()) return std::nullopt;
    auto place = flying_.begin();
    std::advance(place, *rc::gen::inRange<std::size_t>(0, flying_.size()));
    return place->first;
  }

  std::optional<Instant> maybe_doubt() {
    if (*rc::gen::inRange(0, 3) > 0) return std::nullopt;
    return now_ + *rc::gen::inRange(1, 20) * 1s;
  }

  void add_doubt(const std::string& key, Instant until) {
    const auto [place, fresh] = doubts_.try_emplace(key, until);
    place->second = std::max(place->second, until);
  }

  void applied() {
    const auto key = some_flying();
    if (key) give_back(*key, flying_.at(*key).turn.recheck ? std::nullopt : maybe_doubt());
  }

  void again() {
    const auto key = some_flying();
    if (!key) return;
    const auto doubt = maybe_doubt();
    if (doubt) add_doubt(*key, *doubt);
    const bool failed = *rc::gen::arbitrary<bool>();
    turns_.again(flying_.at(*key).turn, now_ + *rc::gen::inRange(0, 5) * 1s, doubt, failed);
    flying_.erase(*key);
  }

  void confirmed() {
    for (const auto& [key, flight] : flying_) {
      if (flight.turn.recheck) return give_back(key, std::nullopt);
    }
  }

  void refused_or_reopened() {
    const auto key = some_flying();
    if (!key) return;
    Turn& turn = flying_.at(*key).turn;
    if (turn.recheck) return turns_.reopened(turn);
    const std::vector<Claim> claims = turns_.refused(turn);
    flying_.erase(*key);
    settle(claims, *key, Fate::refused);
  }

  void drop() {
    const auto session = *rc::gen::inRange<std::uint64_t>(1, 4);
    turns_.drop_session(session);
    for (auto& [slot, claim] : claims_) {
      if (claim.session == session && open(claim)) claim.fate = Fate::dropped;
    }
  }

  KeyTurns turns_;
  Instant now_ = Instant{} + 1000s;
  std::map<Watermark::Slot, ModelClaim> claims_;
  std::map<std::string, InFlight> flying_;
  std::map<std::string, Instant> doubts_;  // until when an earlier write of the key may land
  Watermark::Slot next_slot_ = 1;
};

TEST(KeyTurns, EveryClaimEndsOnceAndNeverInDoubt) {
  EXPECT_TRUE(rc::check([] {
    Machine machine;
    const auto steps = *rc::gen::inRange(0, 120);
    for (int i = 0; i < steps; ++i) {
      machine.step();
      machine.check();
    }
    machine.drain();
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::core

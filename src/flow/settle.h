// Candidates become findings: read consistently on both sides, again after the settle time, and
// again while they move.
//
// A look reads the replica, then the primary. A difference counts when two looks, at least the
// settle time apart, see the same two contents, and they differ. What is equal in any look is
// settled. What moves in every look is `changing`.
#pragma once

#include <memory>

#include "flow/compare.h"

namespace dynamodb_replicator::flow {

class Findings {
 public:
  virtual ~Findings() = default;
  // One round's findings, each key once in the whole run. The error ends the run.
  virtual Task<Result<void>> found(std::vector<Found> findings) = 0;
};

class Settler {
 public:
  // Candidates that wait at once: about 400 bytes each with their key, so 20 MB.
  static constexpr std::size_t kRound = 50'000;
  static constexpr unsigned kLooksMax = 5;
  static constexpr unsigned kLanes =
      4;  // batch reads in flight: 4 x (16 MB answer + its copy) at worst
  static constexpr Duration kReadTimeout = 10s;

  // `state`: as it was when the scan had ended, or later (then it goes on from there).
  Settler(CompareContext& context, Findings& findings, core::CompareState state)
      : context_(context), findings_(findings), state_(std::move(state)) {}

  // Takes every leftover to its outcome. Failure kind cancelled: we were asked to stop.
  Task<Result<void>> run(core::RunMerge& leftovers);

 private:
  struct Look {
    std::optional<base::Digest128> content[2];  // by core::index_of(side); nullopt: absent
    bool expired[2] = {false, false};
    friend bool operator==(const Look&, const Look&) = default;
  };
  struct Candidate {
    item::KeyRef key;
    bool scanned[2] = {false, false};
    Look before;
    Look now;
  };
  using Round = std::vector<Candidate>;

  Task<Result<void>> tell_again();
  Task<Result<void>> tell(std::vector<Found> findings);
  Task<Result<void>> keep();
  Result<Round> next_round(core::RunMerge& leftovers);
  Task<Result<void>> settle(Round round);
  Task<Result<void>> look(Round& round);
  Task<void> lane(Round& round, std::size_t& next, std::optional<Failure>& failed);
  Task<Result<void>> read(core::Side side, std::span<Candidate> part);
  // True if the candidate is done: it needs no further look.
  bool decide(Candidate& candidate, unsigned looks, std::vector<Found>& findings);
  void finish(const Candidate& candidate, std::uint64_t& outcome);

  CompareContext& context_;
  Findings& findings_;
  core::CompareState state_;
};

}  // namespace dynamodb_replicator::flow

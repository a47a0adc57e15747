// Follows one stream until it is asked to stop: keeps the lease table in step with the stream's
// shards, takes free leases, runs a session for each, and knows when everything is read.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "async/scope.h"
#include "core/leases.h"
#include "flow/context.h"
#include "flow/shard_session.h"

namespace dynamodb_replicator::flow {

enum class FollowEnd {
  stopped,      // asked to stop; everything released
  caught_up,    // with `until`: everything up to that time is read and applied
  complete,     // the stream is disabled and read to its end
  all_stopped,  // every shard that is left has stopped with a reason
};

class Follower {
 public:
  static constexpr Duration kLookEvery =
      1s;  // at the lease table: rivals must be seen at least once a second
  static constexpr Duration kListEvery =
      30s;  // the stream's shards, when nothing hints at a change
  static constexpr Duration kRelistEvery =
      2s;  // when a shard has ended and its children are not listed yet
  // A shard that no listing has shown for this long is not there (a parent: gone with its data);
  // until then the listing may just lag.
  static constexpr Duration kUnlistedFor = 15s;
  static constexpr Duration kCallTimeout = 10s;
  static constexpr Duration kStopWithin = 9s;  // of the 10 s that a clean stop may take

  // `start`: where shards without a parent and without a checkpoint begin. `until`: end when
  // everything up to then is applied.
  Follower(Context& context, Stream& stream, core::StartAt start, std::optional<WallTime> until);

  Task<FollowEnd> run();

 private:
  struct Running {
    std::unique_ptr<ShardSession> session;
    bool done = false;
  };

  Task<std::optional<FollowEnd>> step();
  Task<void> step_unless_stopped(std::optional<FollowEnd>& end);
  Task<bool> look();
  Task<void> list();
  Task<void> create_rows();
  Task<void> take_leases();
  Task<void> take(core::ShardRow row);
  Task<void> run_session(Running& running);
  void note_unlisted_parents();
  void note_completeness();
  // Has a listing been answered that was asked for long enough after `then`? Only such a one tells
  // that what it does not show is not there.
  [[nodiscard]] bool listed_well_after(Instant then) const {
    return listed_at_ >= then + kUnlistedFor;
  }
  [[nodiscard]] std::set<std::string> believed_listed() const;
  void reap();
  void show_stopped();
  Task<void> wind_down();
  [[nodiscard]] std::optional<FollowEnd> verdict() const;
  [[nodiscard]] std::set<std::string> held_up() const;
  [[nodiscard]] bool children_missing() const;
  [[nodiscard]] std::vector<core::ShardRow> rows_with_progress() const;

  Context& context_;
  Stream& stream_;
  core::StartAt start_;
  std::optional<WallTime> until_;
  Refresher refresher_;
  core::LeaseWatch watch_;
  std::vector<core::ShardRow> rows_;
  Listing listing_;
  std::set<std::string> listed_;
  std::map<std::string, Instant>
      unlisted_;  // parents without a row that are in no listing, since when
  bool listed_once_ = false;
  std::optional<Instant> asked_to_stop_;   // when; the whole of a clean stop counts from there
  bool taking_ = false;                    // an acquisition is under way: not to be broken off
  bool rows_in_step_ = false;              // every listed shard had a row when we last looked
  std::optional<Instant> complete_since_;  // the stream is disabled and all we know of is read
  Instant list_at_{};
  Instant listed_at_{};  // when the listing that we have was asked for
  std::map<std::string, Running> running_;
  std::map<std::string, std::string> stopped_;              // shard -> why
  std::map<std::string, std::uint64_t> fence_generations_;  // the highest that was met
  async::Signal changed_;
  async::Scope tasks_;  // last: its tasks use everything above
};

}  // namespace dynamodb_replicator::flow

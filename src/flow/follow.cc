#include "flow/follow.h"

#include <algorithm>

#include "base/planted.h"
#include "core/shards.h"

namespace dynamodb_replicator::flow {
namespace {

// Rivals' counters are watched by the clock that nobody sets.
Instant lease_clock(async::Clock& clock) {
  if (base::planted(base::Bug::lease_by_wall_clock))
    return Instant{clock.wall().time_since_epoch()};
  return clock.now();
}

}  // namespace

Follower::Follower(Context& context, Stream& stream, core::StartAt start,
                   std::optional<WallTime> until)
    : context_(context),
      stream_(stream),
      start_(start),
      until_(until),
      refresher_(context),
      changed_(context.loop),
      tasks_(context.loop) {}

Task<FollowEnd> Follower::run() {
  context_.metrics.source = stream_.identity();
  tasks_.spawn(refresher_.run());
  tasks_.spawn([](Follower& self) -> Task<void> {
    co_await self.context_.stop.wait();
    self.asked_to_stop_ = self.context_.clock.now();
    self.changed_.notify();
  }(*this));
  std::optional<FollowEnd> end;
  while (!end) {
    reap();
    show_stopped();
    if (context_.stop.is_open()) {
      end = FollowEnd::stopped;
      break;
    }
    const Instant began = context_.clock.now();
    co_await step_unless_stopped(end);
    if (!end && !context_.stop.is_open()) co_await changed_.wait(began + kLookEvery);
  }
  co_await wind_down();
  co_return *end;
}

// A clean stop does not wait for an outside that does not answer; only a row that is being taken is
// waited for, so that it can be given back.
Task<void> Follower::step_unless_stopped(std::optional<FollowEnd>& end) {
  bool done = false;
  async::Scope scope(context_.loop);
  scope.spawn([](Follower& self, std::optional<FollowEnd>& end_, bool& done_) -> Task<void> {
    end_ = co_await self.step();
    done_ = true;
    self.changed_.notify();
  }(*this, end, done));
  const auto broken_off = [&] {
    return !taking_ && context_.stop.is_open() && !base::planted(base::Bug::stop_waits_for_calls);
  };
  while (!done && !broken_off()) co_await changed_.wait();
  if (!done) base::mark(base::Mark::step_broken_off);
}

Task<std::optional<FollowEnd>> Follower::step() {
  const bool seen = co_await look();
  if (!seen) co_return std::nullopt;
  if (context_.clock.now() >= list_at_ || children_missing()) co_await list();
  if (listed_once_) co_await create_rows();
  note_unlisted_parents();
  co_await take_leases();
  note_completeness();
  co_return verdict();
}

Task<bool> Follower::look() {
  Result<std::vector<core::ShardRow>> rows =
      co_await context_.leases.list(stream_.identity(), context_.clock.now() + kCallTimeout);
  if (!rows) {
    ++context_.metrics.retries;
    if (context_.complaints.due("lease table" + rows.error().code, context_.clock.now())) {
      context_.log.warning("cannot read the lease table; trying again",
                           {{"because", to_text(rows.error())}});
    }
    co_return false;
  }
  rows_ = std::move(*rows);
  watch_.saw(rows_, lease_clock(context_.clock));
  for (const core::ShardRow& row : rows_)
    context_.metrics.shards[row.shard].finished = row.finished;
  co_return true;
}

// A finished shard whose children are not listed: look for them soon.
bool Follower::children_missing() const {
  if (!listed_once_ || listing_.ended ||
      context_.clock.now() < list_at_ - kListEvery + kRelistEvery)
    return false;
  return std::any_of(rows_.begin(), rows_.end(), [&](const core::ShardRow& row) {
    if (!row.finished || !listed_.contains(row.shard)) return false;
    return std::none_of(listing_.shards.begin(), listing_.shards.end(),
                        [&](const ShardInfo& shard) {
                          return std::find(shard.parents.begin(), shard.parents.end(), row.shard) !=
                                 shard.parents.end();
                        });
  });
}

Task<void> Follower::list() {
  const Instant asked = context_.clock.now();
  Result<Listing> listing = co_await stream_.list(context_.clock.now() + kCallTimeout);
  if (!listing) {
    ++context_.metrics.retries;
    list_at_ = context_.clock.now() + kRelistEvery;
    if (context_.complaints.due("listing" + listing.error().code, context_.clock.now())) {
      context_.log.warning("cannot list the stream's shards; trying again",
                           {{"because", to_text(listing.error())}});
    }
    co_return;
  }
  listing_ = std::move(*listing);
  listed_once_ = true;
  listed_at_ = asked;
  listed_.clear();
  for (const ShardInfo& shard : listing_.shards) listed_.insert(shard.id);
  list_at_ = context_.clock.now() + kListEvery;
}

// Listings are only eventually complete: a child may be shown, here or to another worker, before
// its parent is.
void Follower::note_unlisted_parents() {
  const Instant now = context_.clock.now();
  std::set<std::string> known = listed_;
  for (const core::ShardRow& row : rows_) known.insert(row.shard);
  std::map<std::string, Instant> unlisted;
  for (const core::ShardRow& row : rows_) {
    if (row.finished) continue;
    for (const std::string& parent : row.parents) {
      if (known.contains(parent)) continue;
      const auto before = unlisted_.find(parent);
      const Instant since = before == unlisted_.end() ? now : before->second;
      unlisted[parent] = since;
      if (!listed_well_after(since)) list_at_ = std::min(list_at_, now + kRelistEvery);
    }
  }
  unlisted_ = std::move(unlisted);
  if (!unlisted_.empty()) base::mark(base::Mark::parent_hidden);
}

std::set<std::string> Follower::believed_listed() const {
  std::set<std::string> listed = listed_;
  if (base::planted(base::Bug::hidden_parent_gone)) return listed;
  for (const auto& [parent, since] : unlisted_) {
    if (!listed_well_after(since)) listed.insert(parent);
  }
  return listed;
}

Task<void> Follower::create_rows() {
  const std::vector<core::ShardRow> missing =
      core::missing_rows(stream_.identity(), listing_.shards, rows_, start_);
  rows_in_step_ = missing.empty();
  for (core::ShardRow row : missing) {
    row.nonce = fresh_nonce(context_.dice);
    Result<void> created =
        co_await context_.leases.create(row, context_.clock.now() + kCallTimeout);
    const bool exists = !created && created.error().kind == FailureKind::condition_failed;
    if (created) {
      rows_.push_back(std::move(row));
    } else if (!exists) {
      if (context_.complaints.due("row" + created.error().code, context_.clock.now())) {
        context_.log.warning("cannot write the lease table; trying again",
                             {{"because", to_text(created.error())}});
      }
      co_return;
    }
  }
}

Task<void> Follower::take_leases() {
  std::set<std::string> mine;
  for (const auto& [shard, running] : running_) mine.insert(shard);
  std::set<std::string> avoid;
  for (const auto& [shard, why] : stopped_) avoid.insert(shard);
  std::vector<core::ShardRow> chosen =
      core::choose(rows_, believed_listed(), context_.settings.worker, mine, avoid, watch_,
                   lease_clock(context_.clock), context_.settings.lease, context_.dice.roll());
  for (core::ShardRow& row : chosen) {
    if (context_.stop.is_open()) break;
    taking_ = true;
    co_await take(std::move(row));
    taking_ = false;
  }
  changed_.notify();
}

Task<void> Follower::take(core::ShardRow row) {
  const std::string before = row.nonce;
  const bool orphan = !row.owner.empty();
  const bool clean = row.clean || (base::planted(base::Bug::free_row_trusted) && !orphan);
  // An owner whose lease has run out issued everything with deadlines before that; one that gave
  // the shard back in doubt, or our own acquisition of a moment ago, may have left attempts whose
  // deadlines are still to come.
  const bool own = row.owner == context_.settings.worker;
  const bool expired = (orphan && !own) || base::planted(base::Bug::doubt_of_free_row_short);
  Duration doubt{};
  if (!clean) doubt = context_.settings.doubt + (expired ? Duration{} : Refresher::kWriteTimeout);
  if (!row.read_through) row.read_through = core::inherited_read_through(row, rows_);
  if (base::planted(base::Bug::takeover_trusted)) doubt = {};
  if (doubt > Duration{}) base::mark(base::Mark::takeover_in_doubt);
  if (own) base::mark(base::Mark::own_row_retaken);
  row.owner = context_.settings.worker;
  row.lease = context_.settings.lease;
  row.nonce = fresh_nonce(context_.dice);
  row.clean = false;
  row.draining_to.clear();
  // The counter is the generation of the shard's fence. If the row was made anew by hand, the fence
  // may be ahead of it.
  row.counter = std::max(row.counter, fence_generations_[row.shard]) + 1;
  const Instant sent = context_.clock.now();
  Result<void> taken =
      co_await context_.leases.replace(row, before, sent + ShardSession::kLeaseCallTimeout);
  // Whatever went wrong: if the write was applied after all, the next look shows the row as ours
  // and free.
  if (!taken) {
    const FailureKind kind = taken.error().kind;
    if (kind != FailureKind::condition_failed &&
        context_.complaints.due("take" + taken.error().code, sent)) {
      context_.log.warning("cannot take a shard; trying again",
                           {{"shard", row.shard}, {"because", to_text(taken.error())}});
    }
    co_return;
  }
  if (context_.clock.now() >= sent + context_.settings.lease) co_return;
  if (!clean) ++context_.metrics.takeovers;
  context_.log.info(
      orphan ? "took over a shard" : "took a shard",
      {{"shard", row.shard}, {"checkpoint", row.checkpoint.empty() ? "(none)" : row.checkpoint}});
  Running& running = running_[row.shard];
  running.session =
      std::make_unique<ShardSession>(context_, refresher_, stream_, std::move(row), sent, doubt);
  tasks_.spawn(run_session(running));
}

Task<void> Follower::run_session(Running& running) {
  co_await running.session->run();
  running.done = true;
  changed_.notify();
}

void Follower::reap() {
  for (auto it = running_.begin(); it != running_.end();) {
    if (!it->second.done) {
      ++it;
      continue;
    }
    const ShardSession& session = *it->second.session;
    fence_generations_[it->first] = session.fence_generation();
    switch (session.end()) {
      case ShardSession::End::finished:
        context_.log.info("a shard is read to its end", {{"shard", it->first}});
        context_.metrics.shards[it->first].finished = true;
        list_at_ = Instant{};  // its children may be listed now
        break;
      case ShardSession::End::lost:
        context_.log.warning("lost a lease; another worker goes on", {{"shard", it->first}});
        break;
      case ShardSession::End::stopped:
        stopped_[it->first] = session.reason();
        break;
      case ShardSession::End::drained:
        break;
    }
    it = running_.erase(it);
  }
}

void Follower::show_stopped() {
  for (const auto& [shard, why] : stopped_) {
    context_.metrics.shards[shard].stopped = why;
    if (context_.complaints.due("stopped " + shard, context_.clock.now())) {
      context_.log.error("a shard has stopped", {{"shard", shard}, {"because", why}});
    }
  }
  context_.metrics.blocked = refresher_.blocked();
}

std::vector<core::ShardRow> Follower::rows_with_progress() const {
  std::vector<core::ShardRow> rows = rows_;
  for (core::ShardRow& row : rows) {
    const auto found = running_.find(row.shard);
    if (found != running_.end()) row = found->second.session->progress();
  }
  return rows;
}

// A listing may still hide the last children of a disabled stream: the end counts when one that was
// asked for later shows nothing more.
void Follower::note_completeness() {
  const bool all = listed_once_ && rows_in_step_ && listing_.ended && running_.empty() &&
                   core::all_finished(listing_.shards, rows_);
  if (!all) {
    complete_since_.reset();
    return;
  }
  const Instant now = context_.clock.now();
  if (!complete_since_) complete_since_ = now;
  if (!listed_well_after(*complete_since_)) list_at_ = std::min(list_at_, now + kRelistEvery);
}

std::optional<FollowEnd> Follower::verdict() const {
  if (!listed_once_ || !rows_in_step_) return std::nullopt;
  if (complete_since_ && listed_well_after(*complete_since_)) return FollowEnd::complete;
  const std::set<std::string> stuck = held_up();
  const bool left = std::any_of(rows_.begin(), rows_.end(), [&](const core::ShardRow& row) {
    return !row.finished && !stuck.contains(row.shard);
  });
  if (!stuck.empty() && running_.empty() && !left) return FollowEnd::all_stopped;
  if (!until_) return std::nullopt;
  std::vector<core::ShardRow> rows = rows_with_progress();
  for (core::ShardRow& row : rows) {
    if (stuck.contains(row.shard)) row.read_through = until_;  // not waited for: it would not come
  }
  if (!core::read_until(*until_, listing_.shards, rows, listing_.ended)) return std::nullopt;
  return stuck.empty() ? FollowEnd::caught_up : FollowEnd::all_stopped;
}

// Shards that have stopped here, and all that come after them.
std::set<std::string> Follower::held_up() const {
  std::set<std::string> stuck;
  for (bool more = true; more;) {
    more = false;
    for (const core::ShardRow& row : rows_) {
      const bool behind =
          std::any_of(row.parents.begin(), row.parents.end(),
                      [&](const std::string& parent) { return stuck.contains(parent); });
      if (!row.finished && (behind || stopped_.contains(row.shard)))
        more = stuck.insert(row.shard).second || more;
    }
  }
  return stuck;
}

// Every session checkpoints, releases its lease and ends.
Task<void> Follower::wind_down() {
  reap();
  if (running_.empty()) co_return;  // nothing to wind down: another stream may follow this one
  context_.stop.open();
  // A row that was being taken when we were asked has had its share of the time.
  const Instant deadline = asked_to_stop_.value_or(context_.clock.now()) + kStopWithin;
  for (;;) {
    reap();
    if (running_.empty()) co_return;
    const bool changed = co_await changed_.wait(deadline);
    if (!changed) co_return;
  }
}

}  // namespace dynamodb_replicator::flow

// Backfill: batches of scanned items, and the second look at them.
#include <utility>

#include "async/scope.h"
#include "base/planted.h"
#include "core/batches.h"
#include "flow/refresh_guarded.h"

namespace dynamodb_replicator::flow {

Task<std::vector<Outcome>> GuardedRefresher::backfill(std::vector<Scanned> items) {
  if (!out_.ignored.empty()) {  // a put would take the replica's own attributes away
    std::vector<item::KeyRef> keys;
    keys.reserve(items.size());
    for (Scanned& one : items) keys.push_back(std::move(one.key));
    std::vector<Outcome> outcomes = co_await refresh(std::move(keys));
    co_return outcomes;
  }
  Copy copy;
  copy.outcomes.resize(items.size());
  std::vector<std::size_t> bytes;
  bytes.reserve(items.size());
  for (const Scanned& one : items) bytes.push_back(one.item.size());
  std::vector<Parts> batches;
  std::size_t begin = 0;
  for (const std::size_t end : core::cut_batches(bytes, core::kBatchWritesMax)) {
    Parts& parts = batches.emplace_back();
    for (std::size_t i = begin; i < end; ++i)
      parts.push_back({i, std::move(items[i].key), std::move(items[i].item), {}});
    begin = end;
  }
  for (std::size_t at = 0; at < batches.size(); at += kBatchesNoted) {
    const std::size_t count = std::min(kBatchesNoted, batches.size() - at);
    co_await copy_noted(std::span(batches).subspan(at, count), copy);
  }
  // One wait for all that is in doubt, then a look at both sides of what is left.
  Instant known = out_.clock.now();
  std::vector<Work> work;
  for (const Part& part : copy.later) {
    known = std::max(known, part.doubt.value_or(known));
    Work& one = work.emplace_back();
    one.key = part.key;
    one.doubt = part.doubt;
    one.wrote = true;
  }
  if (work.empty()) co_return std::move(copy.outcomes);
  co_await out_.loop.sleep_until(known);
  std::vector<Outcome> rest = co_await refresh_all(std::move(work));
  for (std::size_t i = 0; i < rest.size(); ++i)
    copy.outcomes[copy.later[i].place] = std::move(rest[i]);
  co_return std::move(copy.outcomes);
}

Task<void> GuardedRefresher::copy_noted(std::span<Parts> batches, Copy& copy) {
  if (out_.journal != nullptr) {
    std::vector<item::KeyRef> keys;
    for (const Parts& parts : batches) {
      for (const Part& part : parts) keys.push_back(part.key);
    }
    Result<void> begun = co_await out_.journal->begin(std::move(keys));
    if (!begun) {
      for (const Parts& parts : batches) {
        for (const Part& part : parts) copy.outcomes[part.place] = failed(begun.error());
      }
      co_return;
    }
  }
  std::size_t next = 0;
  {
    async::Scope lanes(out_.loop);
    for (std::size_t i = 0; i < std::min<std::size_t>(settings_.lanes, batches.size()); ++i)
      lanes.spawn(copy_lane(batches, next, copy));
    co_await lanes.join();
  }
  if (!copy.closed.empty() && out_.journal != nullptr)
    co_await out_.journal->done(std::exchange(copy.closed, {}));
}

Task<void> GuardedRefresher::copy_lane(std::span<Parts> batches, std::size_t& next, Copy& copy) {
  while (next < batches.size()) {
    if (active_ >= window_.size()) {
      co_await changed_.wait(out_.clock.now() + 100ms);
      continue;
    }
    Parts parts = std::move(batches[next++]);
    ++active_;
    Parts written;
    co_await write_parts(std::move(parts), copy, written);
    if (!written.empty()) co_await look_again(std::move(written), copy);
    --active_;
    changed_.notify();
  }
}

// Until each is written or has failed. What is sent again is what was scanned; look_again() finds
// out whether that is old.
Task<void> GuardedRefresher::write_parts(Parts parts, Copy& copy, Parts& written) {
  Work trouble;
  while (!parts.empty()) {
    std::vector<Write> writes;
    double expected = 0;
    for (const Part& part : parts) {
      writes.push_back({part.key, part.item});
      expected += core::write_units_of(part.item.size());
    }
    co_await take_turn(out_.writes, expected);
    const Instant deadline = out_.clock.now() + kWriteTimeout;
    Result<WriteAnswer> answer = co_await out_.batches.write(writes, deadline);
    pay_write(expected, answer ? answer->units : 0);
    Failure failure;
    if (answer) {
      Parts rest;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (answer->done[i] || base::planted(base::Bug::backfill_drops_items)) {
          ++totals_.puts;
          written.push_back(std::move(parts[i]));
        } else {
          ++totals_.unprocessed;
          parts[i].doubt = deadline + settings_.doubt;
          rest.push_back(std::move(parts[i]));
        }
      }
      if (rest.empty()) {
        window_.clean();
        co_return;
      }
      if (rest.size() < parts.size()) trouble.failures = 0;
      parts = std::move(rest);
      failure.kind = FailureKind::throttled;
      failure.operation = "BatchWriteItem";
      failure.message = "the service left items unprocessed";
    } else {
      failure = std::move(answer).error();
      if (core::worth_splitting(failure.kind) && !failure.maybe_applied && parts.size() > 1) {
        Parts rest = core::split_off(parts);
        co_await write_parts(std::move(parts), copy, written);
        co_await write_parts(std::move(rest), copy, written);
        co_return;
      }
      if (failure.maybe_applied) {
        for (Part& part : parts) part.doubt = deadline + settings_.doubt;
      }
    }
    Result<void> on = co_await back_off(trouble, std::move(failure));
    if (!on) {
      fail(std::move(parts), on.error(), copy);
      co_return;
    }
  }
}

// What the primary still has as it was written is in line, unless an earlier attempt may still
// land.
Task<void> GuardedRefresher::look_again(Parts written, Copy& copy) {
  std::vector<item::KeyRef> keys;
  for (const Part& part : written) keys.push_back(part.key);
  const auto expected = static_cast<double>(keys.size());
  co_await take_turn(out_.reads, expected);
  Result<ReadAnswer> answer = co_await out_.primary.read(keys, out_.clock.now() + kReadTimeout);
  pay_read(core::Side::primary, expected, answer ? answer->units : 0);
  for (std::size_t i = 0; i < written.size(); ++i) {
    Part& part = written[i];
    const bool unchanged = base::planted(base::Bug::no_look_after_copy) ||
                           (answer.ok() && answer->entries[i].state == ReadAnswer::State::found &&
                            item::same_item(answer->entries[i].item, part.item, out_.ignored));
    if (unchanged && !part.doubt) {
      copy.outcomes[part.place] = {Outcome::Kind::repaired, false, {}};
      copy.closed.push_back(part.key);
    } else {
      part.item.clear();
      copy.later.push_back(std::move(part));
    }
  }
}

// Parts that are begun. What was refused, and nothing else became of it, is not open.
void GuardedRefresher::fail(Parts parts, const Failure& failure, Copy& copy) {
  const Outcome outcome = failed(failure);
  const bool asked = settings_.keep_failed && !outcome.stops;
  for (Part& part : parts) {
    copy.outcomes[part.place] = outcome;
    if (!part.doubt && !asked) copy.closed.push_back(std::move(part.key));
  }
}

}  // namespace dynamodb_replicator::flow

// A small world for the walks, in virtual time: a driver, doors, two tables, a stream and a lease
// table that do as each test says. Not the simulator: no seeds, no bytes; one thing goes wrong at a
// time, where the test wants it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/memory_spill.h"
#include "async/scope.h"
#include "base/prng.h"
#include "flow/context.h"
#include "flow/ports.h"

namespace dynamodb_replicator::flow::fakes {

inline Failure failure(FailureKind kind, bool maybe_applied = false) {
  Failure made;
  made.kind = kind;
  made.operation = "a call";
  made.code = "Code" + std::to_string(static_cast<int>(kind));
  made.message = "it failed";
  made.maybe_applied = maybe_applied;
  return made;
}

// Runs a loop in virtual time; things of the outside happen at their times between the handlers.
struct Driver {
  async::Loop loop;
  Instant now = Instant{} + 1h;
  std::multimap<Instant, std::function<void()>> events;

  void at(Instant when, std::function<void()> what) { events.emplace(when, std::move(what)); }

  void run_for(Duration time) {
    const Instant end = now + time;
    int busy = 0;  // handlers run without time moving on
    for (;;) {
      while (loop.ready() > 0) {
        loop.run();
        ASSERT_LT(++busy, 500'000) << "a loop that never waits";
      }
      Instant next = end;
      if (const auto timer = loop.next_timer()) next = std::min(next, *timer);
      if (!events.empty()) next = std::min(next, events.begin()->first);
      if (next > now) busy = 0;
      now = std::max(now, next);
      if (!events.empty() && events.begin()->first <= now) {
        const auto what = std::move(events.begin()->second);
        events.erase(events.begin());
        what();
      } else if (loop.next_timer() && *loop.next_timer() <= now) {
        loop.fire(now);
      } else {
        return;
      }
    }
  }
};

struct Clock : async::Clock {
  explicit Clock(Driver& d) : driver(d) {}
  Instant now() override { return driver.now; }
  WallTime wall() override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(driver.now.time_since_epoch() +
                                                                   24h * 20'000));
  }
  Driver& driver;
};

struct Dice : async::Dice {
  std::uint64_t roll() override { return prng.next(); }
  base::Prng prng{7};
};

// Appending takes a while; everything else is at once.
struct Files : async::Files {
  explicit Files(Driver& d) : driver(d) {}
  struct Held : async::Lock {
    Held(Files& of, std::string name) : files(of), path(std::move(name)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() override { files.locked.erase(path); }
    Files& files;
    std::string path;
  };
  Result<std::optional<std::string>> read(const std::string& path) override {
    const auto found = contents.find(path);
    if (found == contents.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  Task<Result<void>> append_line(const std::string& path, std::string line) override {
    co_await driver.loop.sleep_until(driver.now + takes);
    if (broken) co_return failure(FailureKind::configuration);
    contents[path] += line + "\n";
    lines.push_back(std::move(line));
    co_return Result<void>();
  }
  Result<void> probe_append(const std::string&) override { return {}; }
  Task<Result<void>> replace(const std::string& path, std::string text) override {
    co_await driver.loop.sleep_until(driver.now + takes);
    if (broken) co_return failure(FailureKind::configuration);
    contents[path] = std::move(text);
    ++replaced;
    co_return Result<void>();
  }
  Result<std::unique_ptr<async::Spill>> scratch(const std::string&) override {
    return std::unique_ptr<async::Spill>(std::make_unique<async::MemorySpill>());
  }
  Result<std::unique_ptr<async::Spill>> spill(const std::string& path) override {
    return std::unique_ptr<async::Spill>(std::make_unique<async::MemorySpill>(&contents[path]));
  }
  Result<void> make_directories(const std::string&) override { return {}; }
  Result<void> remove(const std::string& path) override {
    contents.erase(path);
    return {};
  }
  Result<std::unique_ptr<async::Lock>> lock(const std::string& path) override {
    if (!locked.insert(path).second) return std::unique_ptr<async::Lock>();
    return std::unique_ptr<async::Lock>(std::make_unique<Held>(*this, path));
  }
  Driver& driver;
  Duration takes = 2ms;
  bool broken = false;
  std::vector<std::string> lines;               // appended, to any file
  std::map<std::string, std::string> contents;  // by path
  std::set<std::string> locked;
  std::size_t replaced = 0;
};

struct Log : async::Log {
  void write(async::Level level, std::string_view message,
             const std::vector<Field>& fields) override {
    std::string line(message);
    for (const Field& field : fields) line += " " + std::string(field.first) + "=" + field.second;
    if (level >= async::Level::warning) lines.push_back(std::move(line));
  }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
  std::vector<std::string> lines;  // warnings and errors
};

inline item::KeyRef key(const std::string& name) {
  return std::make_shared<item::Key>(name, "{\"id\":{\"S\":\"" + name + "\"}}");
}
inline std::string item(const std::string& name, int version) {
  return "{\"id\":{\"S\":\"" + name + "\"},\"v\":{\"N\":\"" + std::to_string(version) + "\"}}";
}

// A table: reads and writes take a moment; `reads` and `writes` say how each call goes.
struct Table : TableReader, TableWriter, GuardedWriter {
  struct ReadPlan {
    Duration takes = 3ms;
    std::optional<Failure> failure;
    std::set<std::string> unprocessed;
  };
  struct WritePlan {
    Duration takes = 5ms;            // when the answer comes; past the deadline it does not
    std::optional<Failure> failure;  // nothing is applied, unless `lands`
    std::optional<Duration>
        lands;  // when it is applied, whatever is answered; default: just before the answer
    std::set<std::string> unprocessed;
  };
  struct Issued {
    std::vector<Write> writes;
    Instant at;
    Instant deadline;
  };

  explicit Table(Driver& d) : driver(d) {}

  Task<Result<ReadAnswer>> read(std::span<const item::KeyRef> keys, Instant deadline) override {
    EXPECT_GE(keys.size(), 1U);
    EXPECT_LE(keys.size(), 100U);
    ++read_calls;
    for (const item::KeyRef& one : keys) ++reads_of[one->canonical()];
    const ReadPlan plan = reads ? reads(keys) : ReadPlan{};
    const Instant answer_at = driver.now + plan.takes;
    const bool late = answer_at > deadline;
    // What is there half way: a consistent read sees one moment between request and answer.
    co_await driver.loop.sleep_until(late ? deadline : driver.now + plan.takes / 2);
    if (late) co_return failure(FailureKind::transient);
    ReadAnswer answer;
    for (const item::KeyRef& one : keys) {
      const auto found = items.find(one->canonical());
      if (plan.unprocessed.contains(one->canonical())) {
        answer.entries.push_back({ReadAnswer::State::unprocessed, {}});
      } else if (found == items.end()) {
        answer.entries.push_back({ReadAnswer::State::absent, {}});
      } else {
        answer.entries.push_back({ReadAnswer::State::found, found->second});
      }
    }
    co_await driver.loop.sleep_until(answer_at);
    if (plan.failure) co_return *plan.failure;
    answer.units = static_cast<double>(keys.size());
    co_return answer;
  }

  Task<Result<WriteAnswer>> write(std::span<const Write> batch, Instant deadline) override {
    EXPECT_GE(batch.size(), 1U);
    EXPECT_LE(batch.size(), 25U);
    EXPECT_GT(deadline, driver.now);
    std::vector<Write> copy(batch.begin(), batch.end());
    std::set<std::string> names;
    for (const Write& one : copy) {
      EXPECT_TRUE(names.insert(one.key->canonical()).second) << "a key twice in one batch";
      EXPECT_TRUE(in_flight.insert(one.key->canonical()).second)
          << "two writes of one key at a time";
    }
    struct Leave {
      Table& table;
      std::set<std::string>& names;
      ~Leave() {
        for (const std::string& name : names) table.in_flight.erase(name);
      }
    } leave{*this, names};
    issued.push_back({copy, driver.now, deadline});
    WritePlan plan = writes ? writes(copy) : WritePlan{};
    const bool late = driver.now + plan.takes > deadline;
    if (!plan.lands && !plan.failure) plan.lands = plan.takes;
    if (plan.lands) {
      driver.at(driver.now + *plan.lands,
                [this, copy, skip = plan.unprocessed] { land(copy, skip); });
    }
    co_await driver.loop.sleep_until(late ? deadline : driver.now + plan.takes);
    if (late) co_return failure(FailureKind::transient, true);
    if (plan.failure) co_return *plan.failure;
    WriteAnswer answer;
    for (const Write& one : copy)
      answer.done.push_back(!plan.unprocessed.contains(one.key->canonical()));
    answer.units = static_cast<double>(copy.size());
    co_return answer;
  }

  // The guard is met if it is that of what is stored when the write lands.
  Task<Result<double>> write_if(const Write& write, const core::Guard& guard,
                                Instant deadline) override {
    const Write one = write;
    const std::string condition = guard.expression + guard.names + guard.values;
    EXPECT_TRUE(in_flight.insert(one.key->canonical()).second) << "two writes of one key at a time";
    struct Leave {
      std::set<std::string>& names;
      std::string name;
      ~Leave() { names.erase(name); }
    } leave{in_flight, one.key->canonical()};
    issued.push_back({{one}, driver.now, deadline});
    guards.push_back(guard);
    WritePlan plan = writes ? writes({one}) : WritePlan{};
    const bool late = driver.now + plan.takes > deadline;
    if (!plan.lands && !plan.failure) plan.lands = plan.takes;
    auto met = std::make_shared<bool>(true);
    if (plan.lands) {
      driver.at(driver.now + *plan.lands, [this, one, condition, met] {
        const auto stored = items.find(one.key->canonical());
        const core::Guard now =
            core::guard_for(stored == items.end() ? "" : stored->second, schema);
        *met =
            condition.empty() || (compares && condition == now.expression + now.names + now.values);
        if (*met) land({one}, {});
      });
    }
    co_await driver.loop.sleep_until(late ? deadline : driver.now + plan.takes);
    if (late) co_return failure(FailureKind::transient, true);
    if (plan.failure) co_return *plan.failure;
    if (!*met) co_return failure(FailureKind::condition_failed);
    co_return 1.0;
  }

  void land(const std::vector<Write>& batch, const std::set<std::string>& skip) {
    for (const Write& one : batch) {
      if (skip.contains(one.key->canonical())) continue;
      ++landed;
      if (one.item.empty()) {
        items.erase(one.key->canonical());
      } else {
        items[one.key->canonical()] = one.item;
      }
    }
  }
  void put(const std::string& name, int version) { items[name] = item(name, version); }

  Driver& driver;
  std::map<std::string, std::string> items;
  std::function<ReadPlan(std::span<const item::KeyRef>)> reads;
  std::function<WritePlan(const std::vector<Write>&)> writes;
  std::vector<Issued> issued;
  std::vector<core::Guard> guards;  // of write_if
  bool compares = true;             // false: an engine that calls equal values different
  item::KeySchema schema{{"id", item::KeyType::string}, std::nullopt};
  std::set<std::string> in_flight;
  std::map<std::string, int> reads_of;
  int read_calls = 0;
  int landed = 0;
};

// A stream of any number of shards; a record's sequence number is its place, counted from 1000.
struct Stream : flow::Stream {
  struct Shard {
    std::vector<std::string> parents;
    std::vector<StreamRecord> records;
    std::size_t trimmed = 0;  // so many are gone
    bool closed = false;
    bool listed = true;
  };

  explicit Stream(Driver& d, bool is_kinesis_ = false) : driver(d), kinesis(is_kinesis_) {}

  const std::string& identity() const override { return name; }
  bool is_kinesis() const override { return kinesis; }
  WallTime service_time() const override {
    return Clock(driver).wall() + std::chrono::floor<std::chrono::microseconds>(ahead);
  }

  Duration retention() const override { return kept; }

  Task<Result<Listing>> list(Instant) override {
    ++lists;
    co_await driver.loop.sleep_until(driver.now + 3ms);
    if (list_failure) co_return *list_failure;
    Listing listing{{}, ended || gone, gone};
    for (const auto& [id, shard] : shards) {
      if (shard.listed) listing.shards.push_back({id, shard.parents, shard.closed});
    }
    co_return listing;
  }

  Task<Result<std::string>> open(const std::string& id, const Position& position,
                                 Instant) override {
    opened.push_back(position);
    co_await driver.loop.sleep_until(driver.now + 2ms);
    if (opens) {
      if (const auto failed = opens(id, position)) co_return *failed;
    }
    const auto found = shards.find(id);
    if (found == shards.end()) co_return failure(FailureKind::not_found);
    const Shard& shard = found->second;
    std::size_t next = shard.trimmed;
    if (position.kind == Position::Kind::after) {
      next = std::stoul(position.sequence) - 1000 + 1;
      if (next < shard.trimmed) {
        if (!kinesis) co_return failure(FailureKind::trimmed);
        next = shard.trimmed;
      }
    }
    co_return id + "|" + std::to_string(next);
  }

  Task<Result<Page>> read(const std::string& iterator, Instant) override {
    ++reads;
    read_at.push_back(driver.now);
    co_await driver.loop.sleep_until(driver.now + read_takes);
    const std::string id = iterator.substr(0, iterator.find('|'));
    const auto found = shards.find(id);
    if (found == shards.end()) co_return failure(FailureKind::not_found);
    if (pages) {
      if (const auto failed = pages(id)) co_return *failed;
    }
    const Shard& shard = found->second;
    std::size_t next =
        std::max<std::size_t>(std::stoul(iterator.substr(iterator.find('|') + 1)), shard.trimmed);
    Page page;
    while (next < shard.records.size() && page.records.size() < limit)
      page.records.push_back(shard.records[next++]);
    const bool tip = next >= shard.records.size();
    if (kinesis) page.behind = tip ? behind_at_tip : behind;
    if (!tip || !shard.closed) page.next = id + "|" + std::to_string(next);
    co_return page;
  }

  StreamRecord& add(const std::string& id, item::KeyRef changed) {
    return add_entries(id, {std::move(changed)});
  }
  StreamRecord& add_junk(const std::string& id) {
    return add_entries(id, {Junk{"it is not JSON"}});
  }
  StreamRecord& add_entries(const std::string& id,
                            std::vector<std::variant<item::KeyRef, Junk, NotOurs>> entries) {
    std::vector<StreamRecord>& records = shards[id].records;
    StreamRecord record;
    record.sequence = std::to_string(1000 + records.size());
    record.raw = "raw" + record.sequence;
    record.entries = std::move(entries);
    record.at = Clock(driver).wall();
    records.push_back(std::move(record));
    return records.back();
  }

  Driver& driver;
  bool kinesis;
  std::string name = "stream";
  std::map<std::string, Shard> shards;
  bool ended = false;
  Duration kept = 24h;
  Duration ahead{};  // the service's clock less ours
  std::size_t limit = 1000;
  Duration behind = 60s;
  Duration behind_at_tip{};
  Duration read_takes = 4ms;
  std::optional<Failure> list_failure;
  std::function<std::optional<Failure>(const std::string&, const Position&)> opens;
  std::function<std::optional<Failure>(const std::string&)> pages;
  std::vector<Position> opened;
  std::vector<Instant> read_at;
  int lists = 0;
  bool gone = false;
  int reads = 0;
};

// The lease table. `fate` says how a write goes: served, refused by the outside, or served with its
// answer lost.
struct Leases : LeaseStore {
  enum class Fate { served, failed, answer_lost };
  explicit Leases(Driver& d) : driver(d) {}

  Task<Result<std::vector<core::ShardRow>>> list(const std::string&, Instant) override {
    co_await driver.loop.sleep_until(driver.now + list_takes);
    if (down) co_return failure(FailureKind::transient);
    std::vector<core::ShardRow> all;
    for (const auto& [shard, row] : rows) all.push_back(row);
    co_return all;
  }
  Task<Result<std::optional<core::ShardRow>>> get(const std::string&, const std::string& shard,
                                                  Instant) override {
    co_await driver.loop.sleep_until(driver.now + 2ms);
    if (down) co_return failure(FailureKind::transient);
    const auto found = rows.find(shard);
    if (found == rows.end()) co_return std::optional<core::ShardRow>();
    co_return std::optional(found->second);
  }
  Task<Result<void>> create(const core::ShardRow& row, Instant) override {
    const core::ShardRow wanted = row;
    co_await driver.loop.sleep_until(driver.now + 2ms);
    if (down) co_return failure(FailureKind::transient, true);
    if (rows.contains(wanted.shard)) co_return failure(FailureKind::condition_failed);
    store(wanted);
    co_return Result<void>();
  }
  Task<Result<void>> replace(const core::ShardRow& row, const std::string& expected,
                             Instant deadline) override {
    const core::ShardRow wanted = row;
    ++replaces;
    const Fate how = fate ? fate(wanted) : Fate::served;
    co_await driver.loop.sleep_until(std::min(deadline, driver.now + takes));
    if (down || how == Fate::failed) co_return failure(FailureKind::transient, true);
    if (!rows.contains(wanted.shard) || rows[wanted.shard].nonce != expected) {
      co_return failure(FailureKind::condition_failed);
    }
    store(wanted);
    if (how == Fate::answer_lost) co_return failure(FailureKind::transient, true);
    co_return Result<void>();
  }
  Task<Result<void>> raise_fence(const core::Fence& fence, Instant) override {
    const core::Fence wanted = fence;
    co_await driver.loop.sleep_until(driver.now + fence_takes);
    const Fate how = fence_fate ? fence_fate(wanted) : Fate::served;
    if (down || how == Fate::failed) co_return failure(FailureKind::transient, true);
    const auto there = fences.find(wanted.stripe);
    if (there != fences.end() && there->second.generation >= wanted.generation)
      co_return failure(FailureKind::condition_failed);
    fences[wanted.stripe] = wanted;
    if (how == Fate::answer_lost) co_return failure(FailureKind::transient, true);
    co_return Result<void>();
  }
  Task<Result<void>> bump_fence(const core::Fence& fence, Instant) override {
    const core::Fence from = fence;
    co_await driver.loop.sleep_until(driver.now + fence_takes);
    const Fate how = fence_fate ? fence_fate(from) : Fate::served;
    if (down || how == Fate::failed) co_return failure(FailureKind::transient, true);
    if (!says(from)) co_return failure(FailureKind::condition_failed);
    ++fences[from.stripe].bumps;
    if (how == Fate::answer_lost) co_return failure(FailureKind::transient, true);
    co_return Result<void>();
  }
  Task<Result<std::optional<core::Fence>>> get_fence(const core::Fence& fence, Instant) override {
    const unsigned stripe = fence.stripe;
    co_await driver.loop.sleep_until(driver.now + 2ms);
    if (down) co_return failure(FailureKind::transient);
    const auto there = fences.find(stripe);
    if (there == fences.end()) co_return std::optional<core::Fence>();
    co_return std::optional(there->second);
  }
  // The condition of a fenced write.
  [[nodiscard]] bool says(const core::Fence& fence) const {
    const auto there = fences.find(fence.stripe);
    return there != fences.end() && there->second.generation == fence.generation &&
           there->second.holder == fence.holder && there->second.bumps == fence.bumps;
  }
  void store(const core::ShardRow& row) {
    const core::ShardRow& before = rows[row.shard];
    if (!before.checkpoint.empty()) {
      EXPECT_FALSE(core::sequence_less(row.checkpoint, before.checkpoint))
          << "a checkpoint went back";
    }
    rows[row.shard] = row;
    history.push_back(row);
    if (stored) stored(row);
  }

  Driver& driver;
  std::map<std::string, core::ShardRow> rows;
  std::vector<core::ShardRow> history;
  std::function<Fate(const core::ShardRow&)> fate;
  std::function<void(const core::ShardRow&)> stored;
  std::map<unsigned, core::Fence> fences;  // of the only shard that a test fences
  std::function<Fate(const core::Fence&)> fence_fate;
  Duration fence_takes = 3ms;
  Duration takes = 3ms;
  Duration list_takes = 2ms;
  bool down = false;
  int replaces = 0;
};

// The replica's transactions: the table's plans, all or nothing, if the fence still says so when
// the write lands.
struct FencedTable : FencedWriter {
  FencedTable(Table& t, Leases& l) : table(t), leases(l) {}

  Task<Result<WriteAnswer>> write(const core::Fence& fence, std::span<const Write> batch,
                                  Instant deadline) override {
    EXPECT_GE(batch.size(), 1U);
    EXPECT_LE(batch.size(), 99U);
    EXPECT_TRUE(in_flight.insert(fence.stripe).second) << "two transactions under one stripe";
    struct Leave {
      std::set<unsigned>& stripes;
      unsigned stripe;
      ~Leave() { stripes.erase(stripe); }
    } leave{in_flight, fence.stripe};
    const core::Fence pass = fence;
    const std::vector<Write> copy(batch.begin(), batch.end());
    Driver& driver = table.driver;
    table.issued.push_back({copy, driver.now, deadline});
    passes.push_back(pass);
    Table::WritePlan plan = table.writes ? table.writes(copy) : Table::WritePlan{};
    const bool late = driver.now + plan.takes > deadline;
    if (!plan.lands && !plan.failure) plan.lands = plan.takes;
    auto allowed = std::make_shared<bool>(true);
    if (plan.lands) {
      driver.at(driver.now + *plan.lands, [this, copy, pass, allowed] {
        *allowed = leases.says(pass);
        if (*allowed) table.land(copy, {});
        refused += *allowed ? 0 : 1;
      });
    }
    co_await driver.loop.sleep_until(late ? deadline : driver.now + plan.takes);
    if (late) co_return failure(FailureKind::transient, true);
    if (plan.failure) co_return *plan.failure;
    if (!*allowed) co_return failure(FailureKind::condition_failed);
    WriteAnswer answer;
    answer.done.assign(copy.size(), true);
    answer.units = 2.0 * static_cast<double>(copy.size() + 1);
    co_return answer;
  }

  Table& table;
  Leases& leases;
  std::vector<core::Fence> passes;
  std::set<unsigned> in_flight;
  int refused = 0;  // landed and were turned away
};

// What every process has of its own.
struct Process {
  Process(Driver& driver, Table& primary, Table& replica, Leases& leases, const std::string& name)
      : clock(driver), files(driver), stop(driver.loop) {
    settings.worker = name;
    context = std::make_unique<Context>(Context{driver.loop, clock, dice, files, log, primary,
                                                replica, replica, leases, settings, metrics, stop});
  }
  Clock clock;
  Dice dice;
  Files files;
  Log log;
  Settings settings;
  Metrics metrics;
  async::Gate stop;
  std::unique_ptr<Context> context;
};

// One world: a primary, a replica, a lease table.
struct World {
  Driver driver;
  Table primary{driver};
  Table replica{driver};
  Leases leases{driver};
};

}  // namespace dynamodb_replicator::flow::fakes

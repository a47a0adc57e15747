#include "app/diff.h"

#include <algorithm>
#include <utility>

#include "app/diff_plan.h"
#include "app/diff_repair.h"
#include "app/diff_report.h"
#include "app/resume_file.h"
#include "app/state.h"
#include "app/tables.h"
#include "async/scope.h"
#include "base/bytes.h"
#include "flow/copy_scan.h"
#include "flow/verify.h"
#include "item/plain.h"

namespace dynamodb_replicator::app {
namespace {

constexpr Duration kRedrawEvery = 500ms;
constexpr Duration kSayEvery = 30s;
// After a first signal: what is in flight may take so long, then it is left to the next run.
constexpr Duration kGrace = 8s;
constexpr double kLongRunUnits = 10'000;  // from here on the price is worth a line

// --backfill without --repair.
class NoCopy : public flow::Copier {
 public:
  async::Task<Result<void>> copy(std::vector<flow::Scanned>) override { co_return Result<void>{}; }
};

class DiffRun : public flow::Findings {
 public:
  DiffRun(async::Doors& doors, const DiffOptions& options, const Console& console,
          async::Gate& stop, const Pair& pair, const DiffPlan& plan, flow::Resuming resuming)
      : doors_(doors),
        options_(options),
        console_(console),
        plan_(plan),
        primary_(*pair.primary_client, pair.primary.location.name, plan.settings.schema),
        replica_(*pair.replica_client, pair.replica.location.name, plan.settings.schema),
        context_{doors.loop,
                 doors.clock,
                 doors.dice,
                 doors.files,
                 doors.log,
                 {&primary_, &replica_},
                 {&primary_, &replica_},
                 plan.settings,
                 stop,
                 std::move(resuming)},
        begun_(doors.clock.now()) {
    if (const std::optional<core::CompareState>& from = context_.resuming.from) {
      seconds_before_ = from->seconds;
      settled_before_ = from->outcomes.ended();
    }
    if (options.repair)
      repair_.emplace(doors, options, console, pair, plan, primary_, replica_, context_.budget,
                      counts_, stop);
  }

  async::Task<Result<void>> run() {
    if (repair_) {
      Result<void> begun = co_await repair_->begin();
      if (!begun) co_return begun;
    }
    if (options_.backfill) {
      NoCopy nothing;
      flow::Copier* copier = &nothing;
      if (repair_) copier = &*repair_;
      flow::CopyScan copy(context_, *copier);
      Result<void> copied = co_await copy.run();
      if (repair_) repair_->end();
      co_return copied;
    }
    flow::PairScan scan(context_);
    Result<void> compared = co_await flow::verify(context_, scan, *this);
    compared_ = compared.ok();
    if (compared && repair_) compared = co_await repair_->delete_extraneous(context_.progress);
    if (repair_) repair_->end();
    co_return compared;
  }

  // Runs until it is destroyed.
  async::Task<void> show_progress() {
    for (;;) {
      const Duration every = console_.redraw ? kRedrawEvery : kSayEvery;
      co_await doors_.loop.sleep_until(doors_.clock.now() + every);
      const std::string line = progress_line(
          context_.progress, counts_,
          {elapsed(), base::seconds(doors_.clock.now() - context_.progress.settle_began),
           settled_before_},
          plan_.expected_items);
      if (console_.redraw) {
        console_.redraw(line);
      } else {
        console_.say(line);
      }
    }
  }

  async::Task<Result<void>> found(std::vector<flow::Found> findings) override {
    for (const flow::Found& one : findings) print(name_of(one.what), *one.key);
    if (repair_) co_return co_await repair_->found(std::move(findings));
    co_return Result<void>{};
  }

  int finish() {
    const flow::CompareProgress& progress = context_.progress;
    if (options_.backfill) return finish_backfill();
    console_.say(summary(progress, counts_, options_.repair, elapsed(), plan_.part));
    if (options_.json) console_.out(summary_as_json(progress, counts_, elapsed(), plan_.part));
    const std::uint64_t remaining = counts_.remaining(progress.outcomes);
    if (counts_.not_repaired + counts_.left_over > 0) return 2;
    return options_.exit_code && remaining > 0 ? 1 : 0;
  }

  // The comparison is whole, whatever became of the repair.
  [[nodiscard]] bool compared() const { return compared_; }
  [[nodiscard]] std::uint64_t repaired() const { return counts_.repaired; }

  void print(const char* event, const item::Key& key) const {
    print_event(console_, options_.json, event, key);
  }

 private:
  [[nodiscard]] int finish_backfill() const {
    const flow::CompareProgress& progress = context_.progress;
    console_.say(backfill_summary(progress, counts_, options_.repair, elapsed(), plan_.part));
    if (options_.json)
      console_.out(backfill_as_json(progress, counts_, options_.repair, elapsed(), plan_.part));
    return counts_.not_repaired + counts_.unsettled + counts_.left_over > 0 ? 2 : 0;
  }
  // As the items are: of all runs.
  [[nodiscard]] double elapsed() const {
    return seconds_before_ + base::seconds(doors_.clock.now() - begun_);
  }

  async::Doors& doors_;
  const DiffOptions& options_;
  const Console& console_;
  const DiffPlan& plan_;
  BatchTable primary_;
  BatchTable replica_;
  flow::CompareContext context_;
  Instant begun_;
  double seconds_before_ = 0;         // of the runs that this one goes on from
  std::uint64_t settled_before_ = 0;  // leftovers that they have settled
  DiffCounts counts_;
  std::optional<DiffRepair> repair_;
  bool compared_ = false;
};

// By place and ARN, as the journal's name (app/state.h): a table made anew is another only where
// the service tells.
std::string identity_of(const Pair& pair) {
  std::string text = pair_name(pair);
  for (const std::string* id : {&pair.primary_table.id, &pair.replica_table.id}) {
    if (!id->empty()) text += " " + *id;
  }
  return text;
}

// The options that must be the same when a run goes on from another. A comparison may be gone on
// from with --repair: what was found by then is told, and so repaired, again. A backfill has
// nothing but its place: what a run without --repair has passed, nobody has written.
std::string fingerprint(const DiffOptions& options, const DiffPlan& plan) {
  std::string text = options.backfill ? "backfill" : "diff";
  if (options.backfill) text += options.repair ? " --repair" : " without --repair";
  // By its number: `auto` is another segment in each job.
  if (!options.segment.empty()) {
    text += " --segment " + std::to_string(plan.settings.chosen.front()) + " --segments " +
            std::to_string(options.segments);
  }
  if (options.sample < 1) text += " --sample " + std::to_string(options.sample);
  std::vector<std::string> ignored = options.ignore;
  std::sort(ignored.begin(), ignored.end());
  for (const std::string& name : ignored) text += " --ignore " + name;
  return text + " --ttl " + options.ttl;
}

// The tables are cut as they were cut when the first run began.
void go_on(DiffPlan& plan, const core::CompareState& from) {
  plan.settings.segments = from.segments;
  plan.settings.chosen = from.chosen;
  plan.settings.whole = from.chosen.size() == static_cast<std::size_t>(from.segments);
}

std::string interrupted_text(const DiffOptions& options, bool compared, std::uint64_t written) {
  std::string text;
  if (options.repair) {
    text += (options.backfill ? "; written: " : "; repaired: ") + with_commas(written) + " items";
  }
  if (!options.resume.empty()) return text + "; the same command goes on from " + options.resume;
  if (compared) return text + "; the repair is incomplete";
  return text +
         (options.backfill ? "; the backfill is incomplete" : "; the comparison is incomplete");
}

int failed(const Console& console, const Failure& failure) {
  console.say("diff-tables: " + to_text(failure));
  return 2;
}

}  // namespace

void print_event(const Console& console, bool json, const char* event, const item::Key& key) {
  const std::string plain = item::to_plain(key);
  console.out(json ? R"({"event":")" + std::string(event) + R"(","key":)" + plain + "}"
                   : "[" + std::string(event) + "] " + plain);
}

async::Task<int> diff_tables(async::Doors& doors, DiffOptions options, const Console& console,
                             async::Gate& stop) {
  if (auto sound = check_options(options); !sound) co_return failed(console, sound.error());
  Result<Pair> pair = co_await open_pair(doors, options.pair);
  if (!pair) co_return failed(console, pair.error());
  Result<DiffPlan> plan = co_await plan_diff(doors, options, *pair);
  if (!plan) co_return failed(console, plan.error());
  if (console.redraw && plan->expected_units > kLongRunUnits)
    console.say("this will take " + price_text(plan->expected_units));
  if (options.repair) warn_beside_fenced(doors.log, *pair, plan->neighbour);
  if (stop.is_open()) co_return 130;

  std::optional<ResumeFile> file;
  flow::Resuming resuming;
  if (!options.resume.empty()) {
    file.emplace(doors, options.resume, identity_of(*pair), fingerprint(options, *plan));
    Result<std::optional<core::CompareState>> left = file->open();
    if (!left) co_return failed(console, left.error());
    resuming = {&*file, file->spill(), std::move(*left)};
    if (resuming.from) {
      go_on(*plan, *resuming.from);
      console.say("going on from " + options.resume);
    }
  }
  DiffRun run(doors, options, console, stop, *pair, *plan, std::move(resuming));
  std::optional<Result<void>> result;
  async::Gate over(doors.loop);
  {
    async::Scope scope(doors.loop);
    scope.spawn(
        [](DiffRun& of, std::optional<Result<void>>& out, async::Gate& gate) -> async::Task<void> {
          Result<void> ended = co_await of.run();
          out.emplace(std::move(ended));
          gate.open();
        }(run, result, over));
    scope.spawn(run.show_progress());
    scope.spawn([](async::Loop& loop, async::Clock& clock, async::Gate& asked, async::Gate& gate,
                   const Console& shown) -> async::Task<void> {
      co_await asked.wait();
      const bool gone = shown.unwritten && shown.unwritten();
      if (!gone) shown.say("diff-tables: stopping; a second signal stops at once");
      co_await loop.sleep_until(clock.now() + kGrace);
      gate.open();
    }(doors.loop, doors.clock, stop, over, console));
    co_await over.wait();
  }
  const bool ended = result && *result;
  // A repair that was refused, or broke off: what was found is told all the same.
  const int status = ended || run.compared() ? run.finish() : 2;
  if (const auto unwritten = console.unwritten ? console.unwritten() : std::nullopt) {
    // With --resume nothing is lost: what was found is told again by the run that goes on.
    Failure failure = *unwritten;
    if (file) failure.hint = "The same command goes on from " + options.resume + ".";
    co_return failed(console, failure);
  }
  if (ended) {
    if (!file || status == 2) co_return status;
    Result<void> removed = file->remove();
    if (!removed) co_return failed(console, removed.error());
    co_return status;
  }
  if (stop.is_open()) {
    console.say("diff-tables: interrupted" +
                interrupted_text(options, run.compared(), run.repaired()));
    co_return 130;
  }
  co_return failed(console, result->error());
}

}  // namespace dynamodb_replicator::app

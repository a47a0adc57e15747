// dynamodb-replicator diff-tables PRIMARY REPLICA, also installed as diff-tables
#include <iostream>

#include "app/diff.h"
#include "cli/command.h"
#include "cli/pair_options.h"
#include "core/scan_plan.h"
#include "os/run.h"
#include "os/terminal.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kDiffTablesPurpose =
    "Compares two tables item by item and prints the keys that differ; with --repair it makes the\n"
    "replica equal to the primary. Each table is scanned once; what seems to differ is read "
    "again,\n"
    "consistently, on both sides before it counts. It may run beside a replicator and live "
    "writers.\n\n"
    "On standard output, one line a key:\n"
    "  [missing] KEY     the primary alone has the item\n"
    "  [different] KEY   both have it, with different content\n"
    "  [extraneous] KEY  the replica alone has it\n"
    "  [changing] KEY    it did not hold still; counts as a difference that remains\n"
    "  [repaired] KEY    with --repair, after one of the above\n"
    "KEY is plain JSON and can be pasted into diff-record and replicate-record. Progress and the\n"
    "summary go to standard error; its last line is [discrepancies] N. --backfill prints no keys, "
    "only\nhow many items it wrote.\n\n";

constexpr const char* kDiffTablesExamples =
    "Examples:\n"
    "  diff-tables us-east-1/orders eu-west-1/orders\n"
    "  diff-tables us-east-1/orders eu-west-1/orders --repair --read-units 500\n"
    "  diff-tables 127.0.0.1:8000/orders 127.0.0.1:8000/copy --settle 0 --exit-code --json\n"
    "  diff-tables us-east-1/orders eu-west-1/orders --segment 3 --segments 16\n\n"
    "Exit status: 0 done; 1 differences remain (only with --exit-code); 2 failed or incomplete;\n"
    "130 interrupted.\n";

// Standard output for results, standard error for people; on a terminal one line of it redraws.
class Screen {
 public:
  // Opens `stop` when results can no longer be written: what nobody gets is not looked for.
  Screen(bool json, async::Gate& stop) : stop_(stop) {
    const bool shown = os::is_terminal(os::Standard::error);
    console_.out = [this](const std::string& line) {
      wipe();
      if (unwritten_) return;
      Result<void> printed = os::print(line + "\n");
      if (printed) return;
      unwritten_ = std::move(printed).error();
      stop_.open();
    };
    console_.unwritten = [this] { return unwritten_; };
    console_.say = [this](const std::string& line) {
      wipe();
      std::cerr << line << "\n";
    };
    if (shown) {
      console_.redraw = [this](const std::string& line) {
        const std::size_t wide = os::columns();  // what wraps cannot be drawn over
        std::cerr << "\r\x1b[K" << line.substr(0, wide > 1 ? wide - 1 : line.npos) << std::flush;
        drawn_ = true;
      };
    }
    if (shown && os::is_terminal(os::Standard::input) && !json) {
      console_.ask = [this](const std::string& question) {
        wipe();
        std::cerr << question << " [y/N] " << std::flush;
        std::string answer;
        return os::read_line(answer) && (answer == "y" || answer == "Y" || answer == "yes");
      };
    }
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() = default;
  [[nodiscard]] const app::Console& console() const { return console_; }

 private:
  void wipe() {
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }
  async::Gate& stop_;
  app::Console console_;
  std::optional<Failure> unwritten_;
  bool drawn_ = false;
};

// What is wrong with the text, for CLI11; empty: nothing.
std::string ceiling_problem(const std::string& text) {
  double value = 0;
  if (CLI::detail::lexical_cast(text, value) && value > 0) return {};
  return "UNITS must be more than 0, such as 500; left out, there is no ceiling";
}

std::string fraction_problem(const std::string& text) {
  double value = 0;
  if (CLI::detail::lexical_cast(text, value) && value > 0 && value <= 1) return {};
  return "FRACTION must be more than 0 and at most 1, such as 0.1";
}

void declare(CLI::App& app, app::DiffOptions& options, std::optional<double>& settle) {
  add_pair(app, options.pair);
  app.add_flag("--repair", options.repair,
               "make the replica equal to the primary for every difference (without it: only "
               "report)");
  app.add_option("--segment", options.segment,
                 "compare one segment of a parallel scan, counted from 0; auto takes it from "
                 "AWS_BATCH_JOB_ARRAY_INDEX or JOB_COMPLETION_INDEX");
  app.add_option("--segments", options.segments, "of so many segments")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--backfill", options.backfill,
               "compare nothing: only scan the primary and write to the replica; with --repair it "
               "writes, without it says what it would write");
  app.add_flag("--json", options.json, "one JSON object a line; the last is the summary");
  app.add_flag("--exit-code", options.exit_code, "exit 1 if differences remain (else 0)");
  app.add_option("--concurrency", options.concurrency,
                 "segments scanned at once (from the table's size and the latency seen)")
      ->check(CLI::Range(1U, core::kScanConcurrencyAskedMax));
  app.add_option("--settle", settle,
                 "seconds that a difference must last to count (the lag known from the lease "
                 "table, at least 5); 0: two consistent reads, no wait")
      ->check(CLI::Range(0.0, 86'400.0));
  app.add_flag("--consistent", options.consistent,
               "consistent scans at twice the read units (differences are read again consistently "
               "either way)");
  app.add_option("--ignore", options.ignore,
                 "leave this attribute out of the comparison and keep the replica's own; "
                 "repeatable; aws:rep:* always is")
      ->allow_extra_args(false);
  app.add_option("--ttl", options.ttl,
                 "items whose TTL has passed do not count (ignore) or count (compare)")
      ->capture_default_str();
  app.add_option("--resume", options.resume,
                 "keep progress in this file (and FILE.window) and go on from it; removed at the "
                 "end")
      ->type_name("FILE");
  app.add_option("--read-units", options.read_units,
                 "ceiling in read capacity units a second, both tables together (none)")
      ->check(CLI::Validator(ceiling_problem, "UNITS"));
  app.add_option("--write-units", options.write_units,
                 "ceiling in write capacity units a second (none)")
      ->check(CLI::Validator(ceiling_problem, "UNITS"));
  app.add_option("--sample", options.sample, "compare only this fraction of the segments")
      ->check(CLI::Validator(fraction_problem, "FRACTION"));
  app.add_flag("--yes", options.yes,
               "do not ask. Without it, deleting more than 100 items and 10 % of the replica, or "
               "repairing from an empty primary, is asked on a terminal and refused elsewhere");
  app.add_option(
      "--leases", options.pair.leases,
      "lease table of the replicator of this pair, if one runs: its lag, and whether it is fenced, "
      "are known by no other sign (<replica table>-leases)");
  app.add_option("--state", options.state,
                 "directory of local state ($XDG_STATE_HOME/dynamodb-replicator)");
  add_profiles(app, options.pair);
}

}  // namespace

int diff_tables(const std::string& name, Arguments arguments) {
  app::DiffOptions options;
  std::optional<double> settle;
  Command command(name, std::string(kDiffTablesPurpose) + kLocations, kDiffTablesExamples);
  declare(command.app(), options, settle);
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  options.settle = settle;
  os::Outside outside(command.log_form(), command.log_level());
  async::Gate stop(outside.doors().loop);
  const Screen screen(options.json, stop);
  return outside.run(app::diff_tables(outside.doors(), options, screen.console(), stop),
                     [&] { stop.open(); });
}

}  // namespace dynamodb_replicator::cli

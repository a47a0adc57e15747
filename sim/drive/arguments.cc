#include "sim/drive/arguments.h"

#include <charconv>
#include <functional>
#include <map>
#include <set>

#include "sim/drive/crew.h"

namespace dynamodb_replicator::sim {

const char* const kHelp =
    R"(simulate: runs the replicator in simulated worlds and looks for a broken promise.

A seed is a whole run: the tables, the stream, the application, the workers and everything that goes
wrong are drawn from it. The same seed and the same program make the same run.

  simulate --first-seed N --seeds K   a range of seeds; ends with "K passed, 0 failed". From 100 seeds on
                                      a canary must fail, from 500 on every kind of fault, invariant and
                                      mark must have happened
  simulate --seed N [--trace]         one seed; ends with "trace HEX", the identity of the run
  simulate --seed N --shrink          switches kinds of faults off one by one while the run still fails,
                                      and prints the smallest command that repeats the failure
  simulate --mutants [--trials T]     plants each known bug into the program and counts the seeds until it
                                      is found, at most --seeds (300); ends with "mutants K/K"
  simulate --regressions FILE         seeds that found something once; see tests/regress/seeds.txt
  simulate --list                     kinds of faults, invariants, marks and planted bugs

  --scene pair       diff-tables over a pair of tables (--repair, --backfill, --resume), alone or beside
                     a replicator; default: replicate
  --mutant NAME      with this bug planted: one run with --seed, else a search as by --mutants
  --kinds-off A,B    without these kinds of faults ("all": none strikes)
  --kinds-on A,B     with these kinds only
  --kinds            lists the kinds
  --calm             nothing is even scheduled to go wrong
  --canary           at the end the world itself changes the replica: such a run has to fail
  --jobs J           processes at once (default: one for each processor)
  --first-seed N     where --mutants and --mutant begin (default 1)

Examples:
  simulate --first-seed 1 --seeds 500
  simulate --scene pair --first-seed 1 --seeds 200
  simulate --seed 4711 --trace | less
  simulate --seed 12 --mutant no-verify --shrink
)";

namespace {

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Walks the options; each is known by name, with or without a value.
class Parser {
 public:
  explicit Parser(std::string& why) : why_(why) {
    number("--seed", out_.plan.seed);
    number("--first-seed", out_.plan.seed);
    number("--seeds", out_.seeds);
    number("--trials", out_.trials);
    number("--jobs", jobs_);
    flag("--trace", out_.plan.show);
    flag("--calm", out_.plan.calm);
    flag("--canary", out_.plan.tamper);
    flag("--shrink", out_.shrink);
    for (const char* name : {"--mutants", "--list", "--kinds", "--help", "-h"})
      flags_[name] = nullptr;
    values_["--kinds-off"] = [this](std::string_view list) { return kinds(list, false); };
    values_["--kinds-on"] = [this](std::string_view list) { return kinds(list, true); };
    values_["--mutant"] = [this](std::string_view name) {
      const auto bug = bug_named(name);
      if (!bug) return fail("no planted bug is called " + std::string(name) + "; see --list");
      out_.plan.bug = *bug;
      return true;
    };
    values_["--scene"] = [this](std::string_view name) {
      if (name != "pair" && name != "replicate")
        return fail("--scene " + std::string(name) + " is neither replicate nor pair");
      out_.plan.kind = name == "pair" ? Kind::pair : Kind::replicate;
      return true;
    };
    values_["--regressions"] = [this](std::string_view file) {
      out_.file = file;
      return true;
    };
  }

  std::optional<Arguments> parse(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string name = argv[i];
      if (const auto found = flags_.find(name); found != flags_.end()) {
        if (found->second != nullptr) *found->second = true;
      } else if (const auto value = values_.find(name); value == values_.end()) {
        fail("there is no option " + name);
        return std::nullopt;
      } else if (i + 1 == argc) {
        fail(name + " needs a value");
        return std::nullopt;
      } else if (!value->second(argv[++i])) {
        return std::nullopt;
      }
      seen_.insert(name);
    }
    if (!decide()) return std::nullopt;
    return out_;
  }

 private:
  void flag(const char* name, bool& value) { flags_[name] = &value; }
  void number(const std::string& name, std::uint64_t& value) {
    values_[name] = [this, name, &value](std::string_view text) {
      const auto number = to_number(text);
      if (!number) return fail(name + " needs a number, not " + std::string(text));
      value = *number;
      return true;
    };
  }
  bool kinds(std::string_view list, bool only) {
    std::string bad;
    const auto named = kinds_named(list, bad);
    if (!named) return fail("no kind of fault is called \"" + bad + "\"; see --kinds");
    out_.plan.off |= only ? ~*named : *named;
    return true;
  }
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }
  [[nodiscard]] bool seen(const char* name) const { return seen_.contains(name); }

  // What all of it asks for.
  bool decide() {
    using Command = Arguments::Command;
    if (out_.plan.bug != base::Bug::none && !seen("--scene"))
      out_.plan.kind = kind_of(out_.plan.bug);
    const bool range = seen("--first-seed") || seen("--seeds");
    if (seen("--help") || seen("-h") || seen_.empty()) {
      out_.command = Command::help;
    } else if (seen("--list") || seen("--kinds")) {
      out_.command = Command::list;
    } else if (seen("--regressions")) {
      out_.command = Command::regressions;
    } else if (seen("--seed") && (range || seen("--mutants"))) {
      return fail("--seed is one run; a range begins with --first-seed");
    } else if (seen("--seed")) {
      out_.command = Command::one;
    } else if (seen("--mutants") || seen("--mutant")) {
      out_.command = Command::mutants;
      if (!seen("--seeds")) out_.seeds = 300;
    } else if (range) {
      out_.command = Command::range;
    } else {
      return fail("which seed? --seed N, or --first-seed N --seeds K");
    }
    if ((out_.plan.show || out_.shrink) && out_.command != Command::one)
      return fail("--trace and --shrink are for one seed: --seed N");
    if (out_.seeds == 0 || out_.trials == 0) return fail("--seeds and --trials begin at 1");
    if (seen("--jobs") && jobs_ == 0) return fail("--jobs begins at 1");
    out_.jobs = jobs_ == 0 ? processors() : static_cast<unsigned>(jobs_);
    out_.kinds_alone = seen("--kinds");
    return true;
  }

  std::string& why_;
  Arguments out_;
  std::uint64_t jobs_ = 0;
  std::map<std::string, bool*> flags_;
  std::map<std::string, std::function<bool(std::string_view)>> values_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

std::optional<Arguments> parse(int argc, char** argv, std::string& why) {
  return Parser(why).parse(argc, argv);
}

}  // namespace dynamodb_replicator::sim

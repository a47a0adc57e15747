#include "sim/drive/bugs.h"

#include <algorithm>

namespace dynamodb_replicator::sim {
namespace {

struct Named {
  std::string_view name;
  std::string_view sentence;
  bool rare = false;
  Kind kind = Kind::replicate;
  std::string_view only_kinds{};
};

constexpr std::array<Named, base::kBugs> kBugs{{
    {"none", "the program as it is"},
    {"checkpoint-before-apply", "what has been read counts as applied"},
    {"late-arrivals-credited", "a record that comes during a write counts as covered by it"},
    {"shard-ends-early", "a shard read to its end is finished before its last writes are"},
    {"junk-not-buried", "a record set aside counts before it is in a dead letter"},
    {"unprocessed-items-dropped", "UnprocessedItems count as written"},
    {"unprocessed-keys-absent", "UnprocessedKeys count as absent, and absence deletes"},
    {"absence-by-text", "answered keys are compared by their spelling, and absence deletes"},
    {"keys-by-text", "1 and 1.0 are two keys"},
    {"stale-reads", "the primary is read eventually consistently"},
    {"checksum-ignored", "an answer is believed whatever its CRC-32 says"},
    {"no-turns", "several operations are in flight for one key"},
    {"no-verify", "the primary is not read again where a key may lie on two shards"},
    {"no-doubt-after-timeout", "a write whose outcome is unknown counts as failed"},
    {"doubt-not-awaited", "a checkpoint passes keys that are still in doubt"},
    {"doubt-ends-at-next-write", "a later write ends the doubt, however early it comes"},
    {"recheck-trusts-replica", "after a doubt both sides count as equal"},
    {"takeover-trusted", "a former owner's writes are not reckoned with"},
    {"free-row-trusted", "a row without an owner is trusted to be clean"},
    {"released-as-clean", "a row is given back as clean although keys are in doubt"},
    {"doubt-of-free-row-short", "doubt about a row given back leaves out deadlines to come", false,
     Kind::replicate, "parting_write"},
    {"gap-ends-doubt", "a shard with a gap is finished before a former owner's writes have landed",
     true},
    {"writes-after-release", "writes are issued for a row that is given back"},
    {"writes-past-lease", "writes are issued, and may last, past the lease"},
    {"lease-from-answer", "a lease is counted from the answer of its renewal"},
    {"lease-by-wall-clock", "a rival's lease is measured by a clock that can be set"},
    {"own-write-not-recognised", "a renewal whose answer was lost counts as a lost lease"},
    {"own-row-forgotten", "a row with our own name is left until it has expired"},
    {"lost-lease-ignored", "a renewal that fails counts as done, however late it is"},
    {"bump-left-out", "fenced: an attempt of unknown outcome is not ended before the next"},
    {"fence-lets-older", "fenced: a check passes for older generations too"},
    {"child-before-parent", "a child shard is read before its parent is finished"},
    {"hidden-parent-gone", "a parent that a lagging listing hides counts as gone"},
    {"latest-after-expiry", "an expired iterator is replaced by one at the end"},
    {"gap-silent", "trimmed records are passed over without a word"},
    {"retention-silent", "what Kinesis drops by itself is not noticed"},
    {"page-has-no-time", "a checkpoint in the middle of a page has no time"},
    {"stop-waits-for-calls", "a stop waits for services that do not answer"},
    {"stop-waits-at-start", "a stop waits for a call that is made before a stream is followed"},
    {"clock-not-corrected", "requests are signed by a clock that is minutes wrong"},
    {"repair-reads-stale", "what is read alone is read eventually consistently", false, Kind::pair},
    {"deletes-at-one-look", "the primary is not read again before a delete", false, Kind::pair},
    {"no-look-after-write", "a repair does not read the primary after its write", false,
     Kind::pair},
    {"no-look-after-copy", "a backfill does not read the primary after its write", false,
     Kind::pair},
    {"backfill-drops-items", "UnprocessedItems of a backfill count as written", false, Kind::pair},
    {"compares-by-text", "1 and 1.0 are two keys of a comparison", false, Kind::pair},
    {"resumes-without-window", "what the interrupted scan had seen is forgotten", false,
     Kind::pair},
    {"settles-at-one-look", "a difference counts at once", false, Kind::pair},
    {"looks-at-primary-first", "a comparison reads the primary before the replica", true,
     Kind::pair},
}};

constexpr std::array<std::string_view, base::kMarks> kMarks{
    "iterator reopened",
    "gap noted",
    "junk refused",
    "parent hidden by a listing",
    "takeover in doubt",
    "own row taken back",
    "forsaken row taken",
    "own write recognised",
    "lease lost to another",
    "lease ran out",
    "released in doubt",
    "not released: in flight",
    "write held back by the lease",
    "unprocessed item retried",
    "batch halved by a timeout",
    "batch split: refused as one",
    "key refused for good",
    "recheck found equal",
    "recheck repaired",
    "verify repeated",
    "verify passed on",
    "records coalesced",
    "attempt ended by a bump",
    "refused by the fence",
    "checksum broken",
    "clock corrected",
    "step broken off by a stop",
};

}  // namespace

std::string_view name_of(base::Bug bug) { return kBugs[static_cast<std::size_t>(bug)].name; }
std::string_view name_of(base::Mark mark) { return kMarks[static_cast<std::size_t>(mark)]; }
std::string_view sentence_of(base::Bug bug) {
  return kBugs[static_cast<std::size_t>(bug)].sentence;
}

Kind kind_of(base::Bug bug) { return kBugs[static_cast<std::size_t>(bug)].kind; }

bool is_rare(base::Bug bug) { return kBugs[static_cast<std::size_t>(bug)].rare; }

std::string_view only_kinds_of(base::Bug bug) {
  return kBugs[static_cast<std::size_t>(bug)].only_kinds;
}

std::optional<base::Bug> bug_named(std::string_view name) {
  const auto found = std::find_if(kBugs.begin(), kBugs.end(),
                                  [name](const Named& named) { return named.name == name; });
  if (found == kBugs.end()) return std::nullopt;
  return static_cast<base::Bug>(found - kBugs.begin());
}

}  // namespace dynamodb_replicator::sim

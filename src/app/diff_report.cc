#include "app/diff_report.h"

#include <cmath>
#include <cstdio>

#include "base/bytes.h"

namespace dynamodb_replicator::app {
namespace {

std::string units_text(double units) {
  char text[32];
  std::snprintf(text, sizeof text, units < 100 ? "%.1f" : "%.0f", units);
  return text;
}

std::string time_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds));
  char text[48];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

// Of both sides, the scan's and the repair's.
double read_units_of(const flow::CompareProgress& progress, const DiffCounts& counts, int side) {
  const auto i = static_cast<std::size_t>(side);
  return progress.units[i] + counts.read_units[i];
}
double read_units_of(const flow::CompareProgress& progress, const DiffCounts& counts) {
  return read_units_of(progress, counts, 0) + read_units_of(progress, counts, 1);
}

}  // namespace

const char* name_of(flow::Finding finding) {
  switch (finding) {
    case flow::Finding::missing:
      return "missing";
    case flow::Finding::different:
      return "different";
    case flow::Finding::extraneous:
      return "extraneous";
    case flow::Finding::changing:
      break;
  }
  return "changing";
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string progress_line(const flow::CompareProgress& progress, const DiffCounts& counts,
                          const DiffTimes& times, double expected) {
  const auto& scanned = progress.tally.scanned;
  const double units = read_units_of(progress, counts);
  const std::string items = "primary " + with_commas(scanned[0]) + " items, replica " +
                            with_commas(scanned[1]) + " items";
  if (progress.phase == flow::CompareProgress::Phase::settle) {
    const flow::Outcomes& outcomes = progress.outcomes;
    const std::uint64_t done = outcomes.ended();
    // A key that differs was scanned on one side or on both: at least so many are left over.
    const std::uint64_t all =
        std::max(progress.candidates, std::max(scanned[0], scanned[1]) - progress.tally.equal);
    const auto now = static_cast<double>(done - std::min(done, times.settled_before));
    const double rate = times.settling > 0 ? now / times.settling : 0;
    const double left = rate > 0 ? static_cast<double>(all - std::min(done, all)) / rate : 0;
    const std::uint64_t handled =
        counts.repaired + counts.in_line + counts.unsettled + counts.not_repaired;
    std::string repairs;
    if (counts.wanted > 0) {
      repairs = with_commas(std::min(handled, counts.wanted)) + " of " +
                with_commas(counts.wanted) + " repaired, ";
    }
    std::string when = rate > 0 ? time_text(left) + " left" : "time left unknown";
    if (done >= all && handled < counts.wanted) when = "repairing";  // no time of reading is left
    return items + ", " + with_commas(done) + " of " + with_commas(all) +
           " candidates read again, " + with_commas(outcomes.differences()) +
           " differences so far, " + repairs + when + ", " + units_text(units) + " units";
  }
  const auto both = static_cast<double>(scanned[0] + scanned[1]);
  const double rate = times.elapsed > 0 ? both / times.elapsed : 0;
  std::string left = "time left unknown";
  if (expected > 0 && rate > 0) left = time_text((expected - both) / rate) + " left";
  return items + ", " + with_commas(static_cast<std::uint64_t>(rate)) + " items/s, " + left + ", " +
         units_text(units) + " units";
}

std::string summary(const flow::CompareProgress& progress, const DiffCounts& counts, bool repair,
                    double elapsed, const std::string& part) {
  const flow::Outcomes& outcomes = progress.outcomes;
  const core::Tally& tally = progress.tally;
  const double rate =
      elapsed > 0 ? static_cast<double>(tally.scanned[0] + tally.scanned[1]) / elapsed : 0;
  std::string text = "scanned     primary " + with_commas(tally.scanned[0]) + " items, replica " +
                     with_commas(tally.scanned[1]) + " items, in " + time_text(elapsed) + " (" +
                     with_commas(static_cast<std::uint64_t>(rate)) + " items/s)\n";
  text += "consumed    primary " + units_text(read_units_of(progress, counts, 0)) + ", replica " +
          units_text(read_units_of(progress, counts, 1)) + " read units";
  if (repair) text += ", " + units_text(counts.write_units) + " write units";
  text += "\n";
  text += "equal       " + with_commas(tally.equal) + "\n";
  text += "differ      ";
  for (std::size_t i = 0; i < flow::kFindings; ++i) {
    text += (i > 0 ? ", " : "") + with_commas(outcomes.found[i]) + " " +
            name_of(static_cast<flow::Finding>(i));
  }
  text += "\n";
  const auto line = [&text](const char* name, std::uint64_t number, const char* why) {
    if (number > 0) text += std::string(name) + with_commas(number) + " " + why + "\n";
  };
  line("settled     ", outcomes.settled, "(equal when they were read again)");
  line("expired     ", outcomes.expired, "(their TTL has passed; they do not count)");
  line("elsewhere   ", outcomes.elsewhere, "(in another segment of the primary, whose run tells)");
  line("moved       ", tally.again[0] + tally.again[1], "(shown twice by a scan)");
  if (repair) {
    text += "repaired    " + with_commas(counts.repaired) + ", " +
            with_commas(counts.remaining(outcomes)) + " remain\n";
    line("left over   ", counts.left_over,
         "(written by an interrupted run; the next one tries again)");
  }
  return text + "[discrepancies] " + std::to_string(outcomes.differences()) +
         (part.empty() ? "" : " in " + part);
}

std::string summary_as_json(const flow::CompareProgress& progress, const DiffCounts& counts,
                            double elapsed, const std::string& part) {
  const flow::Outcomes& outcomes = progress.outcomes;
  std::string out = R"({"event":"summary")";
  const auto field = [&out](const char* name, const std::string& value) {
    out += ",\"" + std::string(name) + "\":" + value;
  };
  field("discrepancies", std::to_string(outcomes.differences()));
  for (std::size_t i = 0; i < flow::kFindings; ++i)
    field(name_of(static_cast<flow::Finding>(i)), std::to_string(outcomes.found[i]));
  field("repaired", std::to_string(counts.repaired));
  field("remaining", std::to_string(counts.remaining(outcomes)));
  field("left_over", std::to_string(counts.left_over));
  field("scanned_primary", std::to_string(progress.tally.scanned[0]));
  field("scanned_replica", std::to_string(progress.tally.scanned[1]));
  field("equal", std::to_string(progress.tally.equal));
  field("settled", std::to_string(outcomes.settled));
  field("expired", std::to_string(outcomes.expired));
  field("elsewhere", std::to_string(outcomes.elsewhere));
  field("read_units", units_text(read_units_of(progress, counts)));
  field("write_units", units_text(counts.write_units));
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", elapsed);
  field("seconds", seconds);
  field("part", part.empty() ? "null" : base::to_json_string(part));
  return out + "}";
}

std::string backfill_summary(const flow::CompareProgress& progress, const DiffCounts& counts,
                             bool wrote, double elapsed, const std::string& part) {
  const std::uint64_t items = progress.tally.scanned[0];
  const std::string of = part.empty() ? "" : ", of " + part;
  std::string text = "consumed    " + units_text(read_units_of(progress, counts)) +
                     " read units, " + units_text(counts.write_units) + " write units, in " +
                     time_text(elapsed) + "\n";
  if (progress.outcomes.expired > 0)
    text += "expired     " + with_commas(progress.outcomes.expired) + " (not copied)\n";
  if (counts.left_over > 0) {
    text += "left over   " + with_commas(counts.left_over) +
            " (written by an interrupted run; the next one tries again)\n";
  }
  if (!wrote) {
    return text + "[backfill] would write " + std::to_string(items) + " items" + of +
           "; with --repair it writes them";
  }
  const std::uint64_t left = counts.not_repaired + counts.unsettled;
  if (counts.in_line > 0) {
    text += "equal       " + with_commas(counts.in_line) + " (already, and not written)\n";
  }
  return text + "[backfill] " + std::to_string(items - left) + " items" + of +
         (left > 0 ? ", " + std::to_string(left) + " could not be brought in line" : "");
}

std::string backfill_as_json(const flow::CompareProgress& progress, const DiffCounts& counts,
                             bool wrote, double elapsed, const std::string& part) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", elapsed);
  const std::uint64_t would = wrote ? 0 : progress.tally.scanned[0];
  return R"({"event":"summary","scanned_primary":)" + std::to_string(progress.tally.scanned[0]) +
         ",\"would_write\":" + std::to_string(would) +
         ",\"written\":" + std::to_string(counts.repaired) +
         ",\"already_equal\":" + std::to_string(counts.in_line) +
         ",\"failed\":" + std::to_string(counts.not_repaired + counts.unsettled) +
         ",\"left_over\":" + std::to_string(counts.left_over) +
         ",\"expired\":" + std::to_string(progress.outcomes.expired) +
         ",\"read_units\":" + units_text(read_units_of(progress, counts)) +
         ",\"write_units\":" + units_text(counts.write_units) + ",\"seconds\":" + seconds +
         ",\"part\":" + (part.empty() ? "null" : base::to_json_string(part)) + "}";
}

}  // namespace dynamodb_replicator::app

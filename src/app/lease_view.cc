#include "app/lease_view.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "app/lease_table.h"
#include "app/preflight.h"
#include "aws/moments.h"
#include "base/bytes.h"

namespace dynamodb_replicator::app {
namespace {

std::string state_of(const core::ShardRow& row) {
  if (row.finished) return "finished";
  if (row.owner.empty()) return row.checkpoint.empty() ? "waiting" : "free";
  return "read";
}

std::string behind_text(const core::ShardRow& row, WallTime now) {
  if (row.finished) return "-";
  if (!row.read_through) return "unknown";
  const double age = std::max(0.0, base::seconds(now - *row.read_through));
  char text[32];
  std::snprintf(text, sizeof text, "%.0f s", age);
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
  return out.empty() ? "-" : out;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

async::Task<Result<std::vector<core::ShardRow>>> read_leases(async::Doors& doors,
                                                             std::string location,
                                                             std::string profile) {
  Result<aws::Location> where = aws::parse_table(location);
  if (!where) co_return std::move(where).error();
  Result<Side> side = connect(doors, "lease table", *where, aws::Service::dynamodb, profile);
  if (!side) co_return std::move(side).error();
  const std::unique_ptr<aws::Client> client = make_client(doors, *side, aws::Service::dynamodb);
  LeaseTable table(doors, *client, side->location.name);
  const Instant give_up = doors.clock.now() + kPreflightFor;
  Result<void> ours = co_await table.look(give_up);
  if (!ours) co_return std::move(ours).error();
  Result<std::vector<core::ShardRow>> rows = co_await persist<std::vector<core::ShardRow>>(
      doors, give_up, [&](Instant deadline) { return table.all(deadline); });
  if (!rows) co_return std::move(rows).error();
  std::sort(rows->begin(), rows->end(), [](const core::ShardRow& a, const core::ShardRow& b) {
    return std::tie(a.stream, a.shard) < std::tie(b.stream, b.shard);
  });
  co_return rows;
}

std::string leases_as_table(const std::vector<core::ShardRow>& rows, WallTime now) {
  std::vector<std::array<std::string, 5>> lines = {
      {"SHARD", "STATE", "BEHIND", "OWNER", "CHECKPOINT"}};
  std::string stream;
  std::string out;
  std::array<std::size_t, 5> width{};
  for (const core::ShardRow& row : rows) {
    lines.push_back({row.shard, state_of(row), behind_text(row, now), or_dash(row.owner),
                     or_dash(row.checkpoint)});
  }
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], line[i].size());
  }
  for (std::size_t n = 0; n < lines.size(); ++n) {
    if (n > 0 && rows[n - 1].stream != stream) {
      stream = rows[n - 1].stream;
      out += stream + "\n";
    }
    for (std::size_t i = 0; i < 5; ++i) {
      out += lines[n][i];
      if (i < 4) out += std::string(width[i] - lines[n][i].size() + 2, ' ');
    }
    out += "\n";
  }
  if (rows.empty()) return "No shard yet: no replicator has listed the stream's shards.\n";
  return out;
}

std::string leases_as_json(const std::vector<core::ShardRow>& rows, WallTime now) {
  std::string out;
  const auto field = [&out](const char* name, const std::string& value) {
    out += (out.ends_with('{') ? "" : ",") + base::to_json_string(name) + ":" + value;
  };
  const auto text = [](const std::string& value) {
    return value.empty() ? std::string("null") : base::to_json_string(value);
  };
  for (const core::ShardRow& row : rows) {
    out += "{";
    field("stream", text(row.stream));
    field("shard", text(row.shard));
    field("state", text(state_of(row)));
    field("owner", text(row.owner));
    field("checkpoint", text(row.checkpoint));
    field("finished", row.finished ? "true" : "false");
    field("clean", row.clean ? "true" : "false");
    std::string behind = "null";
    if (row.read_through && !row.finished) {
      char number[32];
      std::snprintf(number, sizeof number, "%.3f",
                    std::max(0.0, base::seconds(now - *row.read_through)));
      behind = number;
    }
    field("behind_seconds", behind);
    std::string parents = "[";
    for (const std::string& parent : row.parents) {
      parents += (parents.size() > 1 ? "," : "") + base::to_json_string(parent);
    }
    field("parents", parents + "]");
    out += "}\n";
  }
  return out;
}

std::string lease_in_full(const std::vector<core::ShardRow>& rows, WallTime now) {
  std::string out;
  for (const core::ShardRow& row : rows) {
    if (!out.empty()) out += "\n";
    out += "stream        " + row.stream + "\n";
    out += "shard         " + row.shard + "\n";
    out += "state         " + state_of(row) + "\n";
    out += "owner         " + or_dash(row.owner) + "\n";
    out += "checkpoint    " + or_dash(row.checkpoint) + "\n";
    out += "behind        " + behind_text(row, now) + "\n";
    out += "read through  " +
           (row.read_through ? aws::basic_iso(*row.read_through) : std::string("-")) + "\n";
    out += "parents       " + joined(row.parents) + "\n";
    out += "written       " + std::to_string(row.counter) + " times\n";
    out += std::string("left clean    ") + (row.clean ? "yes" : "no") + "\n";
  }
  return out;
}

}  // namespace dynamodb_replicator::app

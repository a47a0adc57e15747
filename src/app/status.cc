#include "app/status.h"

#include <cstdio>

namespace dynamodb_replicator::app {
namespace {

std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

class Page {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "dynamodb_replicator_" + std::string(name);
    text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
             std::string(type) + "\n";
  }
  void value(const std::string& v, std::string_view labels = {}) {
    text_ += name_ + (labels.empty() ? "" : "{" + std::string(labels) + "}") + " " + v + "\n";
  }
  void counter(std::string_view name, std::uint64_t v, std::string_view help) {
    head(name, "counter", help);
    value(std::to_string(v));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

void counters(Page& page, const flow::Metrics& m) {
  page.counter("records_read_total", m.records_read, "Entries found in stream records.");
  page.counter("records_applied_total", m.records_applied,
               "Entries whose key was brought up to date.");
  page.counter("records_coalesced_total", m.records_coalesced,
               "Applied entries that shared the write of a later one.");
  page.counter("records_skipped_total", m.records_skipped,
               "Records of other tables on a shared stream.");
  page.counter("records_dead_lettered_total", m.dead_lettered,
               "Records set aside because they can never be applied.");
  page.counter("puts_total", m.puts, "Items put on the replica.");
  page.counter("deletes_total", m.deletes, "Items deleted on the replica.");
  page.counter("retries_total", m.retries, "Requests that failed and were tried again.");
  page.counter("throttles_total", m.throttles, "Requests refused because of throughput limits.");
  page.counter("unprocessed_total", m.unprocessed, "Keys and items that a batch left unprocessed.");
  page.counter("rechecks_total", m.rechecks,
               "Keys read on both sides because a write was in doubt.");
  page.counter("rechecks_repaired_total", m.rechecks_repaired,
               "Rechecked keys that differed and were written again.");
  page.counter("verify_repeats_total", m.verify_repeats,
               "Keys whose primary changed between read and write.");
  page.counter("gaps_total", m.gaps,
               "Times that retention had taken records before they were read.");
  page.counter("takeovers_total", m.takeovers,
               "Leases taken whose former owner left something in doubt.");
  page.counter("lease_losses_total", m.lease_losses, "Leases lost to another worker.");
  page.counter("fence_bumps_total", m.fence_bumps,
               "Writes of unknown outcome that were ended by the fence (fenced mode).");
  page.counter("fence_refusals_total", m.fence_refusals,
               "Writes refused because the shard has a new owner (fenced mode).");
  page.counter("write_requests_total", m.write_requests,
               "Batches or transactions sent to the replica.");
}

void shards(Page& page, const flow::Metrics& m, Instant now) {
  page.head("leases_held", "gauge", "Shards that this process reads.");
  std::size_t held = 0;
  for (const auto& [shard, state] : m.shards) held += state.owned ? 1 : 0;
  page.value(std::to_string(held));
  page.head("checkpoint_age_seconds", "gauge",
            "Time since the lease row of an owned shard was last written.");
  for (const auto& [shard, state] : m.shards) {
    if (!state.owned) continue;
    page.value(number(base::seconds(now - state.last_checkpoint)),
               "shard=\"" + label(shard) + "\"");
  }
  page.head("shard_stopped", "gauge", "1 if the shard cannot go on; the log and /readyz say why.");
  for (const auto& [shard, state] : m.shards) {
    if (!state.owned && state.stopped.empty()) continue;
    page.value(state.stopped.empty() ? "0" : "1", "shard=\"" + label(shard) + "\"");
  }
}

std::string metrics_text(const flow::Metrics& m, Instant now, WallTime wall) {
  Page page;
  counters(page, m);
  page.head("read_units_total", "counter",
            "Capacity units consumed on the primary, as the service counts.");
  page.value(number(m.read_units));
  page.head("write_units_total", "counter",
            "Capacity units consumed on the replica, as the service counts.");
  page.value(number(m.write_units));
  page.head("lag_seconds", "gauge", "How far behind the stream this process is; 0 when caught up.");
  page.value(number(flow::lag_seconds(m, wall)), "source=\"" + label(m.source) + "\"");
  shards(page, m, now);
  return page.take();
}

}  // namespace

StatusAnswer status_answer(const flow::Metrics& metrics, std::string_view path, Instant now,
                           WallTime wall) {
  constexpr const char* text = "text/plain; charset=utf-8";
  if (path == "/healthz") return {200, text, "ok\n"};
  if (path == "/metrics")
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(metrics, now, wall)};
  if (path == "/readyz") {
    std::string trouble;
    if (metrics.source.empty()) trouble += "starting\n";
    for (const auto& [shard, state] : metrics.shards) {
      if (!state.stopped.empty())
        trouble += "shard " + shard + " has stopped: " + state.stopped + "\n";
    }
    if (!metrics.blocked.empty()) trouble += "nothing can be written: " + metrics.blocked + "\n";
    if (trouble.empty()) return {200, text, "ready\n"};
    return {503, text, trouble};
  }
  return {404, text, "There is /healthz, /readyz and /metrics.\n"};
}

}  // namespace dynamodb_replicator::app

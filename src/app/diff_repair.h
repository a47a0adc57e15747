// --repair: what is found goes through the guarded writer (flow/refresh_guarded.h); deletes come
// last, when it is known how many they are.
#pragma once

#include <memory>
#include <vector>

#include "app/diff_plan.h"
#include "app/diff_report.h"
#include "app/tables.h"
#include "flow/copy_scan.h"
#include "flow/refresh_guarded.h"
#include "flow/settle.h"

namespace dynamodb_replicator::app {

// "[event] KEY", or as JSON.
void print_event(const Console& console, bool json, const char* event, const item::Key& key);

class DiffRepair : public flow::Copier {
 public:
  // Keys that are written between two looks at `stop`.
  static constexpr std::size_t kPart = 100;
  // More deletes than both need --yes, or a person's yes.
  static constexpr std::uint64_t kDeletesUnasked = 100;
  static constexpr double kShareUnasked = 0.10;

  // All of it outlives this.
  DiffRepair(async::Doors& doors, const DiffOptions& options, const Console& console,
             const Pair& pair, const DiffPlan& plan, BatchTable& primary, BatchTable& replica,
             core::Budget& reads, DiffCounts& counts, async::Gate& stop);

  // First what interrupted runs have left. What cannot be brought in line is counted, and holds
  // nothing up.
  async::Task<Result<void>> begin();
  // Puts what is missing or different; keeps what is extraneous for later.
  async::Task<Result<void>> found(std::vector<flow::Found> findings);
  async::Task<Result<void>> delete_extraneous(const flow::CompareProgress& progress);
  // --backfill: in batches; each key is read again after its write.
  async::Task<Result<void>> copy(std::vector<flow::Scanned> items) override;
  void end() { journal_.close(); }

 private:
  async::Task<Result<void>> write(std::vector<item::KeyRef> keys);
  // What stops the run, if something does: every key would fail as this one.
  Result<void> note(const std::vector<item::KeyRef>& keys,
                    const std::vector<flow::Outcome>& outcomes, bool print);
  // Counts what became of the key; true if it was written.
  bool note(const item::Key& key, const flow::Outcome& outcome);
  void count_units();
  Result<void> may_delete(const flow::CompareProgress& progress) const;
  Result<std::vector<item::KeyRef>> next_part(std::uint64_t& at) const;

  async::Doors& doors_;
  const DiffOptions& options_;
  const Console& console_;
  const DiffPlan& plan_;
  DiffCounts& counts_;
  async::Gate& stop_;
  GuardedTable guarded_;
  flow::Journal journal_;
  core::Budget writes_;
  flow::GuardedRefresher refresher_;
  std::unique_ptr<async::Spill> extraneous_;  // keys, one wire form a line
  std::uint64_t deletes_ = 0;
};

}  // namespace dynamodb_replicator::app

#include "flow/verify.h"

namespace dynamodb_replicator::flow {

Task<Result<void>> verify(CompareContext& context, PairScan& scan, Findings& findings) {
  Result<void> scanned = co_await scan.run();
  if (!scanned) {
    if (scanned.error().kind != FailureKind::configuration) {
      Result<void> kept = co_await scan.keep();
      if (!kept) co_return kept;
    }
    co_return scanned;
  }
  Result<std::unique_ptr<core::RunMerge>> leftovers = scan.leftovers();
  if (!leftovers) co_return std::move(leftovers).error();
  core::CompareState state = scan.state();
  if (context.resuming.from && context.resuming.from->scanned) state = *context.resuming.from;
  Settler settler(context, findings, std::move(state));
  Result<void> settled = co_await settler.run(**leftovers);
  if (!settled) co_return settled;
  co_return sums_add_up(context.progress);
}

Result<void> sums_add_up(const CompareProgress& progress) {
  const core::Tally& tally = progress.tally;
  const Outcomes& outcomes = progress.outcomes;
  bool sound = outcomes.ended() == progress.candidates;
  for (std::size_t i = 0; i < 2; ++i) {
    sound = sound && tally.scanned[i] == tally.equal + tally.again[i] + outcomes.sides[i];
  }
  if (sound) return {};
  Failure failure;
  failure.kind = FailureKind::unusable_answer;
  failure.message =
      "the sums do not add up: what was scanned is not what was equal, different or only on one "
      "side";
  failure.hint = "This is a defect of the program; its numbers are not to be trusted.";
  return failure;
}

}  // namespace dynamodb_replicator::flow

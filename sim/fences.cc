#include "sim/fences.h"

#include <algorithm>
#include <charconv>

namespace dynamodb_replicator::sim {
namespace {

constexpr std::string_view kFenceRow = "fence#";

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

struct Stripe {
  std::string shard;
  std::string number;
};
// Of "fence#SHARD#N".
std::optional<Stripe> stripe_of(std::string_view row) {
  if (!row.starts_with(kFenceRow)) return std::nullopt;
  row.remove_prefix(kFenceRow.size());
  const auto end = row.rfind('#');
  if (end == row.npos) return std::nullopt;
  return Stripe{std::string(row.substr(0, end)), std::string(row.substr(end + 1))};
}

}  // namespace

void FenceChecker::lease_table(Table& leases) {
  leases.watch([this](const Table::Change& change) { row_changed(change); });
}

void FenceChecker::row_changed(const Table::Change& change) {
  const auto row = change.key_item.find("row");
  if (row == change.key_item.end()) return;
  const auto stripe = stripe_of(scalar_text(row->second));
  if (!stripe) return;
  std::uint64_t now = 0;
  if (change.after != nullptr) {
    const auto found = change.after->find("generation");
    if (found != change.after->end()) now = number_in(scalar_text(found->second));
  }
  std::uint64_t& generation = fences_[stripe->shard].generations[stripe->number];
  world_.expect(Invariant::stale_fence, now >= generation, [&] {
    return "a fence of shard " + stripe->shard + " went back from generation " +
           std::to_string(generation) + " to " + std::to_string(now);
  });
  generation = now;
}

std::uint64_t FenceChecker::raised(const std::string& shard) const {
  const auto found = fences_.find(shard);
  if (found == fences_.end() || found->second.generations.size() < stripes_) return 0;
  const auto& all = found->second.generations;
  return std::min_element(all.begin(), all.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

void FenceChecker::applied(std::uint64_t /*number*/, const std::string& operation,
                           const async::HttpRequest& request, const async::HttpResponse& response) {
  if (response.status != 200) return;
  const bool other = operation == "BatchWriteItem" || operation == "PutItem" ||
                     operation == "DeleteItem" || operation == "UpdateItem";
  if (!other && operation != "TransactWriteItems") return;
  Json body;
  if (parser_.parse(request.body).get(body) != simdjson::SUCCESS) return;
  if (operation == "TransactWriteItems") return transaction_applied(body);
  const auto batch = member(body, "RequestItems");
  const bool replica = batch ? member(*batch, replica_).has_value()
                             : text(body, "TableName") == std::string_view(replica_);
  world_.expect(Invariant::stale_fence, !replica,
                [&] { return "the replica was written by " + operation + ", without a fence"; });
}

void FenceChecker::transaction_applied(Json body) {
  simdjson::dom::array actions;
  if (body["TransactItems"].get(actions) != simdjson::SUCCESS) return;
  std::size_t checks = 0;
  bool writes = false;
  for (const Json action : actions) {
    writes = writes || member(action, "Put") || member(action, "Delete");
    const auto check = member(action, "ConditionCheck");
    const auto key = check ? member(*check, "Key") : std::nullopt;
    if (!key) continue;
    const auto stripe = stripe_of(scalar(*key, "row", "S").value_or(""));
    if (!stripe) continue;
    ++checks;
    const auto values = member(*check, "ExpressionAttributeValues");
    const auto given = values ? scalar(*values, ":generation", "N") : std::nullopt;
    const std::uint64_t generation = number_in(given.value_or("0"));
    const std::uint64_t least = raised(stripe->shard);
    world_.expect(Invariant::stale_fence, generation >= least, [&] {
      return "a transaction of generation " + std::to_string(generation) +
             " was applied after the fence of shard " + stripe->shard + " was raised to " +
             std::to_string(least);
    });
  }
  world_.expect(Invariant::stale_fence, checks > 0 || !writes,
                [] { return "a transaction without a check of a fence was applied"; });
}

}  // namespace dynamodb_replicator::sim

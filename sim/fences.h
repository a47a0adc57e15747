// The fences of fenced mode, from outside (I7): nothing that a former owner wrote is applied to the
// replica once a new owner has raised all of a shard's fence.
//
// It believes nothing but what the lease table held and what the replica's service answered.
#pragma once

#include <map>
#include <string>

#include "sim/http_door.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class FenceChecker : public NetworkWatcher {
 public:
  // `stripes`: fence items of each shard. `replica`: the name of the table that is written.
  FenceChecker(World& world, std::size_t stripes, std::string replica)
      : world_(world), stripes_(stripes), replica_(std::move(replica)) {}

  void lease_table(Table& leases);
  void applied(std::uint64_t number, const std::string& operation,
               const async::HttpRequest& request, const async::HttpResponse& response) override;

 private:
  struct Fence {
    std::map<std::string, std::uint64_t> generations;  // by stripe
  };
  void row_changed(const Table::Change& change);
  void transaction_applied(Json body);
  // What every stripe of the shard has reached; 0: not all have been raised yet.
  [[nodiscard]] std::uint64_t raised(const std::string& shard) const;

  World& world_;
  std::size_t stripes_;
  std::string replica_;
  std::map<std::string, Fence> fences_;  // by shard
  simdjson::dom::parser parser_;
};

}  // namespace dynamodb_replicator::sim

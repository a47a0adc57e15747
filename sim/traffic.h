// What can be seen of the programs on the wire, from the clients' side: how many requests each
// process has in flight, which keys they write, how many items they move, where they go.
//
// A request is in flight until its sender has an answer or has given it up. What a process gave up
// may still be served later; that is the world's doing and does not count against the process.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/http_door.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

// The canonical keys of `table` that a batch or a transaction writes.
std::vector<std::string> keys_written(const Table& table, const std::string& operation, Json body);

class Traffic : public NetworkWatcher {
 public:
  // Eight lanes, and a page and a row of the lease table for each shard; here there are so few keys
  // and shards that half of this was never seen.
  static constexpr std::size_t kInFlightMax = 24;

  // `replica`: the table whose keys are written one request at a time.
  Traffic(World& world, const Table& replica) : world_(world), replica_(replica) {}

  void sent(std::uint64_t number, const std::string& sender, const std::string& operation,
            const async::HttpRequest& request, Duration deadline) override;
  void over(std::uint64_t number, bool heard) override;

  // Items asked for or written so far, in batches and transactions.
  [[nodiscard]] std::uint64_t items() const { return items_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  // By operation, since the last call.
  std::map<std::string, std::uint64_t> take_counts();

 private:
  struct Open {
    std::string sender;
    std::vector<std::string> keys;
  };
  struct Sender {
    std::size_t in_flight = 0;
    std::set<std::string> keys;
  };
  [[nodiscard]] std::size_t items_in(const std::string& operation, Json body) const;

  World& world_;
  const Table& replica_;
  std::map<std::uint64_t, Open> open_;
  std::map<std::string, Sender> senders_;
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t items_ = 0;
  std::uint64_t requests_ = 0;
  simdjson::dom::parser parser_;
};

}  // namespace dynamodb_replicator::sim

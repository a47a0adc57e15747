// The leases, from outside (I15): what a process does in the name of a shard it does while the
// lease table gives it the right to.
//
// It believes nothing but the wire: a lease counts from the first sending of the newest renewal
// that was applied, which is the latest moment that its owner may count from. So a write of a key
// is issued within two thirds of the lease of a shard that gave its sender a record of that key,
// with a deadline inside that lease, and not once the sender has asked to give the row back. A
// lease that its owner calls lost is lost. And a row that became ours without our knowing is taken
// by the next look at it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/http_door.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class LeaseChecker : public NetworkWatcher {
 public:
  LeaseChecker(World& world, const Table& replica) : world_(world), replica_(replica) {}

  void lease_table(Table& leases);
  void sent(std::uint64_t number, const std::string& sender, const std::string& operation,
            const async::HttpRequest& request, Duration deadline) override;
  void over(std::uint64_t number, bool heard) override;
  void applied(std::uint64_t number, const std::string& operation,
               const async::HttpRequest& request, const async::HttpResponse& response) override;

  // The process was given a record of the key, by this shard.
  void given(const std::string& sender, const std::string& shard, const std::string& key) {
    given_[sender][key].insert(shard);
  }
  // The process says that it has lost the lease of the shard.
  void lost(const std::string& sender, const std::string& shard);

 private:
  struct Write {  // of a lease row
    std::string sender;
    std::string shard;
    std::string nonce;
    bool owned = false;  // by its sender; else it gives the row back
    Duration lease{0};
    Duration first{0};  // when a request with this nonce was first sent
  };
  struct Hold {  // of one process on one shard
    Duration lease{0};
    Duration renewed{0};      // by what was applied: its owner counts from there at the latest
    Duration known{0};        // by what its owner was answered
    bool begun = false;       // its owner was answered once
    bool given_back = false;  // or asked to be
    Duration given_back_at{0};
    Duration applied{0};    // when the newest of its writes that keeps the row was done
    Duration last_sent{0};  // when a write of the row was last sent, whatever it says
  };
  struct Look {  // at the lease table, by one process
    Duration began{0};
    bool done = false;
  };
  struct Request {
    std::string sender;
    std::optional<Write> write;
    bool looks = false;
    bool last_page = false;
    bool done = false;
  };
  std::optional<Write> write_of(const std::string& sender, Json body);
  void check_keys(const std::string& sender, const std::string& operation, Json body,
                  Duration deadline);
  void check_key(const std::string& sender, const std::string& key, Duration deadline);
  void look_begins(const std::string& sender);

  World& world_;
  const Table& replica_;
  std::map<std::uint64_t, Request> open_;
  std::map<std::string, Duration> first_sent_;                                 // by nonce
  std::map<std::string, std::map<std::string, Hold>> holds_;                   // sender, shard
  std::map<std::string, std::string> owners_;                                  // of shards
  std::map<std::string, std::map<std::string, std::set<std::string>>> given_;  // sender, key
  std::map<std::string, Look> looks_;
  simdjson::dom::parser parser_;
};

}  // namespace dynamodb_replicator::sim

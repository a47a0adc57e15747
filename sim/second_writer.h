// What is held against a second writer from outside: what it looked at, on the wire, before it
// wrote and before it reported.
//
// A look counts when its sender has the answer: then the table is remembered as it was when the
// request was served. Only consistent reads of single keys are looks; scans are not.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/http_door.h"
#include "sim/table.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

class SecondWriterChecker : public NetworkWatcher {
 public:
  // `machine`: where the second writer runs.
  SecondWriterChecker(World& world, const Table& primary, const Table& replica, std::string machine)
      : world_(world), tables_{&primary, &replica}, machine_(std::move(machine)) {}

  void sent(std::uint64_t number, const std::string& sender, const std::string& operation,
            const async::HttpRequest& request, Duration deadline) override;
  void applied(std::uint64_t number, const std::string& operation,
               const async::HttpRequest& request, const async::HttpResponse& response) override;
  void over(std::uint64_t number, bool heard) override;

  // Another start of the program: what the last one looked at is not this one's.
  void begin() { looks_.clear(); }
  // The program says that `key` is `what`; `settle`: how long apart its looks must be.
  void reported(std::string_view what, const std::string& key, Duration settle);

 private:
  struct Look {
    std::size_t side = 0;  // 0: primary
    Duration at{0};
    std::shared_ptr<const Item> item;
  };
  struct Open {
    std::size_t side = 0;
    std::vector<std::pair<std::string, Look>> looks;
  };
  void look_before_write(const std::string& operation, Json body);
  void note(Open& open, Json asked, Json left);

  World& world_;
  const Table* tables_[2];
  std::string machine_;
  std::map<std::uint64_t, Open> open_;
  std::map<std::string, std::vector<Look>> looks_;  // by key, of the program that runs
  simdjson::dom::parser parser_;
  simdjson::dom::parser answers_;
};

// The values that `key` had at some time of [from, to].
std::vector<std::shared_ptr<const Item>> values_within(const Table& table, const std::string& key,
                                                       Duration from, Duration to);
bool same(const std::shared_ptr<const Item>& a, const std::shared_ptr<const Item>& b);

}  // namespace dynamodb_replicator::sim

// The simulated half: a world of its own for every case, in which nothing goes wrong.
#include <optional>

#include "contract/services.h"
#include "sim/endpoint.h"
#include "sim/http_door.h"
#include "sim/process.h"

namespace dynamodb_replicator::contract {
namespace {

constexpr std::uint16_t kPort = 8000;
constexpr const char* kDynamoDbHost = "dynamodb.sim";
constexpr const char* kKinesisHost = "kinesis.sim";
// Of 100,000 opportunities.
constexpr std::uint32_t kAlways = 100'000;
constexpr std::uint32_t kOften = 50'000;

class Simulated : public Services {
 public:
  Simulated() {
    network_.connect(kDynamoDbHost, kPort, dynamodb_endpoint_);
    network_.connect(kKinesisHost, kPort, kinesis_endpoint_);
    dynamodb_endpoint_.serve(dynamodb_);
  }

  void create_streaming_table(const std::string& table) override {
    sim::Table& created = dynamodb_.create(table, {{"id", "S"}, std::nullopt});
    stream_.emplace(world_, created, dynamodb_.arn_of(table), 1);
    dynamodb_.enable_stream(table, *stream_);
    dynamodb_endpoint_.serve(*stream_);
  }
  void end_table_shards(const std::string&) override { stream_->rotate(); }

  void create_stream(const std::string& stream) override {
    kinesis_.emplace(world_, stream, 1);
    kinesis_endpoint_.serve(*kinesis_);
  }
  void put_record(const std::string&, const std::string& partition_key,
                  const std::string& data) override {
    wait(5ms);  // a request takes its time
    kinesis_->put(partition_key, data, "", 0);
  }
  void split(const std::string&) override { kinesis_->split(); }
  void merge(const std::string&) override { kinesis_->merge(); }

  void bring(BadDay day) override {
    switch (day) {
      case BadDay::throttled:
        return world_.faults().only(sim::Fault::throttled, kAlways);
      case BadDay::unprocessed:
        world_.faults().only(sim::Fault::unprocessed_items, kOften);
        return world_.faults().also(sim::Fault::unprocessed_keys, kOften);
      case BadDay::stale_reads:
        return world_.faults().only(sim::Fault::stale_read, kAlways);
      case BadDay::transaction_conflicts:
        return world_.faults().only(sim::Fault::transaction_conflict, kOften);
    }
  }
  void heal() override { world_.faults().heal(); }

 protected:
  void run(const Job& job) override {
    process_.start([&job](async::Doors& doors, app::Control&) { return job(doors); });
    const Duration horizon = world_.now() + 1h;
    // The world looks up between its own events only, so there must be some.
    const std::function<void()> tick = [this, &tick] {
      if (process_.running()) world_.after(1ms, tick);
    };
    tick();
    if (process_.running()) world_.run_until(horizon, [this] { return !process_.running(); });
    INVARIANT(!process_.running(), "a job ends within an hour");
  }
  [[nodiscard]] aws::Endpoint endpoint(aws::Service service) const override {
    return {false, service == aws::Service::kinesis ? kKinesisHost : kDynamoDbHost, kPort,
            Credential::kRegion};
  }

 private:
  static sim::Identity identity() {
    return {Credential::kAccessKey, Credential::kSecret, Credential::kRegion};
  }
  static sim::Machine machine() {
    sim::Machine out;
    out.name = "contract";
    out.boot = 1h;
    return out;
  }

  sim::World world_{{11, false, false}};
  sim::Network network_{world_, {}};
  sim::Machine machine_ = machine();
  sim::Process process_{world_, machine_, network_, "contract"};
  sim::DynamoDb dynamodb_{world_, "contract"};
  std::optional<sim::TableStream> stream_;
  std::optional<sim::Kinesis> kinesis_;
  sim::Endpoint dynamodb_endpoint_{world_, identity()};
  sim::Endpoint kinesis_endpoint_{world_, identity()};
};

}  // namespace

std::unique_ptr<Services> simulated_services() { return std::make_unique<Simulated>(); }

}  // namespace dynamodb_replicator::contract

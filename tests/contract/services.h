// What the contract's cases speak to: DynamoDB with its Streams and Kinesis, either the simulated
// ones of sim/ or real ones. Requests are the client's own bytes in both worlds; what the program
// itself never asks for (a table with a stream, records, resharding) is a verb here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/doors.h"
#include "async/task.h"
#include "aws/endpoint.h"
#include "base/result.h"
#include "base/time.h"

namespace dynamodb_replicator::contract {

struct Credential {
  static constexpr const char* kAccessKey = "contract";
  static constexpr const char* kSecret = "nothing-secret";
  static constexpr const char* kRegion = "us-east-1";
};

enum class Engine { simulated, dynamodb_local, dynalite };

// What a service may do on a bad day, where only the simulated one can be made to.
enum class BadDay { throttled, unprocessed, stale_reads, transaction_conflicts };

class Services {
 public:
  virtual ~Services() = default;

  // One call of the client: the answer's body, or the failure it is read as.
  Result<std::string> ask(aws::Service service, std::string operation, std::string body);
  // The body of the last answer as it came, also where it was an error's.
  [[nodiscard]] const std::string& last_body() const { return last_body_; }
  // Virtual time in the simulated world.
  void wait(Duration time);
  // Different for every call, also between two runs against one real service.
  std::string new_name(const std::string& about);

  // A table with the key schema id (S) and a stream of keys only; active when this returns.
  virtual void create_streaming_table(const std::string& table) = 0;
  // The stream's open shards end; nothing is written to this table after this.
  virtual void end_table_shards(const std::string& table) = 0;

  // A stream with one shard; active when this returns.
  virtual void create_stream(const std::string& stream) = 0;
  // By PutRecords. `data`: bytes.
  virtual void put_record(const std::string& stream, const std::string& partition_key,
                          const std::string& data) = 0;
  // REQUIRES: one open shard. It is split in the middle.
  virtual void split(const std::string& stream) = 0;
  // REQUIRES: two open shards.
  virtual void merge(const std::string& stream) = 0;

  // From here on, until the next call. REQUIRES: the simulated world.
  virtual void bring(BadDay day) = 0;
  virtual void heal() = 0;

 protected:
  using Job = std::function<async::Task<int>(async::Doors&)>;
  // Runs the job's task to its end in this world.
  virtual void run(const Job& job) = 0;
  [[nodiscard]] virtual aws::Endpoint endpoint(aws::Service service) const = 0;

 private:
  std::string last_body_;
};

// A world of its own, without faults.
std::unique_ptr<Services> simulated_services();
// DYNAMODB_URL and, with DynamoDB Local, KINESIS_URL; nullptr with a line on standard error if they
// are not set.
std::unique_ptr<Services> real_services(Engine engine);

// Chosen by the program's option; a new one for every case.
extern std::function<std::unique_ptr<Services>()> open_services;

}  // namespace dynamodb_replicator::contract

// A host that speaks the AWS JSON protocol: checks what every service checks (method, target,
// signature, JSON), hands the request to the right service and writes the answer with its checksum.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/dynamodb.h"
#include "sim/http_door.h"
#include "sim/kinesis.h"
#include "sim/signature.h"
#include "sim/streams.h"

namespace dynamodb_replicator::sim {

class Endpoint : public Service {
 public:
  Endpoint(World& world, Identity identity) : world_(world) { accept(std::move(identity)); }
  // Other credentials that are good from now on; and some that are not any more.
  void accept(Identity identity) { identities_.push_back(std::move(identity)); }
  void expire(const std::string& access_key) { expired_.insert(access_key); }
  // Whatever is not set is not served here. Table streams share their table's endpoint, as in
  // DynamoDB Local.
  void serve(DynamoDb& dynamodb) { dynamodb_ = &dynamodb; }
  void serve(TableStream& stream) { streams_.push_back(&stream); }
  void serve(Kinesis& kinesis) { kinesis_ = &kinesis; }

  async::HttpResponse handle(const async::HttpRequest& request) override;

 private:
  Answer answer(const async::HttpRequest& request);
  Answer dispatch(std::string_view target, Json json);
  Answer ask_stream(std::string_view operation, Json json);
  [[nodiscard]] std::optional<ServiceError> refuse(const async::HttpRequest& request,
                                                   bool kinesis) const;

  World& world_;
  std::vector<Identity> identities_;
  std::set<std::string> expired_;
  DynamoDb* dynamodb_ = nullptr;
  std::vector<TableStream*> streams_;
  Kinesis* kinesis_ = nullptr;
  simdjson::dom::parser parser_;
  std::uint64_t requests_ = 0;
};

}  // namespace dynamodb_replicator::sim

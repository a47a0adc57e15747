// A host that speaks the AWS JSON protocol: checks what every service checks (method, target,
// signature, JSON), hands the request to the right service and writes the answer with its checksum.
#pragma once

#include <string>

#include "sim/dynamodb.h"
#include "sim/http_door.h"
#include "sim/kinesis.h"
#include "sim/signature.h"
#include "sim/streams.h"

namespace dynamodb_replicator::sim {

class Endpoint : public Service {
 public:
  Endpoint(World& world, Identity identity) : world_(world), identity_(std::move(identity)) {}
  // Whatever is not set is not served here. Table streams share their table's endpoint, as in
  // DynamoDB Local.
  void serve(DynamoDb& dynamodb) { dynamodb_ = &dynamodb; }
  void serve(TableStream& stream) { stream_ = &stream; }
  void serve(Kinesis& kinesis) { kinesis_ = &kinesis; }

  async::HttpResponse handle(const async::HttpRequest& request) override;

 private:
  Answer answer(const async::HttpRequest& request);
  Answer dispatch(std::string_view target, Json json);

  World& world_;
  Identity identity_;
  DynamoDb* dynamodb_ = nullptr;
  TableStream* stream_ = nullptr;
  Kinesis* kinesis_ = nullptr;
  simdjson::dom::parser parser_;
  std::uint64_t requests_ = 0;
};

}  // namespace dynamodb_replicator::sim

#include "sim/endpoint.h"

#include <zlib.h>

#include <cstdio>

#include "base/bytes.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::string_view kDynamoDb = "DynamoDB_20120810.";
constexpr std::string_view kStreams = "DynamoDBStreams_20120810.";
constexpr std::string_view kKinesis = "Kinesis_20131202.";

std::string space_of(std::string_view code) {
  if (code == "ValidationException") return "com.amazon.coral.validate#";
  for (const std::string_view common :
       {"SerializationException", "UnknownOperationException",
        "MissingAuthenticationTokenException", "InvalidSignatureException",
        "IncompleteSignatureException", "UnrecognizedClientException"}) {
    if (code == common) return "com.amazon.coral.service#";
  }
  return "com.amazonaws.dynamodb.v20120810#";
}

std::string checksum(const std::string& body) {
  return std::to_string(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
}

// "Tue, 01 Jan 2030 00:00:00 GMT"
std::string date_text(WallTime time) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02u %s %d %02d:%02d:%02d GMT",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

}  // namespace

async::HttpResponse Endpoint::handle(const async::HttpRequest& request) {
  const bool kinesis = header_of(request, "x-amz-target").starts_with(kKinesis);
  Answer result = answer(request);
  async::HttpResponse response;
  if (result.ok()) {
    response.status = 200;
    response.body = std::move(*result);
    if (world_.faults().strikes(Fault::unknown_field)) {
      const bool empty = response.body == "{}";
      response.body.insert(
          1, std::string(R"("Unheard":{"of":[null,{"S":"x"},1.5]})") + (empty ? "" : ","));
    }
  } else {
    const ServiceError& error = result.error();
    response.status = error.status;
    response.body = R"({"__type":")" + (kinesis ? std::string() : space_of(error.code)) +
                    error.code + R"(","message":)" + base::to_json_string(error.message) +
                    error.extra + "}";
  }
  response.headers = {
      {"Date", date_text(world_.wall())},

      {"Content-Type", kinesis ? "application/x-amz-json-1.1" : "application/x-amz-json-1.0"},
      {"x-amzn-RequestId", "SIM" + std::to_string(++requests_)}};
  if (!kinesis) response.headers.push_back({"x-amz-crc32", checksum(response.body)});
  return response;
}

Answer Endpoint::answer(const async::HttpRequest& request) {
  if (request.method != "POST" || request.target != "/")
    return ServiceError{"UnknownOperationException", "", 404};
  const std::string target = header_of(request, "x-amz-target");
  const bool kinesis = target.starts_with(kKinesis);
  const std::string type = kinesis ? "application/x-amz-json-1.1" : "application/x-amz-json-1.0";
  if (header_of(request, "content-type") != type)
    return ServiceError{"UnknownOperationException", "", 404};
  const std::string host = request.host + ":" + std::to_string(request.port);
  if (header_of(request, "host") != host)
    return ServiceError{"UnknownOperationException", "Host is not " + host, 404};
  if (const auto refused = refuse(request, kinesis)) return *refused;
  Json json;
  if (parser_.parse(request.body).get(json) != simdjson::SUCCESS || !json.is_object()) {
    return ServiceError{"SerializationException", "the body is no JSON object"};
  }
  return dispatch(target, json);
}

std::optional<ServiceError> Endpoint::refuse(const async::HttpRequest& request,
                                             bool kinesis) const {
  const std::string authorization = header_of(request, "authorization");
  const Identity* who = &identities_.front();
  for (const Identity& identity : identities_) {
    if (authorization.find("Credential=" + identity.access_key + "/") == std::string::npos)
      continue;
    who = &identity;
    if (expired_.contains(identity.access_key))
      return ServiceError{"ExpiredTokenException", "The security token included is expired"};
  }
  return refuse_signature(request, *who, kinesis ? "kinesis" : "dynamodb", world_.wall());
}

// Each stream knows its own name and refuses what is about another.
Answer Endpoint::ask_stream(std::string_view operation, Json json) {
  Answer answer = ServiceError{"ResourceNotFoundException", "Requested resource not found"};
  const auto iterator = text(json, "ShardIterator");
  if (iterator && iterator->find('|') == std::string_view::npos)
    answer = validation("Invalid ShardIterator");
  for (TableStream* stream : streams_) {
    if (stream->is_asked(json)) answer = stream->call(operation, json);
  }
  return answer;
}

Answer Endpoint::dispatch(std::string_view target, Json json) {
  if (target.starts_with(kDynamoDb) && dynamodb_ != nullptr) {
    return dynamodb_->call(target.substr(kDynamoDb.size()), json);
  }
  if (target.starts_with(kStreams) && !streams_.empty())
    return ask_stream(target.substr(kStreams.size()), json);
  if (target.starts_with(kKinesis) && kinesis_ != nullptr)
    return kinesis_->call(target.substr(kKinesis.size()), json);
  return ServiceError{"UnknownOperationException", std::string(target)};
}

}  // namespace dynamodb_replicator::sim

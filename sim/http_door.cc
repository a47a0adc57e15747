#include "sim/http_door.h"

#include <algorithm>

#include "sim/process.h"

namespace dynamodb_replicator::sim {
namespace {

using async::HttpError;
using async::HttpRequest;
using async::HttpResponse;
using Outcome = Result<HttpResponse, HttpError>;

const std::string* header_of(const HttpRequest& request, std::string_view name) {
  for (const async::Header& header : request.headers) {
    if (header.name.size() == name.size() &&
        std::equal(name.begin(), name.end(), header.name.begin(),
                   [](char a, char b) { return (a | 0x20) == (b | 0x20); })) {
      return &header.value;
    }
  }
  return nullptr;
}

std::string label_of(const HttpRequest& request) {
  const std::string* target = header_of(request, "x-amz-target");
  if (target == nullptr) return request.method + " " + request.target;
  return target->substr(target->find('.') + 1) + " " + request.host;
}

Outcome error(HttpError::Stage stage, bool sent, const char* message) {
  return HttpError{stage, sent, message};
}

Outcome reset() { return error(HttpError::Stage::receive, true, "connection reset by peer"); }

HttpResponse plain(int status, std::string type, std::string body) {
  return {status, {{"Content-Type", std::move(type)}}, std::move(body)};
}

HttpResponse internal_error() {
  return plain(
      500, "application/x-amz-json-1.0",
      R"({"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"})");
}

HttpResponse throttled(bool kinesis) {
  const std::string space = kinesis ? "" : "com.amazonaws.dynamodb.v20120810#";
  return plain(
      400, "application/x-amz-json-1.0",
      R"({"__type":")" + space +
          R"(ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput was exceeded"})");
}

}  // namespace

struct Network::Fate {
  std::optional<Fault> fault;
  std::optional<Duration> applied;   // nullopt: never
  std::optional<Duration> answered;  // nullopt: never
};

Network::Network(World& world, Options options)
    : world_(world), options_(options), prng_(world.part("network")) {}

void Network::connect(const std::string& host, std::uint16_t port, Service& service) {
  services_[host + ":" + std::to_string(port)] = &service;
}

Service* Network::find(const HttpRequest& request) const {
  const auto found = services_.find(request.host + ":" + std::to_string(request.port));
  return found == services_.end() ? nullptr : found->second;
}

Network::Fate Network::draw(const HttpRequest& request, Duration deadline) {
  Fate fate;
  const Duration now = world_.now();
  const Duration there = now + between(prng_, 500us, 8ms);
  const Duration served = there + between(prng_, 300us, 4ms);
  fate.answered = served + between(prng_, 500us, 8ms);
  const auto cut = cut_until_.find(request.host);
  if (find(request) == nullptr || (cut != cut_until_.end() && now < cut->second)) {
    fate.fault = Fault::refused;
    return fate;
  }
  constexpr Fault kOfExchanges[] = {Fault::refused,      Fault::reset_before, Fault::reset_after,
                                    Fault::lost_request, Fault::lost_answer,  Fault::late_apply,
                                    Fault::error_before, Fault::error_after,  Fault::not_json,
                                    Fault::throttled,    Fault::broken_body,  Fault::truncated,
                                    Fault::slow};
  for (const Fault fault : kOfExchanges) {
    if (!world_.faults().strikes(fault)) continue;
    fate.fault = fault;
    break;
  }
  fate.applied = served;
  if (!fate.fault) return fate;
  switch (*fate.fault) {
    case Fault::refused:
    case Fault::reset_before:
    case Fault::error_before:
    case Fault::not_json:
    case Fault::throttled:
      fate.applied.reset();
      break;
    case Fault::lost_request:
      fate.applied.reset();
      fate.answered.reset();
      break;
    case Fault::lost_answer:
      fate.answered.reset();
      break;
    case Fault::late_apply:
      fate.applied = std::max(served, deadline + between(prng_, 1ms, options_.latest_apply));
      fate.answered.reset();
      break;
    case Fault::slow: {
      const Duration more = between(prng_, 100ms, 5s);
      fate.applied = std::min(served + more, std::max(served, deadline + options_.latest_apply));
      fate.answered = *fate.applied + between(prng_, 500us, 2s);
      break;
    }
    default:
      break;
  }
  return fate;
}

Network::ExchangeRef Network::send(const std::string& sender, HttpRequest request,
                                   Duration deadline) {
  const Fate fate = draw(request, deadline);
  const std::string label = sender + "#" + std::to_string(++sent_);
  world_.trace(label, "send",
               label_of(request) +
                   (fate.fault ? " (" + std::string(name_of(*fate.fault)) + ")" : std::string()));
  auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  ++in_flight_;
  if (fate.applied) {
    world_.at(*fate.applied, [this, exchange, fate, label] { apply(exchange, fate, label); });
  } else if (!fate.answered) {
    world_.at(deadline, [this] { --in_flight_; });
  } else {
    const bool kinesis =
        header_of(exchange->request, "content-type") != nullptr &&
        *header_of(exchange->request, "content-type") == "application/x-amz-json-1.1";
    switch (fate.fault.value_or(Fault::refused)) {
      case Fault::reset_before:
        finish_at(*fate.answered, exchange, reset());
        break;
      case Fault::error_before:
        finish_at(*fate.answered, exchange, internal_error());
        break;
      case Fault::not_json:
        finish_at(*fate.answered, exchange,
                  plain(503, "text/html", "<html>Service Unavailable</html>"));
        break;
      case Fault::throttled:
        finish_at(*fate.answered, exchange, throttled(kinesis));
        break;
      default:
        finish_at(*fate.answered, exchange,
                  error(HttpError::Stage::connect, false, "connection refused"));
    }
  }
  return exchange;
}

void Network::apply(const ExchangeRef& exchange, const Fate& fate, const std::string& label) {
  Service* service = find(exchange->request);
  HttpResponse response = service->handle(exchange->request);
  world_.trace(
      label, "apply",
      std::to_string(response.status) + " " + exchange->request.body + " -> " + response.body);
  if (!fate.answered) {
    --in_flight_;
    return;
  }
  Outcome outcome = reset();
  if (fate.fault == Fault::reset_after) {
  } else if (fate.fault == Fault::error_after) {
    outcome = internal_error();
  } else if (fate.fault == Fault::truncated) {
    outcome = error(HttpError::Stage::malformed, true, "the answer ended early");
  } else {
    // Without a checksum nobody could notice: then TLS or TCP would have.
    if (fate.fault == Fault::broken_body && response.header("x-amz-crc32") != nullptr) {
      char& byte = response.body[prng_.below(response.body.size())];
      byte = static_cast<char>(byte ^ (1 << prng_.below(7)));
    }
    outcome = std::move(response);
  }
  finish_at(*fate.answered, exchange, std::move(outcome));
}

void Network::finish_at(Duration when, const ExchangeRef& exchange, Outcome outcome) {
  auto shared = std::make_shared<Outcome>(std::move(outcome));
  world_.at(when, [this, exchange, shared] { finish(exchange, std::move(*shared)); });
}

void Network::finish(const ExchangeRef& exchange, Outcome outcome) {
  --in_flight_;
  if (exchange->sender == nullptr) return;
  exchange->outcome = std::move(outcome);
  exchange->sender->open();
}

async::Task<Outcome> HttpDoor::send(HttpRequest request, Instant deadline) {
  async::Gate answered(loop_);
  const Network::ExchangeRef exchange =
      network_.send(name_, std::move(request), deadline.time_since_epoch() - machine_.boot);
  struct Attached {  // a sender that goes away is forgotten
    Network::Exchange& exchange;
    ~Attached() { exchange.sender = nullptr; }
  } const attached{*exchange};
  exchange->sender = &answered;
  const bool in_time = co_await answered.wait_until(deadline);
  if (!in_time) co_return error(HttpError::Stage::timeout, true, "no answer before the deadline");
  co_return std::move(*exchange->outcome);
}

}  // namespace dynamodb_replicator::sim

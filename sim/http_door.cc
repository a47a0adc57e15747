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

std::string operation_of(const HttpRequest& request) {
  const std::string* target = header_of(request, "x-amz-target");
  return target == nullptr ? request.method + " " + request.target
                           : target->substr(target->find('.') + 1);
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

HttpResponse redirect() {
  HttpResponse response = plain(307, "text/html", "");
  response.headers.push_back({"Location", "https://elsewhere.sim/"});
  return response;
}

HttpResponse stream_limit(const std::string& operation, bool kinesis) {
  std::string code = "LimitExceededException";
  if (kinesis && operation == "GetRecords") code = "KMSThrottlingException";
  if (!kinesis) code = "com.amazonaws.dynamodb.v20120810#" + code;
  return plain(400, "application/x-amz-json-1.0",
               R"({"__type":")" + code + R"(","message":"Rate exceeded"})");
}

bool asks_stream(const std::string& operation) {
  return operation == "GetRecords" || operation == "GetShardIterator" ||
         operation == "DescribeStream" || operation == "ListShards";
}

// What a proxy with a limit of its own may find too large, and its halves not.
bool is_about_several(const std::string& operation, const HttpRequest& request) {
  if (operation != "BatchWriteItem") return false;
  std::size_t writes = 0;
  for (const std::string_view verb : {R"("PutRequest")", R"("DeleteRequest")"}) {
    for (auto at = request.body.find(verb); at != std::string::npos && writes < 2;
         at = request.body.find(verb, at + 1)) {
      ++writes;
    }
  }
  return writes > 1;
}

// Answered at once with an error, and served all the same, long after.
bool lands_late(std::optional<Fault> fault) {
  return fault == Fault::late_error || fault == Fault::parting_write;
}

}  // namespace

struct Network::Fate {
  std::optional<Fault> fault;
  std::optional<Duration> applied;   // nullopt: never
  std::optional<Duration> answered;  // nullopt: never
};

Network::Network(World& world, Options options)
    : world_(world),
      options_(options),
      prng_(world.part("network")),
      lease_prng_(world.part("network, lease rows")) {}

void Network::connect(const std::string& host, std::uint16_t port, Service& service) {
  services_[host + ":" + std::to_string(port)] = &service;
}

Service* Network::find(const HttpRequest& request) const {
  const auto found = services_.find(request.host + ":" + std::to_string(request.port));
  return found == services_.end() ? nullptr : found->second;
}

std::optional<Fault> Network::draw_fault(const std::string& sender, const HttpRequest& request) {
  const std::string operation = operation_of(request);
  if (meddler_) {
    const auto decided = meddler_(sender, operation, request);
    if (decided) return decided;
  }
  const bool writes = operation == "BatchWriteItem" || operation == "TransactWriteItems";
  if (writes && world_.faults().strikes(Fault::slow_write)) return Fault::slow_write;
  if (operation == "UpdateItem" && world_.faults().strikes(Fault::slow_lease))
    return Fault::slow_lease;
  if (is_about_several(operation, request) && world_.faults().strikes(Fault::too_large))
    return Fault::too_large;
  if (asks_stream(operation) && world_.faults().strikes(Fault::stream_limited))
    return Fault::stream_limited;
  constexpr Fault kOfExchanges[] = {Fault::refused,      Fault::reset_before, Fault::reset_after,
                                    Fault::lost_request, Fault::lost_answer,  Fault::late_apply,
                                    Fault::late_error,   Fault::error_before, Fault::error_after,
                                    Fault::not_json,     Fault::throttled,    Fault::broken_body,
                                    Fault::truncated,    Fault::slow,         Fault::redirected};
  for (const Fault fault : kOfExchanges) {
    if (world_.faults().strikes(fault)) return fault;
  }
  return std::nullopt;
}

Network::Fate Network::draw(const std::string& sender, const HttpRequest& request,
                            Duration deadline) {
  Fate fate;
  const Duration now = world_.now();
  const Duration there = now + between(prng_, 500us, 8ms);
  const Duration served = there + between(prng_, 300us, 4ms);
  fate.answered = served + between(prng_, 500us, 8ms);
  const auto cut = cut_until_.find(request.host);
  world_.expect(Invariant::no_secrets, find(request) != nullptr,
                [&] { return "a request went to " + request.host; });
  if (find(request) == nullptr || (cut != cut_until_.end() && now < cut->second)) {
    fate.fault = Fault::refused;
    return fate;
  }
  const auto silent = silent_until_.find(request.host);
  if (silent != silent_until_.end() && now < silent->second) {
    fate.fault = Fault::silence;
    fate.answered.reset();
    return fate;
  }
  fate.applied = served;
  fate.fault = draw_fault(sender, request);
  if (!fate.fault) return fate;
  const Duration latest = std::max(served, deadline + options_.latest_apply);
  switch (*fate.fault) {
    case Fault::refused:
    case Fault::reset_before:
    case Fault::error_before:
    case Fault::not_json:
    case Fault::throttled:
    case Fault::redirected:
    case Fault::too_large:
    case Fault::stream_limited:
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
    case Fault::late_error:
      fate.applied = std::max(served, deadline + between(prng_, 1ms, options_.latest_apply));
      break;
    case Fault::slow_write: {
      const Duration more = between(prng_, 50ms, 3s);
      *fate.applied += more;
      *fate.answered += more;
      break;
    }
    case Fault::parting_write:
      fate.applied = std::max(served, deadline + options_.latest_apply - 1ms);
      break;
    case Fault::slow_lease:
      *fate.answered += between(lease_prng_, 50ms, 3500ms);
      break;
    case Fault::slow:
      fate.applied = std::min(served + between(prng_, 100ms, 5s), latest);
      fate.answered = *fate.applied + between(prng_, 500us, 2s);
      break;
    default:
      break;
  }
  if (fate.fault == Fault::late_apply) fate.answered.reset();
  return fate;
}

Network::ExchangeRef Network::send(const std::string& sender, HttpRequest request,
                                   Duration deadline) {
  const Fate fate = draw(sender, request, deadline);
  const std::string label = sender + "#" + std::to_string(++sent_);
  world_.trace(label, "send",
               operation_of(request) + " " + request.host +
                   (fate.fault ? " (" + std::string(name_of(*fate.fault)) + ")" : std::string()));
  auto exchange = std::make_shared<Exchange>();
  exchange->from = sender;
  exchange->number = sent_;
  for (NetworkWatcher* watcher : watchers_)
    watcher->sent(sent_, sender, operation_of(request), request, deadline);
  exchange->request = std::move(request);
  ++in_flight_;
  if (fate.applied) {
    world_.at(*fate.applied, [this, exchange, fate, label] { apply(exchange, fate, label); });
    if (lands_late(fate.fault)) finish_at(*fate.answered, exchange, internal_error());
  } else if (fate.answered) {
    answer_unserved(exchange, fate);
  } else {
    world_.at(deadline, [this] { --in_flight_; });
  }
  return exchange;
}

void Network::given_up(const Exchange& exchange) {
  for (NetworkWatcher* watcher : watchers_) watcher->over(exchange.number, exchange.heard);
}

void Network::answer_unserved(const ExchangeRef& exchange, const Fate& fate) {
  const std::string* type = header_of(exchange->request, "content-type");
  const bool kinesis = type != nullptr && *type == "application/x-amz-json-1.1";
  Outcome outcome = error(HttpError::Stage::connect, false, "connection refused");
  if (fate.fault == Fault::reset_before) outcome = reset();
  if (fate.fault == Fault::error_before) outcome = internal_error();
  if (fate.fault == Fault::not_json)
    outcome = plain(503, "text/html", "<html>Service Unavailable</html>");
  if (fate.fault == Fault::throttled) outcome = throttled(kinesis);
  if (fate.fault == Fault::redirected) outcome = redirect();
  if (fate.fault == Fault::too_large) outcome = plain(413, "text/html", "");
  if (fate.fault == Fault::stream_limited)
    outcome = stream_limit(operation_of(exchange->request), kinesis);
  finish_at(*fate.answered, exchange, std::move(outcome));
}

void Network::apply(const ExchangeRef& exchange, const Fate& fate, const std::string& label) {
  Service* service = find(exchange->request);
  served_for_ = exchange->from;
  HttpResponse response = service->handle(exchange->request);
  served_for_.clear();
  for (NetworkWatcher* watcher : watchers_)
    watcher->applied(exchange->number, operation_of(exchange->request), exchange->request,
                     response);
  world_.trace(
      label, "apply",
      std::to_string(response.status) + " " + exchange->request.body + " -> " + response.body);
  if (lands_late(fate.fault)) return;  // answered long ago
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
    exchange->served = fate.fault != Fault::broken_body;
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
      network_.send(name_, std::move(request), machine_.world_time(deadline));
  struct Attached {  // a sender that goes away is forgotten
    Network& network;
    Network::Exchange& exchange;
    ~Attached() {
      exchange.sender = nullptr;
      network.given_up(exchange);
    }
  } const attached{network_, *exchange};
  exchange->sender = &answered;
  const bool in_time = co_await answered.wait_until(deadline);
  exchange->heard = in_time && exchange->served;
  if (!in_time) co_return error(HttpError::Stage::timeout, true, "no answer before the deadline");
  co_return std::move(*exchange->outcome);
}

}  // namespace dynamodb_replicator::sim

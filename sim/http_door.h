// The network: takes the bytes of a request to a simulated service and its answer back, or not.
//
// A request has three times: it arrives, it is applied, its answer is back. What happens to it (its
// fate) is drawn when it is sent. From then on it belongs to the world: whatever becomes of the
// process that sent it, the service applies it at its time. The sender sees what a real one would
// see: an answer, an error, or its own deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/doors.h"
#include "async/gate.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

struct Machine;

// Behind a host name. Called at the moment when the request is applied.
class Service {
 public:
  virtual ~Service() = default;
  virtual async::HttpResponse handle(const async::HttpRequest& request) = 0;
};

// Told of every request.
class NetworkWatcher {
 public:
  virtual ~NetworkWatcher() = default;
  virtual void sent(std::uint64_t /*number*/, const std::string& /*sender*/,
                    const std::string& /*operation*/, const async::HttpRequest& /*request*/,
                    Duration /*deadline*/) {}
  // The sender has an answer (`heard`: as the service gave it), or does not wait for one any more.
  virtual void over(std::uint64_t /*number*/, bool /*heard*/) {}
  // A service has done what was asked, or refused it; whatever becomes of its answer.
  virtual void applied(std::uint64_t /*number*/, const std::string& /*operation*/,
                       const async::HttpRequest& /*request*/,
                       const async::HttpResponse& /*response*/) {}
};

class Network {
 public:
  struct Options {
    // How long after its client's deadline a request may still be applied.
    Duration latest_apply = 4s;
  };
  Network(World& world, Options options);

  void connect(const std::string& host, std::uint16_t port, Service& service);
  // Nobody listens there until then.
  void cut(const std::string& host, Duration until) { cut_until_[host] = until; }
  // Connections are accepted there until then, and nothing else.
  void silence(const std::string& host, Duration until) { silent_until_[host] = until; }
  void mend() {
    cut_until_.clear();
    silent_until_.clear();
  }

  // Asked about each request before its fate is drawn: may decide it.
  using Meddler = std::function<std::optional<Fault>(
      const std::string& sender, const std::string& operation, const async::HttpRequest& request)>;
  void meddle(Meddler meddler) { meddler_ = std::move(meddler); }
  void watch(NetworkWatcher& watcher) { watchers_.push_back(&watcher); }
  // Whose request a service is handling at this moment; empty: none.
  [[nodiscard]] const std::string& served_for() const { return served_for_; }

  struct Exchange {
    async::HttpRequest request;
    std::optional<Result<async::HttpResponse, async::HttpError>> outcome;
    async::Gate* sender = nullptr;  // nullptr: the sender is gone
    std::string from;
    std::uint64_t number = 0;
    bool served = false;  // the outcome is what the service answered
    bool heard = false;   // and the sender had it in time
  };
  using ExchangeRef = std::shared_ptr<Exchange>;
  // `sender`: a name that no other start of a program has. `deadline` in the world's time.
  ExchangeRef send(const std::string& sender, async::HttpRequest request, Duration deadline);
  void given_up(const Exchange& exchange);

  // Requests that were sent and are not yet answered or lost.
  [[nodiscard]] std::uint64_t in_flight() const { return in_flight_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  struct Fate;
  Fate draw(const std::string& sender, const async::HttpRequest& request, Duration deadline);
  std::optional<Fault> draw_fault(const std::string& sender, const async::HttpRequest& request);
  void answer_unserved(const ExchangeRef& exchange, const Fate& fate);
  Service* find(const async::HttpRequest& request) const;
  void apply(const ExchangeRef& exchange, const Fate& fate, const std::string& label);
  void finish(const ExchangeRef& exchange, Result<async::HttpResponse, async::HttpError> outcome);
  void finish_at(Duration when, const ExchangeRef& exchange,
                 Result<async::HttpResponse, async::HttpError> outcome);

  World& world_;
  Options options_;
  base::Prng prng_;
  base::Prng lease_prng_;
  std::map<std::string, Service*> services_;  // by host:port
  std::map<std::string, Duration> cut_until_;
  std::map<std::string, Duration> silent_until_;
  Meddler meddler_;
  std::vector<NetworkWatcher*> watchers_;
  std::string served_for_;
  std::uint64_t in_flight_ = 0;
  std::uint64_t sent_ = 0;
};

class HttpDoor : public async::Http {
 public:
  HttpDoor(Network& network, async::Loop& loop, const Machine& machine, std::string name)
      : network_(network), loop_(loop), machine_(machine), name_(std::move(name)) {}
  async::Task<Result<async::HttpResponse, async::HttpError>> send(async::HttpRequest request,
                                                                  Instant deadline) override;

 private:
  Network& network_;
  async::Loop& loop_;
  const Machine& machine_;
  std::string name_;
};

}  // namespace dynamodb_replicator::sim

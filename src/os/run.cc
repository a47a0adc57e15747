#include "os/run.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>
#include <vector>

#include "os/clock.h"
#include "os/dice.h"
#include "os/environment.h"
#include "os/files.h"
#include "os/http_client.h"
#include "os/signals.h"

namespace dynamodb_replicator::os {
namespace {

namespace asio = boost::asio;

// After so many handlers the kernel is asked for news, however many more are ready.
constexpr int kBurst = 128;
// The kernel's waiting stands still while the machine sleeps; our timers do not. So look at least
// this often.
constexpr Duration kLongestWait = 1s;

}  // namespace

struct Outside::Parts {
  Parts(LogForm form, async::Level least)
      : environment(clock),
        log(clock, form, least),
        http(io, loop, clock, environment.variable("AWS_CA_BUNDLE").value_or("")) {}

  // Destroyed from below: the client and the server before the io_context, that before the loop.
  async::Loop loop;
  Clock clock;
  Dice dice;
  Files files;
  Environment environment;
  Log log;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  HttpClient http;
  std::vector<std::unique_ptr<HttpServer>> servers;
  async::Doors doors{loop, clock, dice, http, files, environment, log};

  // Runs what is ready, or waits for a timer or the kernel.
  void turn(const async::Task<int>& main) {
    loop.fire(clock.now());
    for (int i = 0; i < kBurst && loop.ready() > 0 && !main.done(); ++i) loop.run();
    if (main.done()) return;
    if (loop.ready() > 0) {
      io.poll();
      return;
    }
    Duration wait = kLongestWait;
    if (const auto timer = loop.next_timer()) wait = std::min(wait, *timer - clock.now());
    if (wait > Duration(0)) {
      io.run_one_for(wait);
    }
    io.poll();
  }
};

Outside::Outside(LogForm form, async::Level least) : parts_(std::make_unique<Parts>(form, least)) {
  // A reader of our output that went away is told by the write (os/terminal.h), and no reason to
  // end in the middle of something.
  std::signal(SIGPIPE, SIG_IGN);
}

Outside::~Outside() {
  // A name server that does not answer would hold up the end for as long as the resolver is
  // patient: then leave everything to the end of the process.
  static Parts* left = nullptr;
  if (parts_->http.lookups() > 0) left = parts_.release();
  (void)left;
}

async::Doors& Outside::doors() { return parts_->doors; }

int Outside::run(async::Task<int> main, std::function<void()> on_signal) {
  asio::signal_set signals(parts_->io);
  boost::system::error_code ignored;
  if (on_signal) {
    signals.add(SIGINT, ignored);
    signals.add(SIGTERM, ignored);
    signals.async_wait([&](const boost::system::error_code& error, int) {
      if (error) return;
      signals.clear(ignored);
      end_at_next_signal();
      on_signal();
    });
  } else {
    end_at_next_signal();
  }
  main.start();
  while (!main.done()) parts_->turn(main);
  signals.cancel(ignored);
  return main.take();
}

Result<std::uint16_t> Outside::serve(const std::string& host, std::uint16_t port,
                                     HttpHandler handler) {
  auto server = HttpServer::listen(parts_->io, host, port, std::move(handler));
  if (!server) return std::move(server).error();
  const std::uint16_t bound = (*server)->port();
  if ((*server)->is_public()) {
    parts_->log.warning("the state of this process can be read by others than this machine",
                        {{"address", host + ":" + std::to_string(bound)}});
  }
  parts_->servers.push_back(*std::move(server));
  return bound;
}

}  // namespace dynamodb_replicator::os

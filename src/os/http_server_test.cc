#include "os/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <thread>
#include <vector>

#include "async/gate.h"
#include "os/peer_for_test.h"
#include "os/run.h"

namespace dynamodb_replicator::os {
namespace {

using namespace std::chrono_literals;

struct HttpServerTest : testing::Test {
  boost::asio::io_context io;
  std::unique_ptr<HttpServer> server =
      *HttpServer::listen(io, "localhost", 0, [](std::string_view path) -> HttpReply {
        if (path == "/readyz") return {503, "text/plain; charset=utf-8", "shard x stopped\n"};
        if (path == "/metrics") return {200, "text/plain; version=0.0.4", "a 1\n"};
        return {404, "text/plain; charset=utf-8", "no\n"};
      });

  // Runs `client` in a thread of its own while the server works in this one.
  template <class Client>
  void meet(Client client) {
    std::atomic<bool> ended = false;
    std::thread thread([&] {
      client();
      ended = true;
    });
    while (!ended) {
      io.restart();
      io.run_for(std::chrono::milliseconds(2));
    }
    thread.join();
  }

  std::string ask(const std::string& text) {
    std::string answer;
    meet([&] {
      Peer peer(Peer::connect_to(server->port()));
      peer.send(text);
      answer = peer.receive();
    });
    return answer;
  }
  static std::string get(const std::string& path, const std::string& method = "GET",
                         const std::string& host = "localhost") {
    return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  }
};

std::string status(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

TEST_F(HttpServerTest, AnswersGetAndHead) {
  const std::string metrics = ask(get("/metrics?x=1"));
  EXPECT_EQ(status(metrics), "HTTP/1.1 200 OK");
  EXPECT_TRUE(metrics.ends_with("\r\n\r\na 1\n")) << metrics;
  EXPECT_NE(metrics.find("Content-Type: text/plain; version=0.0.4\r\n"), std::string::npos);
  EXPECT_NE(metrics.find("Cache-Control: no-store\r\n"), std::string::npos);
  EXPECT_NE(metrics.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_EQ(metrics.find("Access-Control"), std::string::npos);
  EXPECT_EQ(status(ask(get("/readyz"))), "HTTP/1.1 503 Service Unavailable");
  std::string head;
  meet([&] {
    Peer peer(Peer::connect_to(server->port()));
    peer.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    head = peer.rest();
  });
  EXPECT_NE(head.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, ChangesNothing) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string answer = ask(get("/metrics", method));
    EXPECT_EQ(status(answer), "HTTP/1.1 405 Method Not Allowed") << method;
    EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  }
}

TEST_F(HttpServerTest, AnswersToItsOwnNamesOnly) {
  for (const char* host : {"localhost:8080", "127.0.0.1:1", "[::1]:9"}) {
    EXPECT_EQ(status(ask(get("/metrics", "GET", host))), "HTTP/1.1 200 OK") << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil", ""}) {
    EXPECT_EQ(status(ask(get("/metrics", "GET", host))), "HTTP/1.1 421 Misdirected Request");
  }
  EXPECT_EQ(status(ask("GET /metrics HTTP/1.1\r\n\r\n")), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status(ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status(ask(get("http://evil.example/metrics"))), "HTTP/1.1 400 Bad Request");
}

TEST_F(HttpServerTest, RefusesWhatIsTooMuch) {
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x'))),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(status(ask("nonsense\r\n\r\n")), "HTTP/1.1 400 Bad Request");
  meet([&] {
    std::vector<std::unique_ptr<Peer>> peers;
    peers.reserve(64);
    for (int i = 0; i < 64; ++i) {
      peers.push_back(std::make_unique<Peer>(Peer::connect_to(server->port())));
    }
    std::this_thread::sleep_for(50ms);
    Peer late(Peer::connect_to(server->port()));
    EXPECT_EQ(late.rest(), "");  // closed at once
    peers.front()->send(get("/metrics"));
    EXPECT_EQ(status(peers.front()->receive()), "HTTP/1.1 200 OK");
  });
}

TEST_F(HttpServerTest, KeepsTheConnectionAndLosesPatience) {
  meet([&] {
    Peer peer(Peer::connect_to(server->port()));
    for (int i = 0; i < 3; ++i) {
      peer.send(get("/metrics"));
      EXPECT_EQ(status(peer.receive()), "HTTP/1.1 200 OK");
    }
    Peer slow(Peer::connect_to(server->port()));
    slow.send("GET / HT");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(slow.rest(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - start, 9s);
  });
}

TEST(HttpServer, SaysWhyItCannotListen) {
  boost::asio::io_context io;
  const auto handler = [](std::string_view) { return HttpReply{}; };
  auto first = HttpServer::listen(io, "127.0.0.1", 0, handler);
  ASSERT_TRUE(first);
  EXPECT_FALSE((*first)->is_public());
  const auto second = HttpServer::listen(io, "127.0.0.1", (*first)->port(), handler);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("Address already in use"), std::string::npos);
  EXPECT_FALSE(HttpServer::listen(io, "example.org", 0, handler));
}

async::Task<int> wait_for(async::Loop& loop, async::Gate& gate, Instant deadline) {
  co_await loop.yield();
  const bool opened = co_await gate.wait_until(deadline);
  co_return opened ? 7 : 8;
}

TEST(Outside, RunsTimersAndHearsTheFirstSignal) {
  Outside outside(LogForm::text, async::Level::error);
  async::Doors& doors = outside.doors();
  async::Gate gate(doors.loop);
  const Instant start = doors.clock.now();
  EXPECT_EQ(outside.run(wait_for(doors.loop, gate, start + Duration(30ms))), 8);
  EXPECT_GE(doors.clock.now(), start + Duration(30ms));
  EXPECT_LT(doors.clock.now(), start + Duration(2s));
  std::thread killer([] {
    std::this_thread::sleep_for(30ms);
    ::kill(::getpid(), SIGTERM);
  });
  const int status = outside.run(wait_for(doors.loop, gate, doors.clock.now() + Duration(20s)),
                                 [&gate] { gate.open(); });
  killer.join();
  EXPECT_EQ(status, 7);
}

async::Task<int> signal_oneself(async::Loop& loop, async::Gate& gate, Instant deadline) {
  co_await loop.yield();
  ::kill(::getpid(), SIGTERM);
  co_await gate.wait_until(deadline);
  co_return 9;
}

TEST(Outside, EndsAtOnceAtTheSecondSignal) {
  const auto live = [](bool twice) {
    Outside outside(LogForm::text, async::Level::error);
    async::Gate gate(outside.doors().loop);
    const Instant end = outside.doors().clock.now() + Duration(20s);
    const int status = outside.run(signal_oneself(outside.doors().loop, gate, end), [&] {
      if (twice) ::kill(::getpid(), SIGINT);
      gate.open();
    });
    ::_exit(status);
  };
  EXPECT_EXIT(live(true), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(live(false), testing::ExitedWithCode(9), "");
}

}  // namespace
}  // namespace dynamodb_replicator::os

#include "os/http_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "async/scope.h"
#include "os/clock.h"
#include "os/peer_for_test.h"

namespace dynamodb_replicator::os {
namespace {

using async::HttpError;
using async::HttpRequest;
using async::HttpResponse;
using Answer = Result<HttpResponse, HttpError>;
using Stage = HttpError::Stage;

struct ShiftedClock : Clock {
  Duration shift{0};
  Instant now() override { return Clock::now() + shift; }
};

struct HttpClientTest : testing::Test {
  async::Loop loop;
  ShiftedClock clock;
  boost::asio::io_context io;
  HttpClient client{io, loop, clock, "", 4};

  void turn() {
    loop.fire(clock.now());
    while (loop.ready() > 0) loop.run();
    io.restart();
    io.run_one_for(std::chrono::milliseconds(2));
  }

  static HttpRequest request(std::uint16_t port, std::string body = "{}") {
    HttpRequest made;
    made.tls = false;
    made.host = "127.0.0.1";
    made.port = port;
    made.headers = {{"Host", "127.0.0.1"}, {"X-Test", "1"}};
    made.body = std::move(body);
    return made;
  }

  Answer send(HttpRequest made, Duration within = 10s) {
    auto task = client.send(std::move(made), clock.now() + within);
    task.start();
    while (!task.done()) turn();
    return task.take();
  }
};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: a\r\n\r\nok";

TEST_F(HttpClientTest, KeepsTheConnection) {
  std::vector<std::string> seen;
  PeerServer server([&](Peer& peer) {
    for (std::string got = peer.receive(); !got.empty(); got = peer.receive()) {
      seen.push_back(got);
      peer.send(kOk);
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Answer answer = send(request(server.port(), "body" + std::to_string(i)));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(*answer->header("x-one"), "a");
  }
  EXPECT_EQ(client.idle(), 1U);
  clock.shift = 51s;  // the service might be about to close it
  EXPECT_TRUE(send(request(server.port())));
  EXPECT_EQ(server.accepted(), 2);
  clock.shift = 102s;
  EXPECT_EQ(send(request(server.port()), 5s).ok(), true);
  EXPECT_EQ(client.idle(), 1U);
  { const HttpClient closed = std::move(client); }  // hang up, so that the scripts end
  server.stop();
  EXPECT_EQ(seen.at(0),
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Test: 1\r\nContent-Length: 5\r\n\r\nbody0");
}

// The habit of other clients that this one must not have: to send a request again when a reused
// connection dies.
TEST_F(HttpClientTest, AReusedConnectionThatDiesIsReportedAndNothingIsSentTwice) {
  std::atomic<int> requests = 0;
  PeerServer server([&](Peer& peer) {
    while (!peer.receive().empty()) {
      if (++requests == 2) return;  // hang up instead of an answer
      peer.send(kOk);
    }
  });
  ASSERT_TRUE(send(request(server.port())));
  const Answer lost = send(request(server.port()));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().stage, Stage::receive);
  EXPECT_TRUE(lost.error().sent);
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(server.accepted(), 1);
  EXPECT_TRUE(send(request(server.port())));
  EXPECT_EQ(requests, 3);
  { const HttpClient closed = std::move(client); }
}

TEST_F(HttpClientTest, AConnectionThatTheServerHasClosedIsNotUsed) {
  PeerServer server([&](Peer& peer) {
    peer.receive();
    peer.send(kOk);
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(send(request(server.port())));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(server.accepted(), 3);
}

TEST_F(HttpClientTest, AtTheDeadlineItHangsUp) {
  std::atomic<bool> hung_up = false;
  PeerServer server([&](Peer& peer) {
    peer.receive();
    hung_up = peer.rest().empty();
  });
  const Instant start = clock.now();
  const Answer answer = send(request(server.port()), 100ms);
  EXPECT_LT(clock.now() - start, 5s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().stage, Stage::timeout);
  EXPECT_TRUE(answer.error().sent);
  turn();
  server.stop();
  EXPECT_TRUE(hung_up);
}

TEST_F(HttpClientTest, ATaskThatIsDestroyedHangsUp) {
  std::atomic<bool> received = false;
  PeerServer server([&](Peer& peer) {
    peer.receive();
    received = true;
    peer.rest();
  });
  {
    auto task = client.send(request(server.port()), clock.now() + 60s);
    task.start();
    while (!received) turn();
  }
  for (int i = 0; i < 5; ++i) turn();
  const Instant start = clock.now();
  server.stop();  // waits until the other side hears of it
  EXPECT_LT(clock.now() - start, 5s);
  EXPECT_EQ(client.idle(), 0U);
}

TEST_F(HttpClientTest, AnswersInEveryShape) {
  std::atomic<int> count = 0;
  const std::vector<std::string> answers = {
      kOk,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nok",
  };
  PeerServer server([&](Peer& peer) {
    peer.receive();
    for (const char c : answers.at(static_cast<std::size_t>(count++))) {
      peer.send({&c, 1});
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Answer answer = send(request(server.port()));
    ASSERT_TRUE(answer) << i << answer.error().message;
    EXPECT_EQ(answer->status, i == 4 ? 307 : 200);
    EXPECT_EQ(answer->body, "ok");
    std::this_thread::sleep_for(10ms);
  }
}

TEST_F(HttpClientTest, WhatIsNoAnswer) {
  struct Case {
    std::string text;
    Stage stage;
  };
  const std::vector<Case> cases = {
      {"", Stage::receive},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Stage::receive},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Stage::receive},
      {"SSH-2.0-x\r\n\r\n", Stage::malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", Stage::malformed},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\n\r\n", Stage::malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", Stage::malformed},
  };
  std::atomic<int> count = 0;
  PeerServer server([&](Peer& peer) {
    peer.receive();
    peer.send(cases.at(static_cast<std::size_t>(count++)).text);
  });
  for (const Case& c : cases) {
    const Answer answer = send(request(server.port()));
    ASSERT_FALSE(answer) << c.text;
    EXPECT_EQ(answer.error().stage, c.stage) << c.text << answer.error().message;
    EXPECT_TRUE(answer.error().sent);
    EXPECT_FALSE(answer.error().message.empty());
  }
}

TEST_F(HttpClientTest, NothingWasSentWhereNobodyIs) {
  std::uint16_t port = 0;
  {
    PeerServer server([](Peer&) {});
    port = server.port();
  }
  const Answer refused = send(request(port));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().stage, Stage::connect);
  EXPECT_FALSE(refused.error().sent);
  HttpRequest nowhere = request(port);
  nowhere.host = "nowhere.invalid";
  const Answer unknown = send(nowhere);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().stage, Stage::resolve);
  EXPECT_EQ(client.lookups(), 0U);
  HttpRequest split = request(port);
  split.headers.push_back({"X-Amz-Security-Token", "a\r\nX-Evil: 1"});
  PeerServer server([](Peer& peer) { peer.rest(); });
  split.port = server.port();
  EXPECT_EQ(send(split).error().stage, Stage::malformed);
}

TEST_F(HttpClientTest, LargeBodiesBothWays) {
  PeerServer server([](Peer& peer) {
    const std::string got = peer.receive();
    const std::string body = got.substr(got.find("\r\n\r\n") + 4);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    peer.send(body);
  });
  std::string body(9 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i % 26);
  const Answer answer = send(request(server.port(), body));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->body == body);
}

TEST_F(HttpClientTest, ARefusalBeforeTheWholeRequestIsHeard) {
  PeerServer server([](Peer& peer) {
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    peer.rest();
  });
  const Answer answer = send(request(server.port(), std::string(4 << 20, 'x')));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST_F(HttpClientTest, NoMoreConnectionsThanAllowed) {
  PeerServer server([](Peer& peer) {
    while (!peer.receive().empty()) {
      std::this_thread::sleep_for(5ms);
      peer.send(kOk);
    }
  });
  int good = 0;
  const auto one = [](HttpClientTest& test, std::uint16_t port, int& count) -> async::Task<void> {
    auto answer = co_await test.client.send(request(port), test.clock.now() + 20s);
    count += answer.ok() ? 1 : 0;
  };
  async::Scope scope(loop);
  for (int i = 0; i < 30; ++i) scope.spawn(one(*this, server.port(), good));
  while (scope.running() > 0) turn();
  EXPECT_EQ(good, 30);
  EXPECT_LE(server.accepted(), 4);
  { const HttpClient closed = std::move(client); }
}

}  // namespace
}  // namespace dynamodb_replicator::os

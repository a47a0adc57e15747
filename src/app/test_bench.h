// For tests of the adapters: a client whose service answers what the test queued, and a driver for
// tasks that sleep.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "aws/client.h"
#include "aws/fake_doors.h"

namespace dynamodb_replicator::app {

struct FixedCredentials : aws::CredentialsProvider {
  aws::CredentialsRef current =
      std::make_shared<const aws::Credentials>(aws::Credentials{.access_key = "a",
                                                                .secret_key = aws::Secret("s"),
                                                                .session_token = aws::Secret(""),
                                                                .expires = std::nullopt,
                                                                .source = "test",
                                                                .placeholder = false});
  Result<aws::CredentialsRef> get() override { return current; }
  bool renew(const aws::CredentialsRef&) override { return false; }
};

struct Bench {
  aws::FakeWorld world;
  aws::Client client;

  explicit Bench(aws::Service service)
      : client(world.doors, {false, "127.0.0.1", 8000, "us-east-1"}, service,
               std::make_shared<FixedCredentials>(), "here/t") {}

  void answer(std::string body, int status = 200) {
    async::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    world.http.answers.emplace_back(std::move(response));
  }
  void fail(const std::string& code) {
    answer(R"({"__type":"x#)" + code + R"(","message":"m"})", 400);
  }

  // Time moves to the next timer when nothing else can happen.
  template <class T>
  T run(async::Task<T> task) {
    task.start();
    while (!task.done()) {
      if (world.loop.ready() > 0) {
        world.loop.run();
      } else if (const auto next = world.loop.next_timer()) {
        world.clock.at = *next;
        world.loop.fire(*next);
      } else {
        base::stop_process("a task waits for nothing", __FILE__, __LINE__);
      }
    }
    return task.take();
  }
  Instant later() { return world.clock.at + 5s; }

  // The operations asked for, in order.
  std::vector<std::string> asked() {
    std::vector<std::string> names;
    for (const auto& request : world.http.requests) {
      for (const auto& header : request.headers) {
        if (header.name == "X-Amz-Target")
          names.push_back(header.value.substr(header.value.find('.') + 1));
      }
    }
    return names;
  }
  const std::string& body(std::size_t i) { return world.http.requests.at(i).body; }
};

}  // namespace dynamodb_replicator::app

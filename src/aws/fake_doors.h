// For tests of this room: doors that hold what the test puts there.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/doors.h"
#include "async/memory_spill.h"

namespace dynamodb_replicator::aws {

struct FakeClock : async::Clock {
  Instant at{};
  WallTime wall_time{};
  Instant now() override { return at; }
  WallTime wall() override { return wall_time; }
};

struct FakeDice : async::Dice {
  std::uint64_t roll() override { return 4; }
};

struct FakeHttp : async::Http {
  using Answer = Result<async::HttpResponse, async::HttpError>;
  std::deque<Answer> answers;
  std::vector<async::HttpRequest> requests;
  std::function<void()> meanwhile;  // happens between a request and its answer
  async::Task<Answer> send(async::HttpRequest request, Instant) override {
    requests.push_back(std::move(request));
    if (meanwhile) meanwhile();
    Answer answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
};

struct FakeFiles : async::Files {
  std::map<std::string, std::string> contents;
  Result<std::optional<std::string>> read(const std::string& path) override {
    const auto found = contents.find(path);
    if (found == contents.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  async::Task<Result<void>> append_line(const std::string&, std::string) override {
    co_return Result<void>();
  }
  Result<void> probe_append(const std::string&) override { return {}; }
  async::Task<Result<void>> replace(const std::string& path, std::string text) override {
    contents[path] = std::move(text);
    co_return Result<void>();
  }
  Result<std::unique_ptr<async::Spill>> scratch(const std::string&) override {
    return std::unique_ptr<async::Spill>(std::make_unique<async::MemorySpill>());
  }
  Result<std::unique_ptr<async::Spill>> spill(const std::string& path) override {
    return std::unique_ptr<async::Spill>(std::make_unique<async::MemorySpill>(&contents[path]));
  }
  Result<void> make_directories(const std::string&) override { return {}; }
  Result<void> remove(const std::string& path) override {
    contents.erase(path);
    return {};
  }
  Result<std::unique_ptr<async::Lock>> lock(const std::string&) override {
    return std::make_unique<async::Lock>();
  }
};

struct FakeEnvironment : async::Environment {
  std::map<std::string, std::string> variables;
  std::deque<Result<std::string>> outputs;
  std::vector<std::string> commands;
  std::optional<std::string> variable(const std::string& name) override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
  std::string home() override { return "/home/u"; }
  std::string process_name() override { return "host@1"; }
  Result<std::string> run_command(const std::string& command) override {
    commands.push_back(command);
    Result<std::string> output = std::move(outputs.front());
    outputs.pop_front();
    return output;
  }
};

struct FakeLog : async::Log {
  std::string text;
  void write(async::Level, std::string_view message, const std::vector<Field>& fields) override {
    text += message;
    for (const auto& [name, value] : fields) text += " " + std::string(name) + "=" + value;
    text += "\n";
  }
};

struct FakeWorld {
  async::Loop loop;
  FakeClock clock;
  FakeDice dice;
  FakeHttp http;
  FakeFiles files;
  FakeEnvironment environment;
  FakeLog log;
  async::Doors doors{loop, clock, dice, http, files, environment, log};
};

}  // namespace dynamodb_replicator::aws

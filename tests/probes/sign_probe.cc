// Prints the request that a client would send, instead of sending it: for comparison with an
// independent signer.
//
// Standard input, one JSON object a line:
// {"service":"dynamodb|streams|kinesis","tls":true,"host":"h","port":443,
// "region":"r","access_key":"a","secret_key":"s","token":"","time":seconds since
// 1970,"operation":"Op","body":"text"} Standard output, for each:
// {"method":...,"target":...,"host":...,"port":...,"tls":...,"headers":[[name,value],...],
// "body":"text"}
#include <simdjson.h>

#include <iostream>
#include <string>

#include "async/doors.h"
#include "aws/client.h"
#include "base/bytes.h"

namespace dynamodb_replicator {
namespace {

struct StoppedClock : async::Clock {
  WallTime at{};
  Instant now() override { return {}; }
  WallTime wall() override { return at; }
};
struct NoDice : async::Dice {
  std::uint64_t roll() override { return 0; }
};
struct Catcher : async::Http {
  async::HttpRequest caught;
  async::Task<Result<async::HttpResponse, async::HttpError>> send(async::HttpRequest request,
                                                                  Instant) override {
    caught = std::move(request);
    co_return async::HttpResponse{200, {}, "{}"};
  }
};
struct NoFiles : async::Files {
  Result<std::optional<std::string>> read(const std::string&) override {
    return std::optional<std::string>();
  }
  async::Task<Result<void>> append_line(const std::string&, std::string) override {
    co_return Result<void>();
  }
  Result<void> probe_append(const std::string&) override { return {}; }
  async::Task<Result<void>> replace(const std::string&, std::string) override {
    co_return Result<void>();
  }
  Result<std::unique_ptr<async::Spill>> scratch(const std::string&) override { return Failure(); }
  Result<std::unique_ptr<async::Spill>> spill(const std::string&) override { return Failure(); }
  Result<void> make_directories(const std::string&) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<std::unique_ptr<async::Lock>> lock(const std::string&) override { return Failure(); }
};
struct NoEnvironment : async::Environment {
  std::optional<std::string> variable(const std::string&) override { return std::nullopt; }
  std::string home() override { return "/"; }
  std::string process_name() override { return "probe"; }
  Result<std::string> run_command(const std::string&) override { return std::string(); }
};
struct NoLog : async::Log {
  void write(async::Level, std::string_view, const std::vector<Field>&) override {}
};

std::string text(const simdjson::dom::object& object, const char* name) {
  return std::string(std::string_view(object[name]));
}

aws::Service service_of(const std::string& name) {
  if (name == "streams") return aws::Service::streams;
  return name == "kinesis" ? aws::Service::kinesis : aws::Service::dynamodb;
}

std::string answer(const simdjson::dom::object& asked) {
  async::Loop loop;
  StoppedClock clock;
  NoDice dice;
  Catcher http;
  NoFiles files;
  NoEnvironment environment;
  NoLog log;
  async::Doors doors{loop, clock, dice, http, files, environment, log};
  clock.at = WallTime(std::chrono::seconds(std::int64_t(asked["time"])));
  aws::Credentials credentials{.access_key = text(asked, "access_key"),
                               .secret_key = aws::Secret(text(asked, "secret_key")),
                               .session_token = aws::Secret(text(asked, "token")),
                               .expires = std::nullopt,
                               .source = "probe",
                               .placeholder = false};
  const aws::Endpoint endpoint{bool(asked["tls"]), text(asked, "host"),
                               static_cast<std::uint16_t>(std::int64_t(asked["port"])),
                               text(asked, "region")};
  aws::Client client(doors, endpoint, service_of(text(asked, "service")),
                     aws::fixed_credentials(std::move(credentials)), "probe");
  auto task = client.call(text(asked, "operation"), text(asked, "body"), Instant{}, false);
  task.start();
  const async::HttpRequest& sent = http.caught;
  std::string out = R"({"method":)" + base::to_json_string(sent.method);
  out += R"(,"target":)" + base::to_json_string(sent.target);
  out += R"(,"host":)" + base::to_json_string(sent.host);
  out += R"(,"port":)" + std::to_string(sent.port);
  out += std::string(R"(,"tls":)") + (sent.tls ? "true" : "false") + R"(,"headers":[)";
  for (const async::Header& header : sent.headers) {
    if (out.back() != '[') out += ',';
    out += "[" + base::to_json_string(header.name) + "," + base::to_json_string(header.value) + "]";
  }
  return out + R"(],"body":)" + base::to_json_string(sent.body) + "}";
}

}  // namespace
}  // namespace dynamodb_replicator

int main() {
  try {
    simdjson::dom::parser parser;
    for (std::string line; std::getline(std::cin, line);) {
      const simdjson::dom::object asked = parser.parse(line);
      std::cout << dynamodb_replicator::answer(asked) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << "sign_probe: " << error.what() << "\n";
    return 2;
  }
  return 0;
}

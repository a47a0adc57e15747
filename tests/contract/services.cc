#include "contract/services.h"

#include <utility>

#include "aws/client.h"
#include "aws/credentials.h"

namespace dynamodb_replicator::contract {
namespace {

constexpr Duration kPatience = 30s;

// The HTTP door, with an ear at it.
class Overheard : public async::Http {
 public:
  Overheard(async::Http& behind, std::string& last_body) : behind_(behind), last_body_(last_body) {}
  async::Task<Result<async::HttpResponse, async::HttpError>> send(async::HttpRequest request,
                                                                  Instant deadline) override {
    auto answer = co_await behind_.send(std::move(request), deadline);
    if (answer.ok()) last_body_ = answer->body;
    co_return answer;
  }

 private:
  async::Http& behind_;
  std::string& last_body_;
};

struct Question {
  aws::Endpoint endpoint;
  aws::Service service;
  std::string operation;
  std::string body;
};

async::Task<int> ask_once(async::Doors& real, Question question, Result<std::string>& answer,
                          std::string& last_body) {
  Overheard http(real.http, last_body);
  async::Doors doors{real.loop,  real.clock,       real.dice, http,
                     real.files, real.environment, real.log};
  aws::Credentials credentials;
  credentials.access_key = Credential::kAccessKey;
  credentials.secret_key = aws::Secret(Credential::kSecret);
  credentials.source = "the contract";
  aws::Client client(doors, std::move(question.endpoint), question.service,
                     aws::fixed_credentials(std::move(credentials)), "contract");
  const Instant deadline = doors.clock.now() + kPatience;
  answer =
      co_await client.call(std::move(question.operation), std::move(question.body), deadline, true);
  co_return 0;
}

async::Task<int> sleep_for(async::Doors& doors, Duration time) {
  const Instant until = doors.clock.now() + time;
  co_await doors.loop.sleep_until(until);
  co_return 0;
}

async::Task<int> roll_once(async::Doors& doors, std::uint64_t& roll) {
  roll = doors.dice.roll();
  co_return 0;
}

}  // namespace

std::function<std::unique_ptr<Services>()> open_services;

Result<std::string> Services::ask(aws::Service service, std::string operation, std::string body) {
  Result<std::string> answer = Failure{};
  run([&](async::Doors& doors) {
    return ask_once(doors, {endpoint(service), service, std::move(operation), std::move(body)},
                    answer, last_body_);
  });
  return answer;
}

void Services::wait(Duration time) {
  run([time](async::Doors& doors) { return sleep_for(doors, time); });
}

std::string Services::new_name(const std::string& about) {
  std::uint64_t roll = 0;
  run([&roll](async::Doors& doors) { return roll_once(doors, roll); });
  return about + "-" + std::to_string(roll);
}

}  // namespace dynamodb_replicator::contract

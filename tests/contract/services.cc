#include "contract/services.h"

#include <utility>

#include "aws/client.h"
#include "aws/credentials.h"

namespace dynamodb_replicator::contract {
namespace {

constexpr Duration kPatience = 30s;

async::Task<int> ask_once(async::Doors& doors, aws::Endpoint endpoint, aws::Service service,
                          std::string operation, std::string body, Result<std::string>& answer) {
  aws::Credentials credentials;
  credentials.access_key = Credential::kAccessKey;
  credentials.secret_key = aws::Secret(Credential::kSecret);
  credentials.source = "the contract";
  aws::Client client(doors, std::move(endpoint), service,
                     aws::fixed_credentials(std::move(credentials)), "contract");
  const Instant deadline = doors.clock.now() + kPatience;
  answer = co_await client.call(std::move(operation), std::move(body), deadline, true);
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
    return ask_once(doors, endpoint(service), service, std::move(operation), std::move(body),
                    answer);
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

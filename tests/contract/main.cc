// contract --simulated | --real [dynamodb-local | dynalite] [gtest's options]: one set of cases
// about what the services do. DynamoDB Local comes with kinesis-mock. The closing line is `N
// passed, N failed`; what a real service is known to do otherwise (differences.cc) is neither.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "contract/differences.h"
#include "contract/services.h"

namespace dynamodb_replicator::contract {
namespace {

std::optional<Engine> engine_in(int count, char** arguments) {
  const std::string_view half = count > 1 ? arguments[1] : "";
  const std::string_view engine = count > 2 ? arguments[2] : "";
  if (half == "--simulated" && count == 2) return Engine::simulated;
  if (half != "--real" || count > 3) return std::nullopt;
  if (engine.empty() || engine == "dynamodb-local") return Engine::dynamodb_local;
  if (engine == "dynalite") return Engine::dynalite;
  return std::nullopt;
}

int run(Engine engine) {
  open_services = [engine] {
    return engine == Engine::simulated ? simulated_services() : real_services(engine);
  };
  // A half that cannot be run has failed.
  if (open_services() == nullptr) {
    std::puts("0 passed, 1 failed");
    return 1;
  }
  if (const std::string absent = nothing_to_ask(engine); !absent.empty()) {
    const std::string asked = GTEST_FLAG_GET(filter);
    GTEST_FLAG_SET(filter, asked + (asked.find('-') == asked.npos ? "-" : ":") + absent);
  }
  // The status says whether anything failed; the report, whether it should have.
  const bool clean = RUN_ALL_TESTS() == 0;
  const bool as_known = report(engine);
  return as_known && (clean || engine != Engine::simulated) ? 0 : 1;
}

}  // namespace
}  // namespace dynamodb_replicator::contract

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  const auto engine = dynamodb_replicator::contract::engine_in(count, arguments);
  if (!engine) {
    std::fputs("usage: contract --simulated | --real [dynamodb-local | dynalite]\n", stderr);
    return 2;
  }
  return dynamodb_replicator::contract::run(*engine);
}

// contract --simulated | --real [gtest's options]: one set of cases about what the services do. The
// closing line is `N passed, N failed`.
#include <gtest/gtest.h>

#include <cstdio>
#include <string_view>

#include "contract/services.h"

int main(int count, char** arguments) {
  using namespace dynamodb_replicator::contract;
  testing::InitGoogleTest(&count, arguments);
  const std::string_view half = count == 2 ? arguments[1] : "";
  if (half == "--simulated") {
    open_services = simulated_services;
  } else if (half == "--real") {
    open_services = real_services;
  } else {
    std::fprintf(stderr, "usage: contract --simulated | --real\n");
    return 2;
  }
  // A half that cannot be run has failed.
  if (open_services() == nullptr) {
    std::puts("0 passed, 1 failed");
    return 1;
  }
  const int status = RUN_ALL_TESTS();
  const auto& all = *testing::UnitTest::GetInstance();
  std::printf("%d passed, %d failed\n", all.successful_test_count(),
              all.failed_test_count() + all.skipped_test_count());
  return status != 0 || all.skipped_test_count() > 0 || all.successful_test_count() == 0 ? 1 : 0;
}

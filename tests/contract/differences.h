// Where a real service is known not to do what AWS documents: by case, with what it shows instead
// and why. Such a case is run all the same and must fail in just that way, so that a line here
// cannot outlive its reason.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "contract/services.h"

namespace dynamodb_replicator::contract {

struct Difference {
  std::string_view cases;   // "Suite.Case" or "Suite.*"
  std::string_view shown;   // stands in the first failed expectation; empty: there is nothing that
                            // could be asked, so the case is not run
  std::string_view reason;  // for people
};

std::span<const Difference> known_differences(Engine engine);

// What gtest's filter leaves out because there is nothing to ask: "A.*:B.C", empty if all is asked.
std::string nothing_to_ask(Engine engine);

// After all cases were run: prints one line for each difference and for each case that was not
// asked, then `N passed, N failed`. True: every case passed or failed as is known of it.
bool report(Engine engine);

}  // namespace dynamodb_replicator::contract

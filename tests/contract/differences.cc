#include "contract/differences.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace dynamodb_replicator::contract {
namespace {

constexpr std::string_view kOnABadDay =
    "an emulator has no bad day: nobody throttles it, and its reads are never stale";

// DynamoDB Local 1.25.1 and kinesis-mock 0.6.2
constexpr Difference kLocal[] = {
    {"BadDays.*", "", kOnABadDay},
    {"Batches.OneKeySpelledTwiceIsReadOnce", "accepted",
     "it answers two spellings of one number with the item, twice"},
    {"Values.NumbersInListsAndMapsAreNormalised", "1e2",
     "it keeps the spelling of numbers in lists and maps"},
    {"Values.NumbersThatUpdatesSetAreNormalised", "1.50",
     "it keeps the spelling of numbers that UpdateItem sets"},
    {"Transactions.OneItemSpelledTwiceIsOneItem", "accepted",
     "it takes two spellings of one number for two items"},
    {"Transactions.CostTwiceTheUnits", "Which is: 8",
     "it reports the units of one action for each table, however many there are"},
    {"KinesisStreams.WhatIsNoIteratorIsRefused", "HTTP status 500",
     "kinesis-mock answers what is no iterator with status 500 and no body"},
    {"KinesisStreams.WhatIsNoSequenceNumberIsRefused", "accepted",
     "kinesis-mock gives an iterator for any sequence number"},
};

// dynalite 4.0.0
constexpr Difference kDynalite[] = {
    {"BadDays.*", "", kOnABadDay},
    {"KinesisStreams.*", "", "it is a DynamoDB and no Kinesis"},
    {"TableStreams.*", "UnknownOperationException", "it has no streams"},
    {"Tables.AStreamIsDescribedWithItsTable", "described->stream_enabled", "it has no streams"},
    {"Transactions.*", "UnknownOperationException", "it has no transactions"},
    {"Batches.AWriteIsAPutOrADelete", "accepted", "it takes the put and forgets the delete"},
    {"Values.ANumberMayBeginWithAPlus", "ValidationException",
     "its numbers are those of a JavaScript library, which knows no plus sign"},
    {"Values.StringsCountTheirBytes", "accepted", "it counts UTF-16 units where AWS counts bytes"},
};

bool covers(const Difference& difference, std::string_view suite, std::string_view name) {
  const auto dot = difference.cases.find('.');
  if (difference.cases.substr(0, dot) != suite) return false;
  const std::string_view wanted = difference.cases.substr(dot + 1);
  return wanted == "*" || wanted == name;
}

// The first expectation of a case that failed; empty if none did.
std::string first_failure(const testing::TestInfo& one) {
  for (int i = 0; i < one.result()->total_part_count(); ++i) {
    const auto& part = one.result()->GetTestPartResult(i);
    if (part.failed()) return part.message();
  }
  return {};
}

struct Count {
  int passed = 0;
  int failed = 0;
  int different = 0;
};

void count_case(std::span<const Difference> known, const testing::TestInfo& one,
                std::vector<bool>& met, Count& count) {
  const std::string name = std::string(one.test_suite_name()) + "." + one.name();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!covers(known[i], one.test_suite_name(), one.name())) continue;
    met[i] = true;
    const std::string_view reason = known[i].reason;
    if (known[i].shown.empty()) {
      std::printf("[not asked] %s: %.*s\n", name.c_str(), static_cast<int>(reason.size()),
                  reason.data());
    } else if (!one.should_run()) {
    } else if (first_failure(one).find(known[i].shown) != std::string::npos) {
      ++count.different;
      std::printf("[different] %s: %.*s\n", name.c_str(), static_cast<int>(reason.size()),
                  reason.data());
    } else {
      ++count.failed;
      std::printf("[failed] %s does not differ as it did: take it off the list\n", name.c_str());
    }
    return;
  }
  if (!one.should_run()) return;
  ++(one.result()->Passed() ? count.passed : count.failed);
}

}  // namespace

std::span<const Difference> known_differences(Engine engine) {
  if (engine == Engine::dynamodb_local) return kLocal;
  if (engine == Engine::dynalite) return kDynalite;
  return {};
}

std::string nothing_to_ask(Engine engine) {
  std::string out;
  for (const Difference& one : known_differences(engine)) {
    if (one.shown.empty()) out += (out.empty() ? "" : ":") + std::string(one.cases);
  }
  return out;
}

bool report(Engine engine) {
  const auto known = known_differences(engine);
  const auto& all = *testing::UnitTest::GetInstance();
  std::vector<bool> met(known.size());
  Count count;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j)
      count_case(known, *suite.GetTestInfo(j), met, count);
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (met[i]) continue;
    ++count.failed;
    std::printf("[failed] there is no case %.*s\n", static_cast<int>(known[i].cases.size()),
                known[i].cases.data());
  }
  std::printf("%d known differences\n%d passed, %d failed\n", count.different, count.passed,
              count.failed);
  return count.failed == 0 && count.passed > 0;
}

}  // namespace dynamodb_replicator::contract

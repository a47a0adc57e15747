#include "core/batches.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <numeric>

namespace dynamodb_replicator::core {
namespace {

using Sizes = std::vector<std::size_t>;

TEST(CutBatches, CutsByCount) {
  EXPECT_EQ(cut_batches(Sizes(60, 100), 25), (Sizes{25, 50, 60}));
  EXPECT_EQ(cut_batches(Sizes(25, 100), 25), (Sizes{25}));
  EXPECT_EQ(cut_batches(Sizes(3, 100), 1), (Sizes{1, 2, 3}));
  EXPECT_EQ(cut_batches({}, 25), Sizes{});
}

TEST(CutBatches, CutsByBytes) {
  const std::size_t third = kBatchBytesMax / 3;
  EXPECT_EQ(cut_batches({third, third, third, 3, third}, 25), (Sizes{3, 5}));
  EXPECT_EQ(cut_batches({kBatchBytesMax, 1}, 25), (Sizes{1, 2}));
}

TEST(CutBatches, AnItemTooLargeGoesAlone) {
  EXPECT_EQ(cut_batches({1, kBatchBytesMax + 1, 1}, 25), (Sizes{1, 2, 3}));
}

TEST(CutBatches, EveryItemIsInOneBatchThatFits) {
  EXPECT_TRUE(rc::check([] {
    const auto sizes =
        *rc::gen::container<Sizes>(rc::gen::inRange<std::size_t>(1, kBatchBytesMax / 2));
    const auto count = *rc::gen::inRange<std::size_t>(1, 26);
    std::size_t begin = 0;
    for (const std::size_t end : cut_batches(sizes, count)) {
      RC_ASSERT(end > begin);
      RC_ASSERT(end - begin <= count);
      const auto from = sizes.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto to = sizes.begin() + static_cast<std::ptrdiff_t>(end);
      RC_ASSERT(std::accumulate(from, to, std::size_t{0}) <= kBatchBytesMax);
      begin = end;
    }
    RC_ASSERT(begin == sizes.size());
  }));
}

TEST(CutBatches, ATransactionHasItsOwnLimits) {
  const std::vector<std::size_t> bytes(250, 39'000);
  EXPECT_EQ(cut_batches(bytes, kFencedWritesMax, kFencedBytesMax),
            (std::vector<std::size_t>{99, 198, 250}));
  EXPECT_EQ(cut_batches({2'000'000, 1'900'000, 1}, kFencedWritesMax, kFencedBytesMax),
            (std::vector<std::size_t>{2, 3}));
}

}  // namespace
}  // namespace dynamodb_replicator::core

// The longest idle producers are forgotten, of the partitions that remember the most.

#include "broker/producer_limit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/machine/rng.h"

namespace mq::broker {
namespace {

TEST(ProducerLimit, WhoHasLittleKeepsItAndAllOthersAreOfOneHeight) {
  EXPECT_EQ(common_height({10, 10}, 10), 5U);
  EXPECT_EQ(common_height({1000, 1, 2}, 103), 100U);
  EXPECT_EQ(common_height({3, 100, 100}, 53), 25U);
  EXPECT_EQ(common_height({7}, 3), 3U);
  EXPECT_EQ(common_height({5, 5, 5}, 2), 0U);
}

TEST(ProducerLimit, TogetherTheyKeepNoMoreThanTheRoomAndNearlyAllOfIt) {
  sim::Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::size_t> counts(1 + rng.below(20));
    std::size_t sum = 0;
    for (std::size_t& count : counts) sum += count = rng.below(100);
    if (sum == 0) continue;
    const std::size_t room = rng.below(sum);
    const std::size_t height = common_height(counts, room);
    std::size_t kept = 0;
    for (const std::size_t count : counts) kept += std::min(count, height);
    EXPECT_LE(kept, room);
    EXPECT_GT(kept + counts.size(), room);
  }
}

}  // namespace
}  // namespace mq::broker

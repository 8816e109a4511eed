#include "log/leader_epochs.h"

#include <gtest/gtest.h>

#include <random>

namespace mq::log {
namespace {

TEST(LeaderEpochs, EndOffsetAgreesWithLookingAtEveryOffset) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    LeaderEpochs epochs;
    std::vector<int> of_offset;  // the epoch of each offset
    int epoch = static_cast<int>(random() % 3);
    while (of_offset.size() < 60) {
      epochs.assign(LeaderEpoch{epoch}, Offset{static_cast<std::int64_t>(of_offset.size())});
      for (unsigned n = random() % 9; n > 0; --n) of_offset.push_back(epoch);
      if (random() % 8 == 0 && !of_offset.empty()) {
        of_offset.resize(random() % of_offset.size());
        epochs.truncate_from(Offset{static_cast<std::int64_t>(of_offset.size())});
        epoch = std::max(epoch, epochs.latest().value());
      }
      epoch += 1 + static_cast<int>(random() % 3);
    }
    const Offset end{static_cast<std::int64_t>(of_offset.size())};
    for (std::size_t i = 0; i < of_offset.size(); ++i)
      ASSERT_EQ(epochs.at(Offset{static_cast<std::int64_t>(i)}), LeaderEpoch{of_offset[i]}) << seed;
    for (int asked = -1; asked <= epoch + 1; ++asked) {
      // Among epochs with an entry: the largest at most `asked`, which ends where the next larger one begins.
      EpochEnd expected;
      const auto& entries = epochs.entries();
      if (asked >= 0 && !entries.empty() && LeaderEpoch{asked} <= entries.back().epoch) {
        if (LeaderEpoch{asked} == entries.back().epoch) {
          expected = {LeaderEpoch{asked}, end};
        } else {
          std::size_t first_above = 0;
          while (entries[first_above].epoch <= LeaderEpoch{asked}) ++first_above;
          expected.end_offset = entries[first_above].start;
          expected.epoch = first_above == 0 ? LeaderEpoch{asked} : entries[first_above - 1].epoch;
        }
      }
      ASSERT_EQ(epochs.end_offset_for(LeaderEpoch{asked}, end), expected) << "seed " << seed << " epoch " << asked;
    }
    const auto decoded = LeaderEpochs::decode(epochs.encode());
    ASSERT_TRUE(decoded) << seed;
    EXPECT_EQ(decoded->entries(), epochs.entries());
  }
}

TEST(LeaderEpochs, EpochWithoutBatchesGivesWayToTheNext) {
  LeaderEpochs epochs;
  epochs.assign(LeaderEpoch{1}, Offset{0});
  epochs.assign(LeaderEpoch{2}, Offset{10});
  epochs.assign(LeaderEpoch{4}, Offset{10});
  EXPECT_FALSE(epochs.assign(LeaderEpoch{4}, Offset{20}));
  EXPECT_FALSE(epochs.assign(LeaderEpoch{3}, Offset{20}));
  EXPECT_EQ(epochs.encode(), "0\n2\n1 0\n4 10\n");
}

TEST(LeaderEpochs, StartOfTheLogMovesTheEpochThatHoldsIt) {
  LeaderEpochs epochs;
  epochs.assign(LeaderEpoch{1}, Offset{0});
  epochs.assign(LeaderEpoch{2}, Offset{10});
  epochs.assign(LeaderEpoch{3}, Offset{20});
  epochs.forget_before(Offset{15});
  EXPECT_EQ(epochs.encode(), "0\n2\n2 15\n3 20\n");
}

TEST(LeaderEpochs, DamagedTextIsRefused) {
  for (const char* text :
       {"", "0\n", "1\n0\n", "0\nx\n", "0\n1\n", "0\n1\n1\n", "0\n1\n1 2", "0\n2\n2 0\n1 5\n", "0\n2\n1 5\n2 5\n",
        "0\n1\n-1 0\n", "0\n1\n1 -5\n", "0\n1\n1 2 3\n", "0\n1\n99999999999 0\n"})
    EXPECT_FALSE(LeaderEpochs::decode(text)) << text;
}

}  // namespace
}  // namespace mq::log

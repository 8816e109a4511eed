#include <gtest/gtest.h>

#include <vector>

#include "log/compaction_plan.h"
#include "log/retention_plan.h"

namespace mq::log {
namespace {

constexpr Offset kAll{1'000'000};

/// The segments of a log, with their times, for a plan.
class PlanTest : public ::testing::Test {
 protected:
  void segment(std::int64_t end, std::uint64_t bytes, WallMillis time) {
    segments_.push_back({.end = Offset{end}, .bytes = bytes});
    times_.push_back(time);
  }
  SegmentTime time() {
    return [this](std::size_t i) -> Result<WallMillis> {
      ++looks_;
      return times_.at(i);
    };
  }
  std::size_t retention(Offset log_start = Offset{0}, Offset bound = kAll) {
    return plan_retention(segments_, {.log_start = log_start, .bound = bound, .wall_now = wall_}, config_, time())
        .value();
  }
  std::size_t compaction(Offset compacted_end = Offset{0}, Offset bound = kAll) {
    return plan_compaction(segments_, {.compacted_end = compacted_end, .bound = bound, .wall_now = wall_}, config_,
                           time(), time())
        .value();
  }

  std::vector<SegmentFacts> segments_;
  std::vector<WallMillis> times_;
  LogConfig config_;
  WallMillis wall_ = 10'000;
  int looks_ = 0;
};

using RetentionPlan = PlanTest;
using CompactionPlan = PlanTest;

TEST_F(RetentionPlan, OldSegmentsGoUpToTheFirstYoungOne) {
  config_.retention_ms = 1'000;
  segment(10, 100, 8'000);
  segment(20, 100, 8'999);
  segment(30, 100, 9'000);
  segment(40, 100, 8'000);
  EXPECT_EQ(retention(), 2U);
}

TEST_F(RetentionPlan, AgeTakesTheLastSegmentTooUnlessItIsEmpty) {
  config_.retention_ms = 1'000;
  segment(10, 100, 8'000);
  segment(20, 100, 8'000);
  EXPECT_EQ(retention(), 2U);
  segments_.back().bytes = 0;
  EXPECT_EQ(retention(), 1U);
}

TEST_F(RetentionPlan, SizeKeepsAtLeastWhatItSaysAndTheLastSegment) {
  config_.retention_ms = -1;
  config_.retention_bytes = 250;
  for (int i = 1; i <= 4; ++i) segment(10 * i, 100, 0);
  EXPECT_EQ(retention(), 1U);
  config_.retention_bytes = 200;
  EXPECT_EQ(retention(), 2U);
  config_.retention_bytes = 0;
  EXPECT_EQ(retention(), 3U);
  EXPECT_EQ(looks_, 0);
}

TEST_F(RetentionPlan, NothingAboveTheBoundGoes) {
  config_.retention_ms = 1'000;
  segment(10, 100, 1);
  segment(20, 100, 1);
  segment(30, 100, 1);
  EXPECT_EQ(retention(Offset{0}, Offset{20}), 2U);
  EXPECT_EQ(retention(Offset{0}, Offset{19}), 1U);
}

TEST_F(RetentionPlan, WhatTheStartHasPassedGoesWhateverThePolicy) {
  config_.cleanup_delete = false;
  segment(10, 100, 9'999);
  segment(20, 100, 9'999);
  segment(30, 100, 9'999);
  EXPECT_EQ(retention(Offset{19}), 1U);
  EXPECT_EQ(retention(Offset{20}), 2U);
}

TEST_F(RetentionPlan, AnEmptySegmentGoesWithWhatFollows) {
  config_.retention_ms = 1'000;
  segment(10, 0, -1);
  segment(20, 100, 9'500);
  segment(30, 100, 9'500);
  EXPECT_EQ(retention(), 0U);
  times_[1] = 1;
  EXPECT_EQ(retention(), 2U);
}

TEST_F(RetentionPlan, RecordsWithoutATimeAreKept) {
  config_.retention_ms = 1'000;
  segment(10, 100, -1);
  segment(20, 100, 9'500);
  EXPECT_EQ(retention(), 0U);
}

TEST_F(RetentionPlan, ATimeThatCannotBeReadEndsIt) {
  segment(10, 100, 0);
  const auto unread = [](std::size_t) -> Result<WallMillis> { return fail(Errc::would_block, "cold"); };
  const auto plan = plan_retention(segments_, {.bound = kAll, .wall_now = wall_}, config_, unread);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Errc::would_block);
}

TEST_F(CompactionPlan, TheLastSegmentAndWhatIsAboveTheBoundAreLeftAlone) {
  for (int i = 1; i <= 4; ++i) segment(10 * i, 100, 0);
  EXPECT_EQ(compaction(), 3U);
  EXPECT_EQ(compaction(Offset{0}, Offset{29}), 2U);
  EXPECT_EQ(compaction(Offset{0}, Offset{9}), 0U);
}

TEST_F(CompactionPlan, ItWaitsUntilEnoughWasNotLookedAt) {
  for (int i = 1; i <= 4; ++i) segment(10 * i, 100, 9'999);
  config_.min_cleanable_ratio = 0.5;
  EXPECT_EQ(compaction(Offset{20}), 0U);  // a third of it
  EXPECT_EQ(compaction(Offset{10}), 3U);  // two thirds
  EXPECT_EQ(compaction(Offset{30}), 0U);
  config_.min_cleanable_ratio = 0;
  EXPECT_EQ(compaction(Offset{30}), 0U);
}

TEST_F(CompactionPlan, WhatWaitsForTooLongIsCompactedWhateverTheRatio) {
  for (int i = 1; i <= 4; ++i) segment(10 * i, 100, 9'000);
  config_.max_compaction_lag_ms = 1'000;
  EXPECT_EQ(compaction(Offset{20}), 0U);
  times_[2] = 8'999;
  EXPECT_EQ(compaction(Offset{20}), 3U);
}

TEST_F(CompactionPlan, WhatIsTooYoungIsLeftAloneWithAllThatFollows) {
  for (int i = 1; i <= 5; ++i) segment(10 * i, 100, 5'000);
  config_.min_compaction_lag_ms = 1'000;
  times_[2] = 9'001;
  EXPECT_EQ(compaction(), 2U);
  // It was old enough when it was looked at first.
  config_.min_cleanable_ratio = 0;
  EXPECT_EQ(compaction(Offset{30}), 4U);
}

}  // namespace
}  // namespace mq::log

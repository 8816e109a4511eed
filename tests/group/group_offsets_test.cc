// The offsets of a group as a part of it: who may commit is not asked here.

#include <gtest/gtest.h>

#include "group/offsets.h"
#include "parts.h"

namespace mq::group {
namespace {

class GroupOffsetsTest : public testing::Test {
 protected:
  ~GroupOffsetsTest() override { offsets_.check_invariants(); }

  static wire::OffsetCommitRequest request_for(std::int64_t offset) {
    wire::OffsetCommitRequest request;
    request.topics.emplace_back().name = "t";
    request.topics[0].partitions.push_back({.partition_index = 0, .committed_offset = offset});
    return request;
  }
  Step commit(std::int64_t offset) {
    Step step = steps_.at();
    offsets_.commit(step, RequestToken{1}, request_for(offset));
    return step;
  }
  static ErrorCode error_in(const Step& step) {
    return std::get<wire::OffsetCommitResponse>(step.answers.at(0).response).topics[0].partitions[0].error_code;
  }
  [[nodiscard]] std::int64_t committed() const { return offsets_.fetch(kPartition, false).committed_offset; }

  const TopicPartition kPartition{"t", 0};
  Steps steps_;
  Offsets offsets_;
};

TEST_F(GroupOffsetsTest, AreUnstableUntilTheLastAppendOfAPartitionHasEnded) {
  Step first = commit(1);
  Step second = commit(2);
  EXPECT_TRUE(first.answers.empty());
  EXPECT_EQ(error_in(steps_.end(first.appends.at(0))), ErrorCode::kNone);
  EXPECT_EQ(committed(), 1);
  EXPECT_EQ(offsets_.fetch(kPartition, true).error_code, ErrorCode::kUnstableOffsetCommit);
  (void)steps_.end(second.appends.at(0));
  EXPECT_EQ(offsets_.fetch(kPartition, true).committed_offset, 2);
  EXPECT_FALSE(offsets_.has_appends());
}

TEST_F(GroupOffsetsTest, GiveBackWhatWasCountedForACommitThatFailed) {
  Step step = commit(1);
  EXPECT_GT(offsets_.bytes(), 0u);
  EXPECT_EQ(error_in(steps_.end(step.appends.at(0), ErrorCode::kNotEnoughReplicas)),
            ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(offsets_.bytes(), 0u);
  EXPECT_TRUE(offsets_.is_empty());
}

TEST_F(GroupOffsetsTest, AreRefusedWithoutRoomForThem) {
  steps_.policy.room.for_bytes = [](std::size_t) { return false; };
  Step step = commit(1);
  EXPECT_TRUE(step.appends.empty());
  EXPECT_EQ(error_in(step), ErrorCode::kGroupMaxSizeReached);
}

TEST_F(GroupOffsetsTest, AreErasedInAsManyBatchesAsNeededAndWhatComesLastIsInTheLast) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; i < 10; ++i) {
    partitions.push_back({"t", i});
    offsets_.restore(partitions.back(), {.offset = i});
  }
  steps_.policy.room.batch_bytes = [] { return std::size_t{300}; };
  Step step = steps_.at();
  int ended = 0;
  offsets_.erase(step, partitions, {{"last", std::nullopt}}, [&](Step&, ErrorCode) { ++ended; });
  ASSERT_GT(step.appends.size(), 1u);
  for (WantedAppend& append : step.appends) {
    EXPECT_EQ(append.records.back().key == "last", &append == &step.appends.back());
    (void)steps_.end(append);
    EXPECT_EQ(ended, &append == &step.appends.back() ? 1 : 0);
  }
  EXPECT_TRUE(offsets_.is_empty());
}

TEST_F(GroupOffsetsTest, OneThatIsOnItsWayIsKnownAndErasedBehindIt) {
  Step written = commit(1);
  EXPECT_TRUE(offsets_.knows(kPartition));
  Step erased = steps_.at();
  offsets_.erase(erased, offsets_.known(), {}, [](Step&, ErrorCode) {});
  (void)steps_.end(written.appends.at(0));
  EXPECT_EQ(committed(), 1);
  (void)steps_.end(erased.appends.at(0));
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupOffsetsTest, ExpireOnlyWhenNotNeededForLongEnoughAndNotOnTheirWay) {
  offsets_.restore({"read", 0}, {.committed_at = 0});
  offsets_.restore({"old", 0}, {.committed_at = 0});
  offsets_.restore({"young", 0}, {.committed_at = 9'001});
  offsets_.restore({"own", 0}, {.committed_at = 9'999, .expires_at = 10'000});
  offsets_.restore(kPartition, {.committed_at = 0});
  Step step = commit(5);
  const auto unneeded_since = [](std::string_view topic, WallMillis committed_at) {
    return topic == "read" ? std::nullopt : std::optional(committed_at);
  };
  const auto expired = offsets_.expired(10'000, 1s, unneeded_since);
  EXPECT_EQ(expired, (std::vector<TopicPartition>{{"old", 0}, {"own", 0}}));
  (void)steps_.end(step.appends.at(0));
}

}  // namespace
}  // namespace mq::group

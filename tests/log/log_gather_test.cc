#include "log/log.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

/// A log whose small batches wait for `write_out`, as a partition of the broker uses it.
class GatheringLog : public LogFixture {
 protected:
  GatheringLog() {
    create();
    log_->gather_small_batches();
  }
  std::uint64_t bytes_in_file() {
    return disk_.file_size(std::string(kDirectory) + "/00000000000000000000.log").value();
  }
};

TEST_F(GatheringLog, SmallBatchesAreCountedAtOnceAndWrittenTogether) {
  append_many(10);
  EXPECT_EQ(log_->log_end(), Offset{10});
  EXPECT_EQ(log_->written_end(), Offset{0});
  EXPECT_EQ(bytes_in_file(), 0U);
  ASSERT_TRUE(log_->write_out());
  EXPECT_EQ(log_->written_end(), Offset{10});
  EXPECT_EQ(bytes_in_file(), log_->size_bytes());
  EXPECT_EQ(read_all(0).size(), 10U);
}

TEST_F(GatheringLog, WhatNeedsTheFileWritesOutFirst) {
  append_many(3);
  EXPECT_EQ(read_all(0).size(), 3U);
  EXPECT_FALSE(log_->has_gathered());
  append_many(2);
  ASSERT_TRUE(sync());
  EXPECT_EQ(log_->synced_end(), Offset{5});
  append_many(1);
  ASSERT_TRUE(log_->roll(wall_));
  append_many(1);
  ASSERT_TRUE(log_->truncate_to(Offset{6}, wall_));
  EXPECT_EQ(read_all(0).size(), 6U);
  append_many(4);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(read_all(0).size(), 10U);
}

TEST_F(GatheringLog, ALargeBatchIsWrittenAtOnceBehindTheGatheredOnes) {
  append_many(3);
  append_many(1, 100'000);
  EXPECT_EQ(log_->written_end(), Offset{4});
  EXPECT_EQ(bytes_in_file(), log_->size_bytes());
  const auto records = read_all(0);
  ASSERT_EQ(records.size(), 4U);
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].offset, static_cast<std::int64_t>(i));
}

TEST_F(GatheringLog, GatheredBatchesDoNotGrowWithoutBound) {
  for (int i = 0; i < 200; ++i) {
    append_many(1, 3'000);
    EXPECT_LE(log_->size_bytes() - bytes_in_file(), std::uint64_t{64} << 10);
  }
}

TEST_F(GatheringLog, AKillLosesOnlyWhatWasNotWrittenOut) {
  append_many(5);
  ASSERT_TRUE(log_->write_out());
  append_many(5);
  ASSERT_TRUE(open(unclean()));
  EXPECT_EQ(log_->log_end(), Offset{5});
  EXPECT_EQ(read_all(0).size(), 5U);
}

TEST_F(GatheringLog, AFullDiskRefusesABatchBeforeItIsGathered) {
  append_many(1);
  ASSERT_TRUE(log_->write_out());
  disk_.set_capacity(0);
  int taken = 0;
  Result<AppendInfo> appended = AppendInfo{};
  while ((appended = append({{.key = {}, .value = std::string(1'000, 'x')}}))) ++taken;
  EXPECT_EQ(appended.error().code, Errc::disk_full);
  // What was taken had room reserved for it.
  ASSERT_TRUE(log_->write_out());
  EXPECT_EQ(log_->written_end(), Offset{1 + taken});
  disk_.set_capacity(std::uint64_t{1} << 40);
  append_many(1);
  EXPECT_EQ(read_all(0).size(), static_cast<std::size_t>(taken) + 2);
}

}  // namespace
}  // namespace mq::log

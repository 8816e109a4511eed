#include <algorithm>

#include "log/recovery.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

/// Bytes in, the contents of a log out.
class ContentsTest : public LogFixture {
 protected:
  ContentsTest() { EXPECT_TRUE(disk_.make_directories(kDirectory)); }

  void write(const std::string& file, const std::string& bytes) {
    auto opened = disk_.open(file, env::OpenMode::create).value();
    EXPECT_TRUE(opened->write_at(0, bytes));
    EXPECT_TRUE(opened->sync());
  }
  /// A batch of one record as it stands in a log.
  std::string batch_at(std::int64_t offset, std::int32_t epoch = 0) {
    std::string batch = make_batch({{.key = {}, .value = "v", .timestamp = wall_}},
                                   {.id = 42, .epoch = 0, .sequence = static_cast<std::int32_t>(offset)});
    record::set_base_offset(batch.data(), Offset{offset});
    record::set_leader_epoch(batch.data(), LeaderEpoch{epoch});
    return batch;
  }
  std::string batches(std::int64_t from, std::int64_t end, std::int32_t epoch = 0) {
    std::string all;
    for (; from < end; ++from) all += batch_at(from, epoch);
    return all;
  }
  Result<LogContents> read(OpenContext context = {}) {
    context.topic_id = topic_id_;
    report_ = {};
    return read_contents(disk_, std::make_shared<const std::string>(kDirectory), config_, context, report_);
  }
};

TEST_F(ContentsTest, AnEmptyDirectoryIsALogWithoutABatch) {
  const auto contents = read({.log_start = Offset{7}}).value();
  EXPECT_TRUE(contents.segments.empty());
  EXPECT_EQ(contents.durability.start(), Offset{7});
  EXPECT_EQ(contents.durability.end(), Offset{7});
  EXPECT_EQ(contents.topic_id, topic_id_);
}

TEST_F(ContentsTest, WhatTheBatchesSayIsWhatIsKnown) {
  write(path(0), batches(0, 3, 1));
  write(path(3), batches(3, 5, 4));
  const auto contents = read().value();
  EXPECT_EQ(contents.segments.size(), 2U);
  EXPECT_EQ(contents.durability.end(), Offset{5});
  EXPECT_EQ(contents.durability.synced(), Offset{5});
  EXPECT_EQ(contents.durability.recovery_point(), Offset{0}) << "what is made from them is not saved";
  EXPECT_TRUE(contents.durability.is_checkpoint_due(false));
  EXPECT_EQ(contents.epochs->entries(),
            (std::vector<LeaderEpochs::Entry>{{LeaderEpoch{1}, Offset{0}}, {LeaderEpoch{4}, Offset{3}}}));
  EXPECT_EQ(contents.producers->list().front().last_sequence, Sequence{4});
  EXPECT_TRUE(contents.damage.empty());
  EXPECT_TRUE(report_.end_uncertain);
  EXPECT_FALSE(contents.segments.has_open_files());
}

TEST_F(ContentsTest, ABadBatchIsATornTailAtTheSyncedEndAndDamageBelow) {
  std::string bytes = batches(0, 6);
  const std::size_t one = bytes.size() / 6;
  bytes[4 * one - 1] ^= 1;
  for (const std::int64_t synced : {6, 3}) {
    write(path(0), bytes);
    const auto contents = read({.synced_end = Offset{synced}}).value();
    EXPECT_EQ(contents.durability.end(), Offset{synced});
    EXPECT_EQ(contents.damage.size(), synced == 6 ? 1U : 0U);
    EXPECT_EQ(report_.bytes_cut, synced == 6 ? 0U : 3 * one);
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    EXPECT_TRUE(contents.torn.empty());
  }
}

/// The byte that says so is covered by no CRC: what is read of the batch tells.
TEST_F(ContentsTest, WhatLooksLikeAnOldFormatAndCannotBeReadIsDamageWhereTheLogWasDurable) {
  std::string bytes = batches(0, 3);
  bytes[16] = 0;
  for (const std::int64_t synced : {3, 0})
    for (int after = 0; after < 6; ++after) {
      SCOPED_TRACE(::testing::Message() << synced << ", " << after);
      write(path(0), bytes);
      disk_.inject({.on = sim::DiskFault::On::read, .path_part = ".log", .after = after, .times = 2});
      const auto contents = read({.synced_end = Offset{synced}});
      disk_.clear_faults();
      if (synced > 0) {
        ASSERT_TRUE(contents) << contents.error().message;
        EXPECT_EQ(contents->durability.end(), Offset{3});
        EXPECT_FALSE(contents->damage.empty());
        EXPECT_EQ(report_.bytes_cut, 0U);
      } else if (!contents) {
        EXPECT_EQ(this->contents(path(0)), bytes) << "it may be another program's";
      }
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    }
}

TEST_F(ContentsTest, AfterDamageTheLogGoesOnInANewSegment) {
  write(path(0), batches(0, 4));
  const auto contents = read({.synced_end = Offset{9}}).value();
  EXPECT_EQ(contents.durability.end(), Offset{9});
  EXPECT_EQ(contents.segments.back()->base_offset(), Offset{9});
  ASSERT_EQ(contents.damage.size(), 1U);
  EXPECT_EQ(contents.damage.front().first_offset, Offset{4});
  EXPECT_EQ(contents.damage.front().end_offset, Offset{9});
}

/// Batches behind what could not be read at some time were replaced since: by a segment that is lost now.
TEST_F(ContentsTest, WhatCouldNotBeReadDoesNotComeBackWhenTheSegmentAfterItIsLost) {
  for (const std::int64_t synced : {2, 7}) {
    SCOPED_TRACE(synced);
    write(path(0), batches(0, 4));
    disk_.inject({.on = sim::DiskFault::On::read, .path_part = ".log", .times = -1});
    EXPECT_EQ(read({.synced_end = Offset{2}}).value().segments.back()->base_offset(), Offset{2});
    disk_.clear_faults();
    ASSERT_TRUE(disk_.remove(path(2)));
    write(path(5), batches(5, 7, 1));
    const auto contents = read({.synced_end = Offset{synced}}).value();
    EXPECT_EQ(contents.durability.end(), Offset{synced});
    EXPECT_EQ(contents.segments.front()->load_tail(config_).value(), Offset{2});
    EXPECT_EQ(contents.damage.size(), synced == 2 ? 0U : 1U);
    if (synced == 7) {
      EXPECT_EQ(contents.damage.front().first_offset, Offset{2});
      EXPECT_EQ(contents.damage.front().end_offset, Offset{5});
    }
    // Nor does anything follow in that segment.
    EXPECT_GT(contents.segments.back()->base_offset(), Offset{0});
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(ContentsTest, AfterACleanStopNothingIsReadAndAnythingElseIsNotBelieved) {
  const std::string bytes = batches(0, 4);
  write(path(0), bytes);
  const OpenContext context{.clean = true, .synced_end = Offset{4}, .recovery_point = Offset{4}, .bytes = bytes.size()};
  const auto contents = read(context).value();
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(contents.epochs, nullptr);
  EXPECT_EQ(contents.producers, nullptr);
  EXPECT_EQ(contents.durability.recovery_point(), Offset{4});
  write(path(4), batches(4, 5));
  const auto longer = read(context).value();
  EXPECT_FALSE(report_.clean);
  EXPECT_EQ(longer.durability.end(), Offset{5});
}

TEST_F(ContentsTest, RecoveringWhatWasRecoveredChangesNothing) {
  write(path(0), batches(0, 4) + "torn");
  write(path(0, "index"), "rot");
  ASSERT_TRUE(read());
  EXPECT_EQ(report_.bytes_cut, 4U);
  const auto before = names();
  const auto again = read().value();
  EXPECT_EQ(report_.bytes_cut, 0U);
  EXPECT_EQ(names(), before);
  EXPECT_EQ(again.durability.end(), Offset{4});
}

}  // namespace
}  // namespace mq::log

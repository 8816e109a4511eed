#include "log/producer_snapshots.h"

#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

constexpr ProducerId kProducer{42};

class ProducerSnapshotsTest : public LogFixture {
 protected:
  ProducerSnapshotsTest() { EXPECT_TRUE(disk_.make_directories(kDirectory)); }

  /// What is known when the last batch has this sequence.
  static ProducerStates known_at(std::int32_t sequence) {
    ProducerStates states;
    const std::string batch = make_batch({{.key = {}, .value = "v"}}, {.id = 42, .epoch = 0, .sequence = sequence});
    auto header = record::parse_header(batch).value();
    header.base_offset = Offset{sequence};
    states.apply(header, 1'000);
    return states;
  }
  void save(std::int64_t offset, std::int32_t sequence) {
    for (const auto& [path, contents] : snapshots_.to_write(Offset{offset}, known_at(sequence)))
      EXPECT_TRUE(disk_.open(path, env::OpenMode::create).value()->write_at(0, contents));
  }
  /// The last sequence that is known of the log [start, end); -1: the producer is not.
  std::int32_t last_known(std::int64_t start, std::int64_t end) {
    const auto states = snapshots_.load(set_, config_, Offset{start}, Offset{end}, wall_).value();
    return states.empty() ? -1 : states.list().front().last_sequence.value();
  }
  bool is_there(std::int64_t offset) {
    return std::ranges::count(names(), segment_file_name(Offset{offset}, "snapshot"));
  }

  SegmentSet set_{disk_, std::make_shared<const std::string>(kDirectory)};
  ProducerSnapshots snapshots_{set_.names()};
};

TEST_F(ProducerSnapshotsTest, TheNewestAtOrBelowTheEndThatIsWholeCounts) {
  save(5, 4);
  save(9, 8);
  EXPECT_EQ(last_known(0, 9), 8);
  EXPECT_EQ(last_known(0, 8), 4);
  EXPECT_EQ(snapshots_.newest(Offset{8}), Offset{5});
  EXPECT_EQ(snapshots_.newest(Offset{4}), std::nullopt);
  ASSERT_TRUE(disk_.open(path(9, "snapshot"), env::OpenMode::read_write).value()->write_at(8, "rot"));
  EXPECT_EQ(last_known(0, 9), 4);
}

TEST_F(ProducerSnapshotsTest, OneWhoseFollowingBatchesAreGoneCountsForNothing) {
  save(5, 4);
  EXPECT_EQ(last_known(5, 20), 4);
  EXPECT_EQ(last_known(6, 20), -1) << "what came between is not known";
  std::string batch = make_batch({{.key = {}, .value = "v"}});
  record::set_base_offset(batch.data(), Offset{5});
  ASSERT_TRUE(disk_.open(path(5, "log"), env::OpenMode::create).value()->write_at(0, batch));
  set_.add(Offset{5}, batch.size());
  EXPECT_EQ(last_known(6, 20), 4) << "the batches between are still there";
  EXPECT_EQ(last_known(7, 20), -1) << "a power cut has taken what came right before the start";
  // The log has gone on behind it, and its start with it.
  std::string later = make_batch({{.key = {}, .value = "v"}});
  record::set_base_offset(later.data(), Offset{8});
  ASSERT_TRUE(disk_.open(path(8, "log"), env::OpenMode::create).value()->write_at(0, later));
  set_.add(Offset{8}, later.size());
  EXPECT_EQ(last_known(9, 20), -1);
}

TEST_F(ProducerSnapshotsTest, TruncationTellsWhetherThereWasAFile) {
  save(5, 4);
  save(9, 8);
  EXPECT_FALSE(snapshots_.truncate_to(Offset{9}).value());
  EXPECT_TRUE(snapshots_.truncate_to(Offset{8}).value());
  EXPECT_TRUE(is_there(5));
  EXPECT_FALSE(is_there(9));
  snapshots_.check_invariants();
}

TEST_F(ProducerSnapshotsTest, OneStaysForEachSegmentAndTheNewestTwo) {
  for (const std::int64_t offset : {3, 5, 7, 9, 11}) save(offset, static_cast<std::int32_t>(offset) - 1);
  set_.add(Offset{5}, 0);
  EXPECT_EQ(snapshots_.drop_needless(set_), (std::vector<std::string>{path(3, "snapshot"), path(3, "mqwindow"),
                                                                      path(7, "snapshot"), path(7, "mqwindow")}));
  EXPECT_TRUE(snapshots_.drop_needless(set_).empty());
}

TEST_F(ProducerSnapshotsTest, WhatWasTakenIsWrittenUntilItWasSaved) {
  snapshots_.take(Offset{5}, known_at(4));
  const auto paths = [&](std::int64_t end) {
    std::vector<std::string> all;
    for (const auto& [path, contents] : snapshots_.to_write(Offset{end}, ProducerStates())) all.push_back(path);
    return all;
  };
  EXPECT_EQ(paths(6), (std::vector<std::string>{path(5, "snapshot"), path(5, "mqwindow"), path(6, "snapshot")}));
  EXPECT_EQ(paths(7).size(), 3U) << "that failed, and comes again";
  snapshots_.on_saved(Offset{7});
  EXPECT_EQ(paths(8), std::vector<std::string>{path(8, "snapshot")});
}

/// Recovery removes the snapshot of a longer log. Were that not on disk, a power cut could bring it back when the log
/// has grown beyond it, with other batches.
TEST_F(ProducerSnapshotsTest, OneThatRecoveryRemovedDoesNotComeBack) {
  create();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append({{.key = {}, .value = "v"}}, {.id = 42, .epoch = 0, .sequence = i}));
  ASSERT_TRUE(checkpoint());
  ASSERT_TRUE(is_there(10));
  // A truncation came as far as the data.
  ASSERT_TRUE(disk_.open(path(0), env::OpenMode::read_write).value()->truncate(0));
  OpenContext context = unclean();
  context.synced_end = context.recovery_point = Offset{0};
  ASSERT_TRUE(open(context));
  ASSERT_EQ(log_->log_end(), Offset{0});
  log_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  EXPECT_FALSE(is_there(10));
}

/// P-5: DeleteRecords took what came after the newest snapshot, and the stop was unclean.
TEST_F(ProducerSnapshotsTest, AProducerWhoseLaterBatchesAreDeletedSeesNoFalseGap) {
  config_.segment_bytes = 300;
  config_.file_delete_delay = 0s;
  config_.retention_ms = -1;
  create();
  const auto produce = [&](std::int32_t sequence) {
    return append({{.key = {}, .value = "v"}}, {.id = kProducer.value(), .epoch = 0, .sequence = sequence});
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(produce(i));
  ASSERT_TRUE(checkpoint());
  ASSERT_TRUE(is_there(4));
  for (int i = 4; i < 20; ++i) ASSERT_TRUE(produce(i));
  ASSERT_TRUE(sync());
  ASSERT_TRUE(log_->advance_start(Offset{20}, Offset{20}));
  ASSERT_GT(log_->delete_old_segments(wall_, Instant{}, Offset{20}).value(), 0U);
  ASSERT_TRUE(log_->due_removals(Instant{} + 1s)->run());
  ASSERT_TRUE(open(unclean()));
  ASSERT_EQ(log_->log_end(), Offset{20});
  EXPECT_TRUE(produce(20));
}

}  // namespace
}  // namespace mq::log

// A bad sector under a file that is made anew from the log is no reason to refuse the log or to fail it.

#include "log_fixture.h"

namespace mq::log {
namespace {

using On = sim::DiskFault::On;

class DerivedFilesTest : public LogFixture {
 protected:
  /// A log of several segments that is saved and closed.
  void make_log() {
    config_.segment_bytes = 10'000;
    create();
    append_many(150);
    ASSERT_TRUE(append({{.key = {}, .value = "of a producer"}}, {.id = 7, .epoch = 0, .sequence = 0}));
    append_many(149);
    ASSERT_TRUE(sync());
    ASSERT_TRUE(checkpoint());
  }
  void expect_whole() {
    for (std::int64_t from = 0; from < 300; from += 23) EXPECT_EQ(offsets_from(from), numbers(from, 300));
    EXPECT_TRUE(append({{.key = {}, .value = "of a producer"}}, {.id = 7, .epoch = 0, .sequence = 0})->duplicate);
    EXPECT_FALSE(log_->failed());
  }
};

TEST_F(DerivedFilesTest, LogWhoseDerivedFilesCannotBeReadIsOpenedAndRead) {
  make_log();
  for (const bool is_clean : {true, false}) {
    for (const char* part : {".index", ".timeindex", ".snapshot", ".mqwindow", "leader-epoch-checkpoint",
                             "mq-epochs-crc", "partition.metadata"}) {
      SCOPED_TRACE(part);
      ASSERT_TRUE(log_->close());
      const OpenContext context = is_clean ? clean() : unclean();
      log_.reset();
      // Once: what is made anew stands elsewhere on the disk.
      disk_.inject({.on = On::read, .path_part = part});
      const auto opened = open(context);
      ASSERT_TRUE(opened) << opened.error().message;
      (void)offsets_from(0);
      disk_.clear_faults();
      expect_whole();
    }
  }
}

TEST_F(DerivedFilesTest, FailedSyncOfAnIndexMakesItAnewAndFailsNothing) {
  make_log();
  for (const char* part : {".index", ".timeindex"}) {
    SCOPED_TRACE(part);
    append_many(50);
    ASSERT_TRUE(sync());
    disk_.inject({.on = On::sync, .path_part = part, .how = sim::SyncFailure::pages_dropped});
    EXPECT_EQ(checkpoint().error().code, Errc::disk_failed);
    EXPECT_FALSE(log_->failed());
    append_many(50);
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(log_->recovery_point(), log_->log_end());
    const OpenContext context = unclean();
    log_.reset();
    disk_.lose_power(sim::PowerLoss::drop_all);
    ASSERT_TRUE(open(context));
    EXPECT_EQ(offsets_from(0), numbers(0, log_->log_end().value()));
  }
}

TEST_F(DerivedFilesTest, FailedWriteOfADerivedFileIsTriedAgain) {
  make_log();
  for (const char* part : {".index", ".snapshot", ".mqwindow", "leader-epoch-checkpoint", "mq-epochs-crc"}) {
    SCOPED_TRACE(part);
    epoch_ = LeaderEpoch{epoch_.value() + 1};
    append_many(50);
    disk_.inject({.on = On::write, .path_part = part});
    (void)checkpoint();
    disk_.clear_faults();
    EXPECT_FALSE(log_->failed());
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(log_->recovery_point(), log_->log_end());
  }
  ASSERT_TRUE(log_->roll(wall_));
  append_many(50);
  disk_.inject({.on = On::write, .path_part = "index"});
  ASSERT_TRUE(log_->roll(wall_)) << "the last entries of an index wait in memory";
  disk_.clear_faults();
  ASSERT_TRUE(checkpoint());
  const OpenContext context = unclean();
  ASSERT_TRUE(open(context));
  EXPECT_EQ(offsets_from(0), numbers(0, log_->log_end().value()));
}

/// A log of three leader epochs, that is closed.
class SavedEpochsTest : public LogFixture {
 protected:
  const std::string epochs_path_ = std::string(kDirectory) + "/leader-epoch-checkpoint";
  const std::string crc_path_ = std::string(kDirectory) + "/mq-epochs-crc";

  void make_log() {
    create();
    for (const int epoch : {3, 5, 8}) {
      epoch_ = LeaderEpoch{epoch};
      append_many(10);
    }
    ASSERT_TRUE(log_->close());
  }
  void expect_epochs() {
    EXPECT_EQ(log_->end_offset_for(LeaderEpoch{3}).value(), (EpochEnd{LeaderEpoch{3}, Offset{10}}));
    EXPECT_EQ(log_->end_offset_for(LeaderEpoch{7}).value(), (EpochEnd{LeaderEpoch{5}, Offset{20}}));
    EXPECT_EQ(log_->end_offset_for(LeaderEpoch{8}).value(), (EpochEnd{LeaderEpoch{8}, Offset{30}}));
  }
};

TEST_F(SavedEpochsTest, AnyRottenByteOfThemIsNoticedAndTheyAreMadeAnewFromTheBatches) {
  make_log();
  const std::string epochs = contents(epochs_path_);
  const std::string crc = contents(crc_path_);
  for (const std::string& file : {epochs_path_, crc_path_}) {
    for (std::size_t at = 0; at < contents(file).size(); ++at) {
      for (const bool is_clean : {true, false}) {
        SCOPED_TRACE(testing::Message() << file << " byte " << at << (is_clean ? " clean" : " unclean"));
        OpenContext context = is_clean ? clean() : unclean();
        context.leader_epoch = epoch_;
        log_.reset();
        disk_.flip_bits(file, at, static_cast<std::uint8_t>(1 << (at % 4)));
        disk_.lose_power(sim::PowerLoss::keep_all);
        ASSERT_TRUE(open(context));
        expect_epochs();
        ASSERT_TRUE(log_->close());
        EXPECT_EQ(contents(epochs_path_), epochs);
        EXPECT_EQ(contents(crc_path_), crc);
      }
    }
  }
}

TEST_F(SavedEpochsTest, OfATimeWithoutACrcAreBelievedAndGetOne) {
  make_log();
  const std::string crc = contents(crc_path_);
  for (const bool is_clean : {true, false}) {
    const OpenContext context = is_clean ? clean() : unclean();
    log_.reset();
    ASSERT_TRUE(disk_.remove(crc_path_));
    ASSERT_TRUE(open(context));
    expect_epochs();
    EXPECT_TRUE(report_.notes.empty()) << "nothing was made anew";
    ASSERT_TRUE(log_->close());
    EXPECT_EQ(contents(crc_path_), crc);
  }
}

TEST_F(SavedEpochsTest, ThatAnotherProgramHasWrittenGiveWayToWhatTheBatchesSay) {
  make_log();
  const OpenContext context = clean();
  log_.reset();
  ASSERT_TRUE(env::replace_atomically(disk_, epochs_path_, "0\n1\n3 0\n"));
  ASSERT_TRUE(open(context));
  expect_epochs();
}

/// Neither of the two files replaces both: where a cut of the power left one of them, they do not fit.
TEST_F(SavedEpochsTest, AreRightWhereverTheirReplacementIsCutOff) {
  make_log();
  for (int after = 0; after < 2; ++after) {
    epoch_ = LeaderEpoch{epoch_.value() + 1};
    append_many(1);
    ASSERT_TRUE(sync());
    disk_.inject({.on = On::rename, .after = after});
    EXPECT_FALSE(checkpoint());
    disk_.clear_faults();
    const OpenContext context = unclean();
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->end_offset_for(LeaderEpoch{3}).value(), (EpochEnd{LeaderEpoch{3}, Offset{10}}));
    EXPECT_EQ(log_->epoch_at(log_->log_end() - OffsetDelta{1}).value(), epoch_);
  }
}

TEST_F(DerivedFilesTest, FailedSyncOfTheDataBesideThemIsFinal) {
  make_log();
  append_many(5);
  disk_.inject({.on = On::sync, .path_part = ".log"});
  EXPECT_EQ(checkpoint().error().code, Errc::disk_failed);
  EXPECT_TRUE(log_->failed());
}

}  // namespace
}  // namespace mq::log

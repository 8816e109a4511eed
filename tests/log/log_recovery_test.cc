#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

using LogRecoveryTest = LogFixture;

TEST_F(LogRecoveryTest, TornTailIsCutAtEveryByteOfTheLastBatchAndKeptAside) {
  create();
  append_many(5);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  const std::uint64_t durable = log_->size_bytes();
  append_many(1);
  const std::string whole = contents(path(0));
  log_.reset();
  for (std::size_t size = durable; size <= whole.size(); ++size) {
    auto file = disk_.open(path(0), env::OpenMode::read_write).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, BytesView(whole).substr(0, size)));
    ASSERT_TRUE(open(context));
    const bool is_whole = size == whole.size();
    EXPECT_EQ(log_->log_end(), Offset{is_whole ? 6 : 5}) << size;
    EXPECT_EQ(offsets_from(0), numbers(0, is_whole ? 6 : 5));
    EXPECT_EQ(report_.bytes_cut, is_whole ? 0 : size - durable);
    EXPECT_TRUE(report_.end_uncertain);
    EXPECT_TRUE(report_.damage.empty());
    const std::string aside = path(0) + "." + std::to_string(durable) + ".cut";
    const std::string tail = whole.substr(durable, size - durable);
    if (!is_whole && tail.find_first_not_of('\0') != std::string::npos) {
      EXPECT_EQ(contents(aside), tail);
      ASSERT_TRUE(disk_.remove(aside));
    }
    EXPECT_EQ(append({{.key = {}, .value = "goes on"}})->base_offset, Offset{is_whole ? 6 : 5});
    log_.reset();
  }
}

TEST_F(LogRecoveryTest, LaterCutsLeaveEarlierOnesAlone) {
  config_.segment_bytes = 500;
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  std::vector<std::string> cut;
  std::vector<std::string> whole;
  for (const std::string& garbage : {std::string("first"), std::string("second"), std::string("third")}) {
    // The same place each time: a torn end after offset 3, and a segment that follows it.
    const std::uint64_t end = disk_.file_size(path(0)).value();
    log_.reset();
    ASSERT_TRUE(disk_.open(path(0), env::OpenMode::read_write).value()->write_at(end, garbage));
    ASSERT_TRUE(disk_.open(path(9), env::OpenMode::create).value()->write_at(0, garbage + " segment"));
    ASSERT_TRUE(open(context));
    cut.push_back(garbage);
    whole.push_back(garbage + " segment");
    std::vector<std::string> kept;
    for (const auto& name : names())
      if (name.ends_with(".cut")) kept.push_back(contents(std::string(kDirectory) + "/" + name));
    EXPECT_EQ(kept.size(), cut.size() + whole.size());
    for (const auto& wanted : {cut, whole})
      for (const auto& text : wanted) EXPECT_EQ(std::ranges::count(kept, text), 1) << text;
  }
  EXPECT_EQ(offsets_from(0), numbers(0, 3));
}

TEST_F(LogRecoveryTest, RecoveringTwiceIsRecoveringOnce) {
  config_.segment_bytes = 500;
  create();
  append_many(25);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  append_many(7);
  {
    auto file = disk_.open(path(log_->segments().back().base_offset.value()), env::OpenMode::read_write).value();
    const std::uint64_t size = file->size().value();
    ASSERT_TRUE(file->truncate(size - 3));
  }
  ASSERT_TRUE(open(context));
  const auto first_names = names();
  const auto first_end = log_->log_end();
  const auto first_offsets = offsets_from(0);
  ASSERT_TRUE(open(context));
  EXPECT_EQ(names(), first_names);
  EXPECT_EQ(log_->log_end(), first_end);
  EXPECT_EQ(offsets_from(0), first_offsets);
  EXPECT_EQ(report_.bytes_cut, 0U);
}

TEST_F(LogRecoveryTest, ZerosAfterTheLastBatchAreCutWithoutAKeepsake) {
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  {
    auto file = disk_.open(path(0), env::OpenMode::read_write).value();
    ASSERT_TRUE(file->write_at(file->size().value(), std::string(5000, '\0')));
  }
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->log_end(), Offset{3});
  EXPECT_EQ(report_.bytes_cut, 5000U);
  EXPECT_EQ(std::ranges::count_if(names(), [](const auto& name) { return name.ends_with(".cut"); }), 0);
}

TEST_F(LogRecoveryTest, RotBelowTheSyncedEndIsReportedNeverCutNeverServedNeverRenumbered) {
  create();
  append_many(20);
  ASSERT_TRUE(sync());
  const std::size_t one = log_->size_bytes() / 20;
  const OpenContext context = unclean();
  log_.reset();
  disk_.flip_bits(path(0), 7 * one + 70, 0x10);
  const std::string before = contents(path(0));
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(open(context));
    EXPECT_EQ(disk_.file_size(path(0)).value(), before.size());
    ASSERT_EQ(report_.damage.size(), 1U);
    EXPECT_EQ(report_.damage[0].first_offset, Offset{7});
    EXPECT_EQ(report_.damage[0].end_offset, Offset{8});
    EXPECT_EQ(log_->log_end(), Offset{20});
    std::optional<Error> error;
    EXPECT_EQ(read_all(0, &error).size(), 7U);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::corrupt_batch);
    EXPECT_NE(error->message.find("00000000000000000000.log:"), std::string::npos) << error->message;
    EXPECT_EQ(offsets_from(8), numbers(8, 20));
  }
  EXPECT_EQ(append({{.key = {}, .value = "a"}})->base_offset, Offset{20});
  EXPECT_EQ(offsets_from(8), numbers(8, 21));
}

TEST_F(LogRecoveryTest, LostEndBelowTheSyncedEndIsDamageAndItsOffsetsAreNotGivenOutAgain) {
  create();
  append_many(10);
  ASSERT_TRUE(sync());
  const std::size_t one = log_->size_bytes() / 10;
  const OpenContext context = unclean();
  log_.reset();
  ASSERT_TRUE(disk_.open(path(0), env::OpenMode::read_write).value()->truncate(6 * one + 5));
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->log_end(), Offset{10});
    std::optional<Error> error;
    EXPECT_EQ(read_all(0, &error).size(), 6U);
    EXPECT_EQ(error->code, Errc::corrupt_batch);
    EXPECT_EQ(log_->read(Offset{8}, 100, Offset{10}, true).error().code, Errc::corrupt_batch);
    EXPECT_FALSE(report_.damage.empty());
  }
  EXPECT_EQ(append({{.key = {}, .value = "a"}})->base_offset, Offset{10});
  ASSERT_TRUE(sync());
  const OpenContext later = unclean();
  ASSERT_TRUE(open(later));
  EXPECT_EQ(offsets_from(10), numbers(10, 11));
}

TEST_F(LogRecoveryTest, CorruptSealedSegmentIsNotServedAfterACleanStop) {
  config_.segment_bytes = 500;
  create();
  append_many(40);
  ASSERT_TRUE(log_->close());
  const OpenContext context = clean();
  log_.reset();
  disk_.flip_bits(path(0), 80, 0x01);
  disk_.lose_power(sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(context));
  EXPECT_TRUE(report_.clean);
  std::optional<Error> error;
  EXPECT_TRUE(read_all(0, &error).empty());
  EXPECT_EQ(error->code, Errc::corrupt_batch);
  const Offset second = log_->segments()[1].base_offset;
  EXPECT_EQ(offsets_from(second.value()), numbers(second.value(), 40));
}

TEST_F(LogRecoveryTest, DamageInTheNewestSegmentAfterACleanStopDoesNotEndAppending) {
  enum class What { first_header, last_header, last_batch_lost };
  for (const What what : {What::first_header, What::last_header, What::last_batch_lost}) {
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    append_many(20);
    const std::uint64_t one = log_->size_bytes() / 20;
    ASSERT_TRUE(log_->close());
    const OpenContext context = clean();
    log_.reset();
    constexpr std::uint64_t kLengthAt = 8;
    if (what == What::last_batch_lost) {
      auto file = disk_.open(path(0), env::OpenMode::read_write).value();
      ASSERT_TRUE(file->truncate(file->size().value() - one));
      ASSERT_TRUE(file->sync());
    } else {
      disk_.flip_bits(path(0), (what == What::first_header ? 0 : 19 * one) + kLengthAt, 0x80);
    }
    disk_.lose_power(sim::PowerLoss::drop_all);
    ASSERT_TRUE(open(context));
    ASSERT_TRUE(report_.clean);
    const auto appended = append({{.key = {}, .value = "goes on"}});
    ASSERT_TRUE(appended) << appended.error().message;
    EXPECT_EQ(appended->base_offset, Offset{20});
    EXPECT_EQ(offsets_from(20), numbers(20, 21));
    const std::int64_t damaged = what == What::first_header ? 0 : 19;
    EXPECT_EQ(read_bytes_at(damaged).error().code, Errc::corrupt_batch);
    ASSERT_TRUE(log_->close());
    const OpenContext later = clean();
    ASSERT_TRUE(open(later));
    EXPECT_EQ(append({{.key = {}, .value = "and on"}})->base_offset, Offset{21});
  }
}

TEST_F(LogRecoveryTest, FailedSyncsCacheIsNotTrustedAfterARestart) {
  create();
  append_many(4);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  append_many(2);
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = ".log", .how = sim::SyncFailure::pages_marked_clean});
  ASSERT_FALSE(sync());
  disk_.clear_faults();
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->log_end(), Offset{4}) << "what the cache shows is not on the disk";
  EXPECT_EQ(log_->synced_end(), Offset{4});
}

TEST_F(LogRecoveryTest, ReadsOnlyWhatCameAfterTheRecoveryPoint) {
  create();
  append_many(500);
  ASSERT_TRUE(sync());
  ASSERT_TRUE(checkpoint());
  EXPECT_EQ(log_->recovery_point(), Offset{500});
  const std::uint64_t before = log_->size_bytes();
  append_many(10);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  const std::uint64_t after = log_->size_bytes();
  ASSERT_TRUE(open(context));
  EXPECT_EQ(report_.bytes_checked, after - before);
  EXPECT_EQ(offsets_from(0), numbers(0, 510));
}

TEST_F(LogRecoveryTest, EpochsMadeAnewHaveTheBatchAmidWhichTheLogStarts) {
  create();
  for (const int epoch : {3, 5}) {
    epoch_ = LeaderEpoch{epoch};
    ASSERT_TRUE(append(std::vector<TestRecord>(3, {.key = {}, .value = "v"})));
  }
  ASSERT_TRUE(log_->advance_start(Offset{1}, Offset{6}));
  ASSERT_TRUE(log_->close());
  const OpenContext context = clean();
  log_.reset();
  ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/leader-epoch-checkpoint"));
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->epoch_at(Offset{1}).value(), LeaderEpoch{3});
  EXPECT_EQ(log_->end_offset_for(LeaderEpoch{3}).value(), (EpochEnd{LeaderEpoch{3}, Offset{3}}));
}

TEST_F(LogRecoveryTest, LostOrDamagedDerivedFilesAreMadeAnew) {
  config_.segment_bytes = 2000;
  create();
  for (int i = 0; i < 100; ++i) {
    epoch_ = LeaderEpoch{i / 40};
    wall_ = 1000 + i;
    ASSERT_TRUE(
        append({{.key = {}, .value = std::string(30, 'x'), .timestamp = wall_}}, {.id = 5, .epoch = 0, .sequence = i}));
  }
  ASSERT_TRUE(log_->close());
  const OpenContext closed = clean();
  const auto epochs = contents(std::string(kDirectory) + "/leader-epoch-checkpoint");
  const std::string index = contents(path(0, "index"));
  const std::string times = contents(path(0, "timeindex"));
  ASSERT_GT(index.size(), 8U);
  for (const char* how : {"remove", "garbage", "cut", "zeros"}) {
    log_.reset();
    for (const auto& name : names()) {
      if (name.ends_with(".log") || name.ends_with(".metadata") || name.ends_with(".cut")) continue;
      const std::string file = std::string(kDirectory) + "/" + name;
      if (how == std::string("remove")) {
        ASSERT_TRUE(disk_.remove(file));
        continue;
      }
      auto opened = disk_.open(file, env::OpenMode::read_write).value();
      const std::uint64_t size = opened->size().value();
      if (how == std::string("cut")) {
        ASSERT_TRUE(opened->truncate(size / 2));
      } else {
        ASSERT_TRUE(opened->write_at(0, std::string(size, how == std::string("zeros") ? '\0' : '\x13')));
      }
    }
    for (const bool is_clean : {true, false}) {
      OpenContext context = closed;
      context.clean = is_clean;
      ASSERT_TRUE(open(context)) << how;
      EXPECT_EQ(offsets_from(0), numbers(0, 100)) << how;
      for (std::int64_t from = 0; from < 100; from += 7) EXPECT_EQ(offsets_from(from), numbers(from, 100)) << how;
      for (WallMillis t = 1000; t < 1100; t += 9)
        EXPECT_EQ(log_->find_timestamp(t, log_->log_end()).value()->run().value()->offset, Offset{t - 1000}) << how;
      EXPECT_EQ(log_->end_offset_for(LeaderEpoch{0}).value(), (EpochEnd{LeaderEpoch{0}, Offset{40}})) << how;
      EXPECT_EQ(log_->producers(wall_)->front().last_sequence, Sequence{99}) << how;
    }
    ASSERT_TRUE(log_->close());
    EXPECT_EQ(contents(std::string(kDirectory) + "/leader-epoch-checkpoint"), epochs) << how;
    // Half an index is sparser, not wrong.
    if (how == std::string("cut")) continue;
    EXPECT_EQ(contents(path(0, "index")), index) << how;
    EXPECT_EQ(contents(path(0, "timeindex")), times) << how;
  }
}

TEST_F(LogRecoveryTest, UnknownFilesAreLeftAlone) {
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  log_.reset();
  const std::vector<std::string> strange = {"notes.txt",
                                            "0.log",
                                            "00000000000000000000.logx",
                                            "00000000000000000007.log.cut",
                                            "00000000000000000000.txnindex",
                                            "x.swap"};
  for (const auto& name : strange)
    ASSERT_TRUE(disk_.open(std::string(kDirectory) + "/" + name, env::OpenMode::create).value()->write_at(0, "mine"));
  ASSERT_TRUE(open(context));
  append_many(1);
  ASSERT_TRUE(log_->close());
  for (const auto& name : strange) EXPECT_EQ(contents(std::string(kDirectory) + "/" + name), "mine") << name;
}

TEST_F(LogRecoveryTest, OldMessageFormatIsRefusedAndUntouched) {
  ASSERT_TRUE(disk_.make_directories(kDirectory));
  std::string old;
  Writer w(old);
  w.be(std::int64_t{0});
  w.be(std::int32_t{22});
  w.be(std::uint32_t{12345});
  w.be(std::int8_t{1});
  old.resize(34, '\0');
  ASSERT_TRUE(disk_.open(path(0), env::OpenMode::create).value()->write_at(0, old));
  const auto refused = open({.clean = false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unsupported);
  EXPECT_NE(refused.error().message.find("format 1"), std::string::npos);
  EXPECT_EQ(contents(path(0)), old);
}

TEST_F(LogRecoveryTest, SegmentsAfterATornOneAreKeptAside) {
  config_.segment_bytes = 500;
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  append_many(30);
  const auto segments = log_->segments();
  ASSERT_GT(segments.size(), 3U);
  log_.reset();
  ASSERT_TRUE(disk_.open(path(segments[1].base_offset.value()), env::OpenMode::read_write).value()->truncate(100));
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->segments().size(), 2U);
  EXPECT_EQ(offsets_from(0), numbers(0, log_->log_end().value()));
  EXPECT_GT(std::ranges::count_if(names(), [](const auto& name) { return name.ends_with(".log.0.cut"); }), 1);
}

TEST_F(LogRecoveryTest, TornTailWhoseCutDidNotReachTheDiskIsCutAgain) {
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  const std::uint64_t whole = log_->size_bytes();
  log_.reset();
  auto file = disk_.open(path(0), env::OpenMode::read_write).value();
  ASSERT_TRUE(file->write_at(whole, "torn"));
  ASSERT_TRUE(file->sync());
  // Of what is read, of the copy that is kept, and of the cut: that one fails, and the cache goes on showing it.
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = ".log", .after = 2});
  ASSERT_FALSE(open(context));
  ASSERT_EQ(disk_.file_size(path(0)).value(), whole);
  disk_.clear_faults();
  ASSERT_TRUE(open(context));
  EXPECT_EQ(report_.bytes_cut, 4u);
  // Found only later, it would take along the segments that follow it.
  ASSERT_TRUE(log_->roll(0));
  append_many(1);
  ASSERT_TRUE(sync());
  const OpenContext later = unclean();
  log_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(later));
  EXPECT_EQ(offsets_from(0), numbers(0, 4));
}

TEST_F(LogRecoveryTest, WhatAKilledProcessHadNotSyncedIsDurableOnceItIsRecovered) {
  create();
  append_many(4);
  ASSERT_TRUE(open(unclean()));
  EXPECT_EQ(log_->synced_end(), Offset{4}) << "it is served at once";
  const OpenContext context = unclean();
  log_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(context));
  EXPECT_TRUE(report_.damage.empty());
  EXPECT_EQ(offsets_from(0), numbers(0, 4));
}

TEST_F(LogRecoveryTest, TailWhoseOffsetDoesNotContinueTheLogIsTorn) {
  create();
  append_many(6);
  const std::uint64_t one = log_->size_bytes() / 6;
  const OpenContext context = unclean();
  log_.reset();
  // No CRC covers a batch's base offset: this one is whole, but says 9.
  constexpr std::uint64_t kLastByteOfTheBaseOffset = 7;
  ASSERT_TRUE(disk_.open(path(0), env::OpenMode::read_write)
                  .value()
                  ->write_at(4 * one + kLastByteOfTheBaseOffset, std::string(1, '\x09')));
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->log_end(), Offset{4});
  EXPECT_EQ(report_.bytes_cut, 2 * one);
  EXPECT_EQ(offsets_from(0), numbers(0, 4));
}

TEST_F(LogRecoveryTest, CleanMarkerBesideALogThatIsShorterThanItWasIsNotBelieved) {
  create();
  append_many(10);
  const std::uint64_t whole = log_->size_bytes();
  ASSERT_TRUE(log_->close());
  OpenContext context = clean();
  context.recovery_point = Offset{0};
  log_.reset();
  ASSERT_TRUE(disk_.open(path(0), env::OpenMode::read_write).value()->truncate(whole / 10 * 8));
  ASSERT_TRUE(open(context));
  EXPECT_FALSE(report_.clean);
  ASSERT_EQ(report_.damage.size(), 1U);
  EXPECT_EQ(log_->log_end(), Offset{10}) << "offsets that were given out are not given out again";
  std::optional<Error> error;
  EXPECT_EQ(read_all(0, &error).size(), 8U);
  EXPECT_EQ(error->code, Errc::corrupt_batch);
}

TEST_F(LogRecoveryTest, IndexThatPointsTooFarLeadsToNoCut) {
  create();
  append_many(10);
  ASSERT_TRUE(sync());
  ASSERT_TRUE(checkpoint());
  append_many(10);
  OpenContext context = unclean();
  context.recovery_point = Offset{10};
  context.synced_end = Offset{10};
  const std::uint64_t one = log_->size_bytes() / 20;
  log_.reset();
  // The only entry below the recovery point says that offset 9 lies where 15 does.
  std::string entry;
  Writer(entry).be(std::int32_t{9});
  Writer(entry).be(static_cast<std::int32_t>(15 * one));
  {
    auto index = disk_.open(path(0, "index"), env::OpenMode::read_write).value();
    ASSERT_TRUE(index->truncate(0));
    ASSERT_TRUE(index->write_at(0, entry));
  }
  ASSERT_TRUE(open(context));
  EXPECT_EQ(report_.bytes_cut, 0U);
  EXPECT_EQ(log_->log_end(), Offset{20});
  EXPECT_EQ(offsets_from(0), numbers(0, 20));
}

TEST_F(LogRecoveryTest, EpochsFileThatContradictsTheBatchesIsMadeAnewFromThem) {
  create();
  append_many(5);
  epoch_ = LeaderEpoch{1};
  append_many(5);
  ASSERT_TRUE(sync());
  OpenContext context = unclean();
  context.leader_epoch = LeaderEpoch{1};
  log_.reset();
  LeaderEpochs wrong;
  wrong.assign(LeaderEpoch{0}, Offset{0});
  wrong.assign(LeaderEpoch{1}, Offset{8});
  {
    auto file = disk_.open(std::string(kDirectory) + "/leader-epoch-checkpoint", env::OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, wrong.encode()));
  }
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->end_offset_for(LeaderEpoch{0}).value(), (EpochEnd{LeaderEpoch{0}, Offset{5}}));
}

/// Indexes that are made anew of batches that contradict each other do not fit either. That ends no start.
TEST_F(LogRecoveryTest, RotOfAnyTwoOffsetsEndsNoStart) {
  const std::size_t one = make_batch({{.key = {}, .value = std::string(20, '.')}}).size();
  const auto flip = [&](const std::string& file, int batch, int byte) {
    disk_.flip_bits(file, static_cast<std::uint64_t>(batch) * one + static_cast<std::uint64_t>(byte), 0x20);
    disk_.lose_power(sim::PowerLoss::keep_all);
  };
  for (int first = 0; first < 3; ++first)
    for (int second = 0; second < 5; ++second)
      for (const int byte : {0, 2, 6, 7}) {
        SCOPED_TRACE(::testing::Message() << first << ", " << second << ", byte " << byte);
        create();
        append_many(3);
        ASSERT_TRUE(checkpoint());
        OpenContext context = unclean();
        log_.reset();
        flip(path(0), first, 2);
        ASSERT_TRUE(open(context));
        append_many(3);
        ASSERT_TRUE(log_->begin_checkpoint(true).value()->run());
        // What is found before the recovery point ends the segment; else the log goes on in it.
        const bool is_one = log_->segments().size() == 1;
        log_.reset();
        flip(path(0), is_one ? second : second % 3, byte);
        const auto opened = open(context);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_GE(log_->log_end(), Offset{3});
        append_many(1);
        log_.reset();
        for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
      }
}

TEST_F(LogRecoveryTest, OffsetsOfALostSegmentAreRefusedNotSkipped) {
  config_.segment_bytes = 500;
  create();
  append_many(30);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  const auto segments = log_->segments();
  ASSERT_GT(segments.size(), 3U);
  const Offset lost = segments[1].base_offset;
  const Offset good_again = segments[2].base_offset;
  log_.reset();
  ASSERT_TRUE(disk_.remove(path(lost.value())));
  ASSERT_TRUE(open(context));
  ASSERT_EQ(report_.damage.size(), 1U);
  for (Offset at = lost; at < good_again; at = next(at))
    EXPECT_EQ(read_bytes_at(at.value()).error().code, Errc::corrupt_batch) << at.value();
  EXPECT_EQ(offsets_from(good_again.value()), numbers(good_again.value(), 30));
}

/// Any power cut, at any moment: what was synced is there, what is there is a prefix of what was written, and a second
/// recovery changes nothing.
TEST_F(LogRecoveryTest, PowerCutsNeverLoseWhatWasSyncedNorInventAnything) {
  config_.segment_bytes = 700;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    sim::Scheduler scheduler(seed);
    sim::Disk disk(scheduler, {.cold_read_one_in = 0});
    ASSERT_TRUE(disk.make_directories("/data"));
    ASSERT_TRUE(disk.sync_directory("/"));
    auto log = Log::create(disk, kDirectory, {"t", 0}, topic_id_, config()).value();
    ASSERT_TRUE(disk.open_tree("/data").value()->sync());
    std::vector<std::string> written;
    OpenContext context{.topic_id = topic_id_};
    const std::uint64_t rounds = 1 + scheduler.rng().below(6);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (std::uint64_t i = scheduler.rng().below(12); i > 0; --i) {
        const int n = static_cast<int>(written.size());
        std::string batch = make_batch(
            {{.key = {},
              .value = std::to_string(seed) + ":" + std::to_string(n) + std::string(scheduler.rng().below(90), '.')}},
            {.id = 3, .epoch = 0, .sequence = n});
        const auto header = record::parse_header(batch).value();
        ASSERT_TRUE(log->append(batch.data(), header, header.max_timestamp, epoch_, wall_));
        written.push_back(batch);
      }
      if (scheduler.rng().below(4) == 0) break;
      if (auto job = log->begin_sync()) log->end_sync(*job, job->run());
      context.synced_end = log->synced_end();
      if (scheduler.rng().below(2) == 0) {
        if (auto job = log->begin_checkpoint(scheduler.rng().below(2) == 0).value())
          log->end_checkpoint(*job, job->run());
        context.recovery_point = log->recovery_point();
      }
    }
    disk.lose_power(sim::PowerLoss::any);
    log.reset();
    Offset end;
    for (int recovery = 0; recovery < 2; ++recovery) {
      RecoveryReport report;
      auto opened = Log::open(disk, kDirectory, {"t", 0}, config(), context, report);
      if (!opened) {
        ASSERT_FALSE(context.synced_end) << "seed " << seed << ": " << opened.error().message;
        break;
      }
      log = *std::move(opened);
      EXPECT_TRUE(report.damage.empty()) << "seed " << seed << ": " << report.damage[0].place;
      ASSERT_GE(log->log_end(), context.synced_end.value_or(Offset{0})) << "seed " << seed;
      ASSERT_LE(log->log_end().value(), static_cast<std::int64_t>(written.size())) << "seed " << seed;
      if (recovery == 1) EXPECT_EQ(log->log_end(), end) << "seed " << seed;
      end = log->log_end();
      Offset from{0};
      while (from < end) {
        FileRange range = log->read(from, 1, end, true).value();
        EXPECT_FALSE(verify(range).damage) << "seed " << seed;
        EXPECT_EQ(read_bytes(range).value(), written[static_cast<std::size_t>(from.value())]) << "seed " << seed;
        from = next(from);
      }
      if (end > Offset{0}) {
        EXPECT_EQ(log->producers(wall_)->front().last_sequence.value(), end.value() - 1) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace mq::log

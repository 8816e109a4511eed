#include "log/log.h"

#include <algorithm>
#include <map>
#include <set>

#include "log_fixture.h"

namespace mq::log {
namespace {

using LogTest = LogFixture;

/// The files of a disk of which nothing is cached but the pages that were read.
class ColdFiles final : public env::Files {
 public:
  explicit ColdFiles(env::Files& files) : files_(files) {}
  Result<std::unique_ptr<env::File>> open(const std::string& path, env::OpenMode mode) override {
    MQ_TRY(auto file, files_.open(path, mode));
    return std::make_unique<ColdFile>(std::move(file), pages_[path]);
  }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return files_.make_directories(path); }
  Result<std::vector<env::DirEntry>> list(const std::string& path) override { return files_.list(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<std::uint64_t> file_size(const std::string& path) override { return files_.file_size(path); }
  Result<void> sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<env::Tree>> open_tree(const std::string& path) override { return files_.open_tree(path); }
  Result<std::unique_ptr<env::FileLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<env::DiskSpace> space(const std::string& path) override { return files_.space(path); }

 private:
  using Pages = std::set<std::uint64_t>;
  class ColdFile final : public env::File {
   public:
    ColdFile(std::unique_ptr<env::File> file, Pages& pages) : file_(std::move(file)), pages_(pages) {}
    Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
      for (std::uint64_t page = position / kPage; page <= (position + size - 1) / kPage; ++page) pages_.insert(page);
      return file_->read_at(position, to, size);
    }
    Result<std::size_t> read_cached_at(std::uint64_t position, char* to, std::size_t size) override {
      for (std::uint64_t page = position / kPage; page <= (position + size - 1) / kPage; ++page)
        if (!pages_.contains(page)) return fail(Errc::would_block, "cold");
      return file_->read_at(position, to, size);
    }
    Result<void> write_at(std::uint64_t position, BytesView bytes) override { return file_->write_at(position, bytes); }
    Result<void> sync() override { return file_->sync(); }
    Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<void> reserve(std::uint64_t position, std::uint64_t size) override { return file_->reserve(position, size); }
    Result<std::uint64_t> size() const override { return file_->size(); }
    void drop_cache() override { file_->drop_cache(); }

   private:
    static constexpr std::uint64_t kPage = 4096;
    std::unique_ptr<env::File> file_;
    Pages& pages_;
  };

  env::Files& files_;
  std::map<std::string, Pages> pages_;
};

TEST_F(LogTest, WhatWasAppendedIsReadBackByteForByteAlsoAfterARestart) {
  create();
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    std::string batch = make_batch({{.key = "k", .value = std::to_string(i)}, {.key = {}, .value = "second"}});
    const auto header = record::parse_header(batch).value();
    const auto info = log_->append(batch.data(), header, header.max_timestamp, LeaderEpoch{3}, wall_).value();
    EXPECT_EQ(info.base_offset, Offset{2 * i});
    EXPECT_EQ(info.end_offset, Offset{2 * i + 2});
    expected += batch;
  }
  EXPECT_EQ(read_bytes_at(0).value(), expected);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.bytes_checked, 0U);
  EXPECT_EQ(read_bytes_at(0).value(), expected);
  EXPECT_EQ(log_->latest_epoch().value(), LeaderEpoch{3});
  epoch_ = LeaderEpoch{3};
  EXPECT_EQ(append({{.key = {}, .value = "next"}})->base_offset, Offset{100});
}

TEST_F(LogTest, AppendingUnderAnOlderEpochIsRefused) {
  create();
  ASSERT_TRUE(log_->begin_epoch(LeaderEpoch{5}));
  EXPECT_EQ(append({{.key = {}, .value = "a"}}).error().code, Errc::not_leader);
  EXPECT_EQ(log_->log_end(), Offset{0});
}

TEST_F(LogTest, ReadGivesWholeBatchesWithinTheLimitButOneAtLeast) {
  create();
  append_many(100);
  const std::size_t one = read_bytes_at(0, 1).value().size();
  EXPECT_EQ(log_->read(Offset{7}, one - 1, log_->log_end(), true)->size, one);
  EXPECT_EQ(log_->read(Offset{7}, one - 1, log_->log_end(), false)->size, 0U);
  for (std::int64_t from = 0; from < 100; ++from) {
    for (std::size_t limit : {one, one * 3 + 5, one * 20}) {
      const FileRange range = log_->read(Offset{from}, limit, log_->log_end(), true).value();
      EXPECT_TRUE(range.verified);
      EXPECT_LE(range.size, limit);
      EXPECT_EQ(range.size % one, 0U);
      EXPECT_EQ(range.position, static_cast<std::uint64_t>(from) * one);
      EXPECT_GE(range.size, std::min<std::uint64_t>(limit / one, static_cast<std::uint64_t>(100 - from)) * one);
    }
  }
}

TEST_F(LogTest, ReadStopsAtTheBound) {
  create();
  append_many(30);
  const std::size_t one = read_bytes_at(0, 1).value().size();
  for (std::int64_t bound = 0; bound <= 30; ++bound) {
    const FileRange range = log_->read(Offset{0}, 1 << 20, Offset{bound}, true).value();
    EXPECT_EQ(range.size, one * static_cast<std::size_t>(bound));
  }
}

TEST_F(LogTest, ReadOutsideOfTheLogIsOutOfRangeAndAtItsEndEmpty) {
  create();
  append_many(3);
  EXPECT_EQ(log_->read(Offset{4}, 100, Offset{3}, true).error().code, Errc::offset_out_of_range);
  EXPECT_EQ(log_->read(Offset{-1}, 100, Offset{3}, true).error().code, Errc::offset_out_of_range);
  EXPECT_TRUE(log_->read(Offset{3}, 100, Offset{3}, true)->empty());
}

TEST_F(LogTest, RollsWhenASegmentIsFullAndReadsOnInTheNext) {
  config_.segment_bytes = 1000;
  create();
  append_many(100, 50);
  EXPECT_GT(log_->segments().size(), 10U);
  for (const SegmentInfo& segment : log_->segments()) EXPECT_LE(segment.size_bytes, 1000U);
  EXPECT_EQ(offsets_from(0), numbers(0, 100));
  EXPECT_EQ(offsets_from(57), numbers(57, 100));
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(offsets_from(0), numbers(0, 100));
}

TEST_F(LogTest, RollsWhenRecordsAreNewerThanTheFirstByMoreThanTheSegmentMayBeOld) {
  config_.segment_ms = 1000;
  create();
  append_many(1);
  wall_ += 1000;
  append_many(1);
  EXPECT_EQ(log_->segments().size(), 1U);
  wall_ += 1;
  append_many(1);
  EXPECT_EQ(log_->segments().size(), 2U);
  ASSERT_TRUE(log_->roll_if_old(wall_ + 1001));
  EXPECT_EQ(log_->segments().size(), 3U);
  ASSERT_TRUE(log_->roll_if_old(wall_ + 5000));
  EXPECT_EQ(log_->segments().size(), 3U) << "an empty segment does not age";
}

TEST_F(LogTest, JitterRollsSegmentsOfOneAgeAtDifferentTimesAndNeverLater) {
  config_.segment_ms = 100'000;
  config_.segment_jitter_ms = 50'000;
  create();
  std::set<WallMillis> ages;
  for (int i = 0; i < 8; ++i) {
    append_many(1);
    const std::size_t segments = log_->segments().size();
    WallMillis age = 0;
    while (log_->segments().size() == segments) ASSERT_TRUE(log_->roll_if_old(wall_ + (age += 100)));
    EXPECT_GT(age, 50'000);
    EXPECT_LE(age, 100'100);
    ages.insert(age);
  }
  EXPECT_GT(ages.size(), 4U);
}

TEST_F(LogTest, BatchLargerThanASegmentIsRefused) {
  config_.segment_bytes = 200;
  create();
  EXPECT_EQ(append({{.key = {}, .value = std::string(300, 'x')}}).error().code, Errc::too_large);
  append_many(1);
}

TEST_F(LogTest, LogAppendTimeIsStampedAndTheCrcStaysGood) {
  config_.timestamp_type = record::TimestampType::log_append_time;
  create();
  wall_ = 77'000;
  EXPECT_EQ(append({{.key = {}, .value = "a", .timestamp = 5}})->log_append_time, 77'000);
  const auto records = read_all(0);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].timestamp, 77'000);
}

TEST_F(LogTest, SyncCoversWhatWasAppendedBeforeItBegan) {
  create();
  append_many(3);
  EXPECT_EQ(log_->synced_end(), Offset{0});
  auto job = log_->begin_sync();
  append_many(2);
  EXPECT_FALSE(log_->begin_sync()) << "one round at a time";
  log_->end_sync(*job, job->run());
  EXPECT_EQ(log_->synced_end(), Offset{3});
  EXPECT_TRUE(log_->needs_sync());
  ASSERT_TRUE(sync());
  EXPECT_EQ(log_->synced_end(), Offset{5});
  EXPECT_FALSE(log_->needs_sync());
}

TEST_F(LogTest, CheckpointSyncsSealedSegmentsOfALogThatNobodySyncs) {
  config_.segment_bytes = 500;
  create();
  ASSERT_TRUE(sync());
  append_many(40);
  ASSERT_TRUE(checkpoint(false));
  EXPECT_EQ(log_->synced_end(), Offset{40});
  const OpenContext context = unclean();
  disk_.lose_power(sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(context));
  EXPECT_EQ(offsets_from(0), numbers(0, 40));
}

TEST_F(LogTest, SyncedRecordsOfANewPartitionSurviveAPowerCut) {
  config_.segment_bytes = 500;
  create();
  append_many(20);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  disk_.lose_power(sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(context));
  EXPECT_EQ(offsets_from(0), numbers(0, 20));
  EXPECT_TRUE(report_.end_uncertain);
  EXPECT_TRUE(report_.damage.empty());
}

class ManyLogsTest : public LogFixture {
 protected:
  static constexpr int kLogs = 20;
  static std::string directory(int index) { return "/data/m-" + std::to_string(index); }
  static TopicPartition name(int index) { return {"m", index}; }

  ManyLogsTest() : data_(disk_.open_tree("/data").value()) {
    config_.segment_bytes = 500;
    for (int i = 0; i < kLogs; ++i) {
      logs_.push_back(Log::create(disk_, directory(i), name(i), topic_id_, config()).value());
      EXPECT_TRUE(data_->sync());
      std::swap(log_, logs_.back());
      append_many(i);
      std::swap(log_, logs_.back());
    }
  }
  Result<void> close_all() {
    std::vector<Log*> all;
    for (const auto& log : logs_) all.push_back(log.get());
    return Log::close_all(all, *data_);
  }
  /// The end of each log after a power cut, opened with what a data directory would know.
  std::vector<std::int64_t> ends_after_power_cut(bool clean) {
    std::vector<OpenContext> contexts;
    for (const auto& log : logs_)
      contexts.push_back({.clean = clean,
                          .topic_id = topic_id_,
                          .synced_end = log->synced_end(),
                          .recovery_point = log->recovery_point()});
    logs_.clear();
    disk_.clear_faults();
    disk_.lose_power(sim::PowerLoss::drop_all);
    std::vector<std::int64_t> ends;
    for (int i = 0; i < kLogs; ++i) {
      RecoveryReport report;
      auto log = Log::open(disk_, directory(i), name(i), config(), contexts[static_cast<std::size_t>(i)], report);
      EXPECT_TRUE(log) << log.error().message;
      EXPECT_EQ(report.clean, clean);
      EXPECT_TRUE(report.damage.empty());
      ends.push_back((*log)->log_end().value());
      EXPECT_TRUE((*log)->latest_epoch());
    }
    return ends;
  }
  static std::vector<std::int64_t> all_ends() {
    std::vector<std::int64_t> ends(kLogs);
    for (int i = 0; i < kLogs; ++i) ends[static_cast<std::size_t>(i)] = i;
    return ends;
  }

  std::unique_ptr<env::Tree> data_;
  std::vector<std::unique_ptr<Log>> logs_;
};

TEST_F(ManyLogsTest, ClosedTogetherAreAsWholeAsClosedAlone) {
  ASSERT_TRUE(close_all());
  for (const auto& log : logs_) {
    EXPECT_FALSE(log->needs_close());
    EXPECT_EQ(log->recovery_point(), log->log_end());
  }
  EXPECT_EQ(ends_after_power_cut(true), all_ends());
}

TEST_F(ManyLogsTest, OneFailedSyncFailsTheCloseOfAll) {
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = "m-7/"});
  EXPECT_EQ(close_all().error().code, Errc::disk_failed);
  for (const auto& log : logs_) EXPECT_EQ(log->synced_end(), Offset{0}) << "nothing is called durable";
}

TEST_F(ManyLogsTest, PowerCutBetweenTheTwoSyncsLosesNothing) {
  // The first sync makes all data durable, the second only the renames.
  disk_.inject({.on = sim::DiskFault::On::sync_directory, .path_part = "m-7", .after = 1});
  EXPECT_EQ(close_all().error().code, Errc::disk_failed);
  EXPECT_EQ(ends_after_power_cut(false), all_ends());
}

TEST_F(ManyLogsTest, FullDiskLeavesTheCloseUncleanButTheRecordsDurable) {
  disk_.set_capacity(0);
  EXPECT_EQ(close_all().error().code, Errc::disk_full);
  for (const auto& log : logs_) EXPECT_EQ(log->synced_end(), log->log_end());
  disk_.set_capacity(1 << 30);
  EXPECT_EQ(ends_after_power_cut(false), all_ends());
}

TEST_F(LogTest, FailedSyncIsFinal) {
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  append_many(1);
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = ".log"});
  EXPECT_EQ(sync().error().code, Errc::disk_failed);
  EXPECT_TRUE(log_->failed());
  EXPECT_EQ(log_->synced_end(), Offset{3});
  EXPECT_EQ(append({{.key = {}, .value = "a"}}).error().code, Errc::disk_failed);
  EXPECT_FALSE(log_->begin_sync()) << "never again";
  EXPECT_EQ(log_->close().error().code, Errc::disk_failed);
}

TEST_F(LogTest, SyncThatFailedFailsWhoeverSyncsTheSameFileMeanwhile) {
  for (const bool checkpoint_first : {false, true}) {
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    append_many(3);
    auto sync_job = log_->begin_sync();
    auto checkpoint_job = log_->begin_checkpoint(true).value();
    ASSERT_TRUE(sync_job && checkpoint_job);
    // The kernel tells of it once.
    disk_.inject({.on = sim::DiskFault::On::sync, .path_part = ".log"});
    Result<void> synced;
    Result<void> saved;
    if (checkpoint_first) saved = checkpoint_job->run();
    synced = sync_job->run();
    if (!checkpoint_first) saved = checkpoint_job->run();
    EXPECT_FALSE(synced);
    EXPECT_FALSE(saved);
    log_->end_checkpoint(*checkpoint_job, saved);
    log_->end_sync(*sync_job, synced);
    EXPECT_TRUE(log_->failed());
    EXPECT_EQ(log_->synced_end(), Offset{0});
    EXPECT_EQ(log_->recovery_point(), Offset{0});
  }
}

TEST_F(LogTest, CheckpointOfManySegmentsLeavesRoomForSyncs) {
  config_.segment_bytes = 200;
  create();
  append_many(40);
  ASSERT_TRUE(sync());
  const std::size_t segments = log_->segments().size();
  ASSERT_GE(segments, 13U);
  auto checkpoint_job = log_->begin_checkpoint(true).value();
  ASSERT_TRUE(checkpoint_job);
  std::size_t syncs = 0;
  for (bool done = false; !done;) {
    const auto step = checkpoint_job->step();
    ASSERT_TRUE(step) << step.error().message;
    done = *step;
    if (done) break;
    append_many(1);
    ASSERT_TRUE(sync());
    EXPECT_EQ(log_->synced_end(), log_->log_end());
    ++syncs;
  }
  EXPECT_GE(syncs, segments / 6);
  log_->end_checkpoint(*checkpoint_job, {});
  EXPECT_EQ(log_->recovery_point(), Offset{40}) << "what came amid it is for the next one";
}

TEST_F(LogTest, WantOfDescriptorsPutsASyncOff) {
  create();
  append_many(3);
  disk_.inject({.on = sim::DiskFault::On::sync_directory, .code = Errc::too_many_files});
  EXPECT_EQ(sync().error().code, Errc::too_many_files);
  EXPECT_FALSE(log_->failed());
  EXPECT_TRUE(log_->needs_sync());
  EXPECT_EQ(log_->synced_end(), Offset{0});
  append_many(1);
  ASSERT_TRUE(sync());
  EXPECT_EQ(log_->synced_end(), Offset{4});
  disk_.lose_power(sim::PowerLoss::drop_all);
  const OpenContext context = unclean();
  ASSERT_TRUE(open(context));
  EXPECT_EQ(offsets_from(0), numbers(0, 4));
}

TEST_F(LogTest, WantOfDescriptorsLeavesTheIndexesAlone) {
  create();
  append_many(50);
  ASSERT_TRUE(log_->close());
  const OpenContext context = clean();
  ASSERT_TRUE(open(context));
  const auto index = contents(path(0, "index"));
  disk_.inject({.on = sim::DiskFault::On::open, .path_part = ".index", .code = Errc::too_many_files});
  EXPECT_EQ(log_->read(Offset{40}, 1, log_->log_end(), true).error().code, Errc::too_many_files);
  EXPECT_EQ(contents(path(0, "index")), index);
  EXPECT_EQ(offsets_from(40), numbers(40, 50));
}

TEST_F(LogTest, FullDiskRefusesAppendsUntilSpaceIsFreedWithoutARestart) {
  config_.segment_bytes = 1000;
  create();
  append_many(5);
  disk_.set_capacity(20'000);
  int appended = 5;
  Result<AppendInfo> last;
  while (true) {
    last = append({{.key = {}, .value = std::string(100, 'x'), .timestamp = 1}});
    if (!last) break;
    ++appended;
    ASSERT_LT(appended, 1000);
  }
  EXPECT_EQ(last.error().code, Errc::disk_full);
  EXPECT_EQ(log_->log_end(), Offset{appended});
  EXPECT_EQ(offsets_from(0), numbers(0, appended)) << "reading goes on";
  EXPECT_TRUE(sync()) << "ENOSPC never comes from a sync";
  disk_.set_capacity(1 << 20);
  EXPECT_EQ(append({{.key = {}, .value = "room"}})->base_offset, Offset{appended});
  EXPECT_EQ(offsets_from(0), numbers(0, appended + 1));
}

TEST_F(LogTest, WriteErrorFailsTheLogAndLeavesNoTrace) {
  create();
  append_many(2);
  disk_.inject({.on = sim::DiskFault::On::write, .path_part = ".log"});
  EXPECT_EQ(append({{.key = {}, .value = "a"}}, {.id = 7, .epoch = 0, .sequence = 0}).error().code, Errc::disk_failed);
  EXPECT_EQ(log_->log_end(), Offset{2});
  EXPECT_TRUE(log_->failed());
}

TEST_F(LogTest, DeleteRecordsMovesTheStartAndSurvivesARestart) {
  config_.segment_bytes = 500;
  create();
  append_many(40);
  EXPECT_EQ(log_->advance_start(Offset{41}, Offset{41}).error().code, Errc::offset_out_of_range);
  EXPECT_EQ(log_->advance_start(Offset{31}, Offset{30}).error().code, Errc::offset_out_of_range)
      << "what may not be read yet may not be deleted";
  ASSERT_TRUE(log_->advance_start(Offset{23}, Offset{40}));
  ASSERT_TRUE(log_->advance_start(Offset{10}, Offset{40}));
  EXPECT_EQ(log_->log_start(), Offset{23});
  EXPECT_EQ(log_->read(Offset{22}, 100, Offset{40}, true).error().code, Errc::offset_out_of_range);
  EXPECT_EQ(offsets_from(23), numbers(23, 40));
  EXPECT_GT(log_->delete_old_segments(wall_, Instant{}, Offset{40}).value(), 0U);
  EXPECT_LE(log_->segments().front().base_offset, Offset{23});
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(log_->log_start(), Offset{23});
  EXPECT_EQ(offsets_from(23), numbers(23, 40));
}

TEST_F(LogTest, RetentionByBytesKeepsAtLeastThatMuch) {
  config_.segment_bytes = 500;
  config_.retention_bytes = 2000;
  create();
  append_many(100);
  ASSERT_TRUE(sync());
  EXPECT_GT(log_->delete_old_segments(wall_, Instant{}, log_->synced_end()).value(), 0U);
  EXPECT_GE(log_->size_bytes(), 2000U);
  EXPECT_LT(log_->size_bytes(), 2500U);
  EXPECT_EQ(log_->log_start(), log_->segments().front().base_offset);
  EXPECT_EQ(offsets_from(log_->log_start().value()).back(), 99);
}

TEST_F(LogTest, RetentionByTimeTakesEvenTheNewestSegmentAndOffsetsGoOn) {
  config_.segment_bytes = 500;
  config_.retention_ms = 1000;
  create();
  append_many(50);
  EXPECT_EQ(log_->delete_old_segments(wall_ + 1000, Instant{}, log_->log_end()).value(), 0U);
  const FileRange held = log_->read(Offset{0}, 1 << 20, log_->log_end(), true).value();
  EXPECT_GT(log_->delete_old_segments(wall_ + 1001, Instant{}, log_->log_end()).value(), 5U);
  EXPECT_EQ(log_->log_start(), Offset{50});
  EXPECT_EQ(log_->log_end(), Offset{50});
  EXPECT_EQ(verify(held).good_bytes, held.size) << "a reader keeps what it holds";
  EXPECT_FALSE(log_->due_removals(Instant{59s}));
  EXPECT_EQ(log_->next_removal(), Instant{60s});
  auto removal = log_->due_removals(Instant{60s});
  ASSERT_TRUE(removal);
  ASSERT_TRUE(removal->run());
  EXPECT_EQ(std::ranges::count_if(names(), [](const auto& name) { return name.ends_with(".deleted"); }), 0);
  append_many(1);
  EXPECT_EQ(offsets_from(50), numbers(50, 51));
}

TEST_F(LogTest, RetentionStaysBelowTheHighWatermark) {
  config_.segment_bytes = 500;
  config_.retention_ms = 0;
  create();
  append_many(50);
  const Offset bound = log_->segments()[2].base_offset;
  EXPECT_EQ(log_->delete_old_segments(wall_ + 5000, Instant{}, bound).value(), 2U);
}

TEST_F(LogTest, FindsTheFirstRecordAtOrAfterATime) {
  config_.segment_bytes = 600;
  create();
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(append({{.key = {}, .value = "a", .timestamp = 1000 + i * 10},
                        {.key = {}, .value = "b", .timestamp = 1005 + i * 10}}));
  for (int round = 0; round < 2; ++round) {
    for (int t = 990; t < 1600; ++t) {
      auto search = log_->find_timestamp(t, log_->log_end()).value();
      const int expected = t <= 1000 ? 0 : (t - 1000 + 4) / 5;
      if (expected >= 120) {
        EXPECT_FALSE(search && search->run().value());
        continue;
      }
      ASSERT_TRUE(search);
      const auto found = search->run().value();
      ASSERT_TRUE(found) << t;
      EXPECT_EQ(found->offset, Offset{expected}) << t;
      EXPECT_EQ(found->timestamp, 1000 + expected * 5);
    }
    auto largest = log_->find_max_timestamp(log_->log_end()).value()->run().value();
    EXPECT_EQ(largest->offset, Offset{119});
    largest = log_->find_max_timestamp(Offset{50}).value()->run().value();
    EXPECT_EQ(largest->offset, Offset{49});
    ASSERT_TRUE(log_->close());
    ASSERT_TRUE(open(clean()));
  }
}

TEST_F(LogTest, WithoutAnyTimeTheFirstRecordThatIsLeftHasTheLargest) {
  config_.segment_bytes = 400;
  create();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append({{.key = {}, .value = "x", .timestamp = -1}}));
  ASSERT_GT(log_->segments().size(), 5U);
  for (const std::int64_t start : {0, 1, 20, 39}) {
    ASSERT_TRUE(log_->advance_start(Offset{start}, log_->log_end()));
    const auto found = log_->find_max_timestamp(log_->log_end()).value()->run().value();
    ASSERT_TRUE(found) << start;
    EXPECT_EQ(found->offset, Offset{start});
    EXPECT_EQ(found->timestamp, -1);
  }
  ASSERT_TRUE(append({{.key = {}, .value = "x", .timestamp = 0}}));
  EXPECT_EQ(log_->find_max_timestamp(log_->log_end()).value()->run().value()->offset, Offset{40});
}

TEST_F(LogTest, LargestTimeIsFoundWhereverItIsOfWhatIsLeft) {
  config_.segment_bytes = 400;
  create();
  // Times go up and down, so that the largest of what is left is in the middle of a segment more often than not.
  const auto time_of = [](std::int64_t offset) { return 1'000 + offset * 37 % 101; };
  for (std::int64_t offset = 0; offset < 40; ++offset)
    ASSERT_TRUE(append({{.key = {}, .value = "x", .timestamp = time_of(offset)}}));
  ASSERT_GT(log_->segments().size(), 5U);
  for (std::int64_t start = 0; start < 40; ++start) {
    ASSERT_TRUE(log_->advance_start(Offset{start}, log_->log_end()));
    for (std::int64_t end = start + 1; end <= 40; ++end) {
      std::int64_t largest = start;
      for (std::int64_t offset = start; offset < end; ++offset)
        if (time_of(offset) > time_of(largest)) largest = offset;
      auto search = log_->find_max_timestamp(Offset{end});
      ASSERT_TRUE(search && *search);
      const auto found = (**search).run();
      ASSERT_TRUE(found && *found) << start << " to " << end;
      EXPECT_EQ((**found).offset, Offset{largest}) << start << " to " << end;
      EXPECT_EQ((**found).timestamp, time_of(largest));
    }
  }
}

TEST_F(LogTest, TruncationTakesIndexesEpochsAndProducersAlong) {
  config_.segment_bytes = 500;
  create();
  for (int i = 0; i < 40; ++i) {
    epoch_ = LeaderEpoch{i / 10};
    ASSERT_TRUE(append({{.key = {}, .value = "v"}}, {.id = 9, .epoch = 0, .sequence = i}));
  }
  ASSERT_TRUE(sync());
  ASSERT_TRUE(checkpoint());
  ASSERT_TRUE(log_->truncate_to(Offset{15}, wall_));
  EXPECT_EQ(log_->log_end(), Offset{15});
  EXPECT_EQ(log_->synced_end(), Offset{15});
  EXPECT_EQ(log_->latest_epoch().value(), LeaderEpoch{1});
  EXPECT_EQ(log_->producers(wall_)->front().last_sequence, Sequence{14});
  EXPECT_EQ(offsets_from(0), numbers(0, 15));
  epoch_ = LeaderEpoch{7};
  EXPECT_EQ(append({{.key = {}, .value = "v"}}, {.id = 9, .epoch = 0, .sequence = 15})->base_offset, Offset{15});
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(offsets_from(0), numbers(0, 16));
  EXPECT_EQ(log_->end_offset_for(LeaderEpoch{1}).value(), (EpochEnd{LeaderEpoch{1}, Offset{15}}));
}

TEST_F(LogTest, IdleLogHasNoOpenFileAndWorksOn) {
  create();
  append_many(10);
  ASSERT_TRUE(sync());
  EXPECT_FALSE(log_->release_if_idle()) << "it was touched";
  EXPECT_FALSE(log_->release_if_idle()) << "its producers, epochs and indexes are not saved";
  ASSERT_TRUE(checkpoint(false));
  EXPECT_TRUE(log_->release_if_idle());
  EXPECT_FALSE(log_->needs_close());
  EXPECT_FALSE(log_->has_open_files());
  append_many(10);
  EXPECT_EQ(offsets_from(0), numbers(0, 20));
}

TEST_F(LogTest, CheckpointsLeaveKafkasFiles) {
  config_.segment_bytes = 500;
  create();
  append_many(10);
  ASSERT_TRUE(log_->close());
  const auto all = names();
  for (const char* name : {"00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
                           "leader-epoch-checkpoint", "partition.metadata", "00000000000000000010.snapshot"})
    EXPECT_TRUE(std::ranges::count(all, name) == 1) << name;
  EXPECT_EQ(contents(std::string(kDirectory) + "/leader-epoch-checkpoint"), "0\n1\n0 0\n");
  EXPECT_EQ(contents(std::string(kDirectory) + "/partition.metadata"),
            "version: 0\ntopic_id: " + topic_id_.to_string());
}

TEST_F(LogTest, LostOrDamagedPartitionMetadataIsMadeAnew) {
  create();
  append_many(3);
  ASSERT_TRUE(log_->close());
  const std::string file = std::string(kDirectory) + "/partition.metadata";
  const std::string before = contents(file);
  for (const bool is_clean : {true, false}) {
    const OpenContext context = is_clean ? clean() : unclean();
    if (is_clean) {
      ASSERT_TRUE(disk_.remove(file));
    } else {
      ASSERT_TRUE(disk_.open(file, env::OpenMode::create).value()->truncate(4));
    }
    ASSERT_TRUE(open(context));
    ASSERT_FALSE(report_.notes.empty());
    EXPECT_NE(report_.notes[0].find("made anew"), std::string::npos) << report_.notes[0];
    disk_.lose_power(sim::PowerLoss::drop_all);
    EXPECT_EQ(contents(file), before);
  }
}

TEST_F(LogTest, DirectoryOfAnotherTopicIsRefused) {
  create();
  append_many(1);
  ASSERT_TRUE(log_->close());
  OpenContext context = clean();
  context.topic_id = Uuid{{9}};
  EXPECT_EQ(open(context).error().code, Errc::conflict);
}

/// On a disk where no page is in the cache until somebody has read it and waited.
TEST_F(LogTest, ReadThatMayNotWaitNeedsALookUpOnThePoolFirst) {
  config_.index_interval_bytes = 512;
  create();
  append_many(400);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  ColdFiles cold(disk_);
  RecoveryReport report;
  auto log = Log::open(cold, kDirectory, {"t", 0}, config(), clean(), report).value();
  for (const std::int64_t from : {399, 7, 250, 0}) {
    auto range = log->read(Offset{from}, 2000, Offset{400}, true, Wait::no);
    if (from > 0) {
      ASSERT_FALSE(range);
      EXPECT_EQ(range.error().code, Errc::would_block);
    }
    for (int tries = 0; !range && tries < 3; ++tries) {
      log->prepare_read(Offset{from}, 2000, Offset{400})->run();
      range = log->read(Offset{from}, 2000, Offset{400}, true, Wait::no);
    }
    ASSERT_TRUE(range) << from;
    const FileRange waited = log_->read(Offset{from}, 2000, Offset{400}, true).value();
    EXPECT_EQ(range->position, waited.position);
    EXPECT_EQ(range->size, waited.size);
  }
}

TEST_F(LogTest, TimesThatMayNotBeWaitedForNeedALookUpOnThePoolFirst) {
  config_.index_interval_bytes = 512;
  config_.segment_bytes = 4'000;
  config_.retention_ms = 1'000;
  create();
  for (std::int64_t i = 0; i < 200; ++i) ASSERT_TRUE(append({{.key = {}, .value = "x", .timestamp = 1'000 + i}}));
  ASSERT_GT(log_->segments().size(), 3U);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  ColdFiles cold(disk_);
  RecoveryReport report;
  auto log = Log::open(cold, kDirectory, {"t", 0}, config(), clean(), report).value();
  int looks = 0;
  const auto without_waiting = [&](WallMillis timestamp, auto look) {
    auto seen = look();
    for (; !seen && looks < 100; ++looks) {
      EXPECT_EQ(seen.error().code, Errc::would_block);
      log->prepare_times(timestamp)->run();
      seen = look();
    }
    EXPECT_TRUE(seen);
    return seen;
  };
  for (const WallMillis timestamp : {1'150, 1'000, 1'199}) {
    auto search =
        without_waiting(timestamp, [&] { return log->find_timestamp(timestamp, Offset{200}, Offset{0}, Wait::no); });
    EXPECT_EQ((*search)->run().value()->offset, Offset{timestamp - 1'000});
  }
  EXPECT_GT(looks, 0);
  auto search = without_waiting(0, [&] { return log->find_max_timestamp(Offset{200}, Wait::no); });
  EXPECT_EQ((*search)->run().value()->offset, Offset{199});
  EXPECT_TRUE(without_waiting(0, [&] { return log->roll_if_old(1'500, Wait::no); }));
  const auto deleted =
      without_waiting(0, [&] { return log->delete_old_segments(2'150, Instant{}, Offset{200}, Wait::no); });
  EXPECT_GT(*deleted, 0U);
  EXPECT_LE(log->log_start(), Offset{150});
}

TEST_F(LogTest, IdleLogIsLookedAtWithoutOpeningAnythingOnceItsTimesAreKnown) {
  config_.segment_bytes = 700;
  config_.retention_ms = 1'000'000;
  create();
  append_many(30);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  const auto look = [&](WallMillis wall_now) {
    log_->release_if_idle();
    EXPECT_TRUE(log_->roll_if_old(wall_now));
    const auto deleted = log_->delete_old_segments(wall_now, Instant{}, log_->log_end());
    EXPECT_TRUE(deleted) << deleted.error().message;
    EXPECT_FALSE(log_->begin_checkpoint().value());
    return deleted.value_or(0);
  };
  EXPECT_EQ(look(2'000), 0U);
  disk_.inject({.on = sim::DiskFault::On::open, .times = -1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(look(3'000), 0U);
  EXPECT_FALSE(log_->has_open_files());
  disk_.clear_faults();
  EXPECT_GT(look(2'000'000), 0U);
}

}  // namespace
}  // namespace mq::log

#include "log/open_files.h"

#include <algorithm>
#include <set>

#include "log_fixture.h"

namespace mq::log {
namespace {

/// Many logs that share a few files, and a pool that comes to its jobs when the test says so.
class OpenFilesTest : public ::testing::Test, private OpenFiles::Owner {
 protected:
  static constexpr std::size_t kBound = 32;

  OpenFilesTest() {
    EXPECT_TRUE(disk_.make_directories("/data"));
    files_.set_bound(kBound);
  }
  void make_logs(int count) {
    for (int i = 0; i < count; ++i) {
      const TopicPartition name{"t", i};
      logs_.push_back(
          Log::create(files_, "/data/" + name.to_string(), name, Uuid{{1}}, std::make_shared<const LogConfig>(config_))
              .value());
      logs_.back()->enter(files_);
    }
  }
  Result<void> append(Log& log, const std::string& value) {
    std::string batch = make_batch({{.key = {}, .value = value}});
    const auto header = record::parse_header(batch).value();
    MQ_CHECK(log.append(batch.data(), header, header.max_timestamp, LeaderEpoch{0}, 1'000));
    return {};
  }
  std::string all_of(Log& log) {
    std::string values;
    Offset from{0};
    record::RecordReader records;
    while (from < log.log_end()) {
      const FileRange range = log.read(from, 1 << 20, log.log_end(), true).value();
      const std::string bytes = read_bytes(range).value();
      record::BatchReader batches(bytes);
      while (const auto batch = batches.next().value()) {
        EXPECT_TRUE(record::for_each_record(
            records, *batch, [&](const record::RecordView& record) { values += std::string(*record.value); }));
        from = batch->header().next_offset();
      }
    }
    return values;
  }
  /// What the pool does.
  void run_syncs() {
    for (Log* log : std::exchange(asked_, {})) {
      auto job = log->begin_sync();
      if (job) log->end_sync(*job, job->run());
    }
  }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
  OpenFiles files_{disk_, *this};
  LogConfig config_;
  std::vector<std::unique_ptr<Log>> logs_;
  std::set<Log*> asked_;
  std::vector<Result<void>> synced_here_;

 private:
  void sync_soon(Log& log) override { asked_.insert(&log); }
  void was_synced(Log&, const Result<void>& outcome) override { synced_here_.push_back(outcome); }
};

TEST_F(OpenFilesTest, ManyMoreLogsThanFilesAreAllWrittenAndReadBack) {
  make_logs(300);
  for (const char* value : {"a", "b", "c"}) {
    for (const auto& log : logs_) {
      const auto appended = append(*log, value);
      ASSERT_TRUE(appended) << appended.error().message;
      ASSERT_LE(files_.count(), kBound + 1);
    }
  }
  // Nobody ran the syncs that were asked for, so they had to be done at once.
  EXPECT_FALSE(synced_here_.empty());
  for (const auto& log : logs_) {
    EXPECT_EQ(all_of(*log), "abc");
    EXPECT_LE(files_.count(), kBound + 1);
    EXPECT_TRUE(log->close());
  }
  EXPECT_EQ(files_.count(), 0U);
}

TEST_F(OpenFilesTest, WhatIsSyncedOnThePoolInTimeIsNotSyncedHere) {
  make_logs(300);
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    run_syncs();
  }
  EXPECT_TRUE(synced_here_.empty());
  EXPECT_LE(files_.count(), kBound);
}

TEST_F(OpenFilesTest, TheLongestUnusedAreClosedFirst) {
  make_logs(60);
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    ASSERT_TRUE(append(*logs_.front(), "a"));
    run_syncs();
  }
  EXPECT_TRUE(logs_.front()->has_open_files());
  EXPECT_TRUE(logs_.back()->has_open_files());
  EXPECT_FALSE(logs_[1]->has_open_files());
}

TEST_F(OpenFilesTest, WhatIsNotOnDiskStaysOpenUntilItIs) {
  make_logs(300);
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    for (const auto& other : logs_)
      EXPECT_TRUE(other->has_open_files() || !other->needs_sync() || other->log_end() == Offset{0});
  }
}

/// A slow disk, and more to be written before the pool has synced anything.
TEST_F(OpenFilesTest, WhatIsBeingSyncedKeepsNobodyFromClosingTheRest) {
  make_logs(300);
  std::vector<std::pair<Log*, SyncJob>> running;
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    EXPECT_LE(files_.count(), kBound + 2);
    if (running.size() >= kBound - 2) continue;
    auto job = log->begin_sync();
    ASSERT_TRUE(job);
    running.emplace_back(log.get(), *std::move(job));
  }
  for (auto& [log, job] : running) log->end_sync(job, job.run());
  running.clear();
  for (const auto& log : logs_) EXPECT_EQ(all_of(*log), "a");
  EXPECT_LE(files_.count(), kBound);
}

TEST_F(OpenFilesTest, FailedSyncIsToldAndFinalForThatLog) {
  make_logs(40);
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = "/data/t-0/"});
  for (const auto& log : logs_) ASSERT_TRUE(append(*log, "a"));
  EXPECT_TRUE(std::ranges::any_of(synced_here_, [](const auto& outcome) { return !outcome; }));
  EXPECT_TRUE(logs_.front()->failed());
}

TEST_F(OpenFilesTest, WhoReadsIsToldThatFilesAreScarceAndGetsNoneBeyondTheBound) {
  make_logs(100);
  std::vector<FileRange> held;
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    run_syncs();
    const auto range = log->read(Offset{0}, 1000, log->log_end(), true);
    ASSERT_TRUE(range) << range.error().message;
    EXPECT_EQ(range->is_scarce, files_.count() > kBound / 4 * 3);
    if (!range->is_scarce) held.push_back(*range);
    EXPECT_LE(files_.count(), kBound);
  }
  EXPECT_EQ(held.size(), kBound / 4 * 3);
  // Who does not let go although they are scarce gets no more in the end.
  std::size_t refused = 0;
  for (const auto& log : logs_) {
    auto range = log->read(Offset{0}, 1000, log->log_end(), true);
    if (range) {
      held.push_back(*std::move(range));
    } else {
      EXPECT_EQ(range.error().code, Errc::too_many_files);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(files_.count(), kBound);
  // Appends go on, each as if it were the only one that passes the bound.
  for (const auto& log : logs_) {
    const auto appended = append(*log, "b");
    ASSERT_TRUE(appended) << appended.error().message;
    EXPECT_LE(files_.count(), kBound + 2);
  }
  held.clear();
  for (const auto& log : logs_) EXPECT_EQ(all_of(*log), "ab");
  EXPECT_LE(files_.count(), kBound);
}

TEST_F(OpenFilesTest, OneLogOfManySegmentsIsReadThrough) {
  config_.segment_bytes = 100;  // each batch has its own
  make_logs(1);
  std::string written;
  for (char value = 'a'; value <= 'z'; ++value) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(append(*logs_.front(), std::string(1, value)));
      written += value;
    }
  }
  ASSERT_GT(logs_.front()->segments().size(), 2 * kBound);
  {
    const auto job = logs_.front()->begin_sync();
    ASSERT_TRUE(job);
    logs_.front()->end_sync(*job, job->run());
  }
  ASSERT_TRUE(logs_.front()->close_synced_files());
  EXPECT_EQ(all_of(*logs_.front()), written);
  EXPECT_EQ(all_of(*logs_.front()), written);
  EXPECT_LE(files_.count(), kBound + 1);
}

}  // namespace
}  // namespace mq::log

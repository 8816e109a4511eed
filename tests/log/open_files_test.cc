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

TEST_F(OpenFilesTest, FailedSyncIsToldAndFinalForThatLog) {
  make_logs(40);
  disk_.inject({.on = sim::DiskFault::On::sync, .path_part = "/data/t-0/"});
  for (const auto& log : logs_) ASSERT_TRUE(append(*log, "a"));
  EXPECT_TRUE(std::ranges::any_of(synced_here_, [](const auto& outcome) { return !outcome; }));
  EXPECT_TRUE(logs_.front()->failed());
}

TEST_F(OpenFilesTest, HeldRangesCountUntilTheyAreSent) {
  make_logs(100);
  std::vector<FileRange> sending;
  for (const auto& log : logs_) {
    ASSERT_TRUE(append(*log, "a"));
    run_syncs();
    sending.push_back(log->read(Offset{0}, 1000, log->log_end(), true).value());
  }
  EXPECT_EQ(files_.count(), 100U);  // that others hold them is beyond us, but nothing failed
  sending.clear();
  EXPECT_LE(files_.count(), kBound);
}

}  // namespace
}  // namespace mq::log

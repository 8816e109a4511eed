// The one way to read a partition: what comes, what is told, and what happens while the pool reads for it.

#include "broker/partition_reader.h"

#include "broker_fixture.h"

namespace mq::broker {
namespace {

using testing::make_batch;

constexpr WallMillis kWrittenAt = 1'700'000'000'000;  // of every record of `make_batch`

/// A pool beside whose jobs things happen.
class WatchedPool final : public env::Pool {
 public:
  explicit WatchedPool(env::Pool& pool) : pool_(pool) {}
  void submit(std::move_only_function<void()> job) override {
    pool_.submit([this, job = std::move(job)]() mutable {
      ++jobs;
      job();
      if (after) after();
    });
  }
  int jobs = 0;
  std::function<void()> after;

 private:
  env::Pool& pool_;
};

class Reading : public testing::BrokerTest {
 public:
  void SetUp() override {
    start({}, 1, 1);
    create_topic("t", 1, {{"segment.bytes", "1024"}});
    create_topic("whole", 1);
  }
  env::Pool& disk_pool() override {
    pool_ = &machine_->make<WatchedPool>(machine_->pool());
    return *pool_;
  }
  [[nodiscard]] Partition& p() { return partition(topic_, 0); }
  [[nodiscard]] std::uint64_t cold_reads() { return p().shard().metrics.fetch_cold_reads.value(); }
  [[nodiscard]] std::string segment(std::int64_t base) const { return fmt::format("/var/lib/mq/t-0/{:020}.log", base); }

  /// Two records of 300 bytes in each batch; one batch in each segment, but all in one of the topic "whole"; synced.
  void write(int batches) {
    for (int i = 0; i < batches; ++i) append();
    world_->run_for(1s);
    ASSERT_EQ(p().high_watermark(), p().log().log_end());
  }
  void append(std::size_t value_bytes = 300) {
    const auto put = [this, value_bytes] {
      std::string batch = make_batch({.records = 2, .value_bytes = value_bytes});
      EXPECT_TRUE(
          p().append(batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = kWrittenAt}));
    };
    on_shard(put);
  }
  template <class F>
  void on_shard(F f) {
    world_->run(*machine_, [](F task) -> awaitable<bool> {
      task();
      co_return true;
    }(std::move(f)));
  }
  /// A start after a clean stop, with nothing in the page cache.
  void restart_cold() {
    restart();
    machine_->disk().watch_cold_reads();
  }
  [[nodiscard]] PartitionReader::Place place(std::int64_t from, Bound bound = Bound::readable) {
    return {.from = Offset{from}, .end = PartitionReader(p()).end_of(bound), .bytes_max = 1 << 20};
  }
  Result<log::FileRange> read(std::int64_t from) {
    PartitionReader reader(p());
    return world_->run(*machine_, reader.read(place(from)), 1min);
  }
  Result<std::string> read_bytes(std::int64_t from) {
    PartitionReader reader(p());
    return world_->run(*machine_, reader.read_bytes(place(from)), 1min);
  }
  Result<log::FileRange> read_now(std::int64_t from) {
    PartitionReader reader(p());
    return reader.read_now(place(from));
  }
  PartitionReader::FoundTime find_time(WallMillis timestamp) {
    PartitionReader reader(p());
    return world_->run(*machine_, reader.find_time(timestamp, reader.end_of(Bound::readable)), 1min);
  }
  Result<log::EpochEnd> end_of_epoch(LeaderEpoch epoch) {
    PartitionReader reader(p());
    return world_->run(*machine_, reader.end_of_epoch(epoch), 1min);
  }
  /// From now on its topic is deleted as soon as the pool has done a job.
  void delete_after_next_job() {
    pool_->after = [this, kept = p().shared_from_this()] {
      was_worked_on_ = kept->is_worked_on();
      kept->retire();
    };
  }

  WatchedPool* pool_ = nullptr;
  std::string topic_ = "t";
  bool was_worked_on_ = false;
};

TEST_F(Reading, EachBoundShowsWhatItsReadersMaySee) {
  write(1);
  on_shard([this] {
    std::string batch = make_batch({.records = 3});
    ASSERT_TRUE(p().append(batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = kWrittenAt}));
    PartitionReader reader(p());
    EXPECT_EQ(reader.end_of(Bound::readable), Offset{2}) << "not synced yet";
    EXPECT_EQ(reader.end_of(Bound::stable), Offset{2});
    EXPECT_EQ(reader.end_of(Bound::log_end), Offset{5});
    EXPECT_TRUE(reader.read_now(place(2)).value().empty());
    EXPECT_EQ(reader.read_now(place(2, Bound::log_end)).value().size, batch.size());
  });
}

TEST_F(Reading, WhatThisProcessWroteComesAtOnceAndAsksNoPool) {
  write(2);
  const int before = pool_->jobs;
  EXPECT_GT(read_now(0).value().size, 0U);
  EXPECT_GT(read(2).value().size, 0U);
  EXPECT_EQ(pool_->jobs, before);
  EXPECT_EQ(read(5).error().code, Errc::offset_out_of_range);
}

TEST_F(Reading, AfterARestartThePoolReadsAndChecksOnceAndTheShardNeverWaits) {
  write(2);
  restart_cold();
  EXPECT_EQ(read_now(2).error().code, Errc::would_block);
  const auto range = read(2);
  ASSERT_TRUE(range) << range.error().message;
  EXPECT_TRUE(range->verified);
  EXPECT_EQ(cold_reads(), 1U);
  EXPECT_EQ(machine_->disk().cold_reads_on_shards(), std::set<std::string>{});
  EXPECT_EQ(read_now(2).value().size, range->size) << "it is remembered as good";
  EXPECT_EQ(read(2).value().size, range->size);
  EXPECT_EQ(cold_reads(), 1U);
}

TEST_F(Reading, TimesEpochsAndStartNeverMakeTheShardWait) {
  write(3);
  restart_cold();
  EXPECT_EQ(find_time(kWrittenAt).value().value().offset, Offset{0});
  EXPECT_EQ(end_of_epoch(p().leader_epoch()).value().end_offset, Offset{6});
  PartitionReader reader(p());
  EXPECT_EQ(world_->run(*machine_, reader.start(), 1min).value().offset, Offset{0});
  EXPECT_EQ(machine_->disk().cold_reads_on_shards(), std::set<std::string>{});
}

TEST_F(Reading, ACacheThatKeepsNothingEndsInALookThatWaits) {
  topic_ = "whole";
  write(2);
  restart_cold();
  pool_->after = [this] { machine_->disk().watch_cold_reads(); };
  const int before = pool_->jobs;
  EXPECT_GT(read(2).value().size, 0U);
  EXPECT_GT(pool_->jobs, before + 4) << "not at the first failure";
  EXPECT_NE(machine_->disk().cold_reads_on_shards(), std::set<std::string>{});
  EXPECT_EQ(find_time(kWrittenAt).value().value().offset, Offset{0});
}

TEST_F(Reading, BytesAreThoseThatWereAppended) {
  const std::string batch = make_batch({.records = 2, .value_bytes = 300});
  write(2);
  restart_cold();
  const std::string bytes = read_bytes(2).value();
  const auto header = record::parse_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->base_offset, Offset{2});
  // Base offset and leader epoch are the broker's; the CRC covers what comes after them.
  EXPECT_EQ(bytes.substr(17), batch.substr(17));
  EXPECT_TRUE(read_bytes(4).value().empty()) << "the end";
}

TEST_F(Reading, DamageIsToldAndWhatStandsBeforeItIsStillRead) {
  topic_ = "whole";
  write(2);
  const std::size_t batch_bytes = p().log().size_bytes() / 2;
  restart([&](env::Files& files) {
    const auto file = files.open("/var/lib/mq/whole-0/00000000000000000000.log", env::OpenMode::read_write).value();
    ASSERT_TRUE(file->write_at(batch_bytes + 100, "rotten"));
  });
  const auto good = read(0);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->size, batch_bytes);
  EXPECT_TRUE(good->has_more) << "nobody waits for what comes after it";
  EXPECT_TRUE(logged("whole-0 is damaged on disk"));
  EXPECT_EQ(read(2).error().code, Errc::corrupt_batch);
}

TEST_F(Reading, WhatTheDiskCannotGiveIsCountedAndToldWhateverItWasReadFor) {
  write(3);
  restart_cold();
  machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = segment(0), .times = -1});
  EXPECT_EQ(read(0).error().code, Errc::read_failed);
  EXPECT_EQ(node_->disk_health().failed_reads().count, 1U);
  EXPECT_TRUE(logged("t-0 cannot be read from the disk"));
  EXPECT_EQ(read_bytes(0).error().code, Errc::read_failed);
  EXPECT_EQ(find_time(kWrittenAt).error().code, Errc::read_failed);
  EXPECT_EQ(node_->disk_health().failed_reads().count, 3U);
  EXPECT_GT(read(2).value().size, 0U) << "all else is read";
}

TEST_F(Reading, APartitionThatGoesAwayMeanwhileIsLookedAtNoMore) {
  topic_ = "whole";
  write(2);
  const auto expect_gone = [&](const char* what, auto ask) {
    restart_cold();
    delete_after_next_job();
    const auto answer = ask();
    EXPECT_FALSE(answer) << what;
    if (!answer) EXPECT_EQ(answer.error().code, Errc::not_leader) << what;
    EXPECT_TRUE(was_worked_on_) << what << ": the directory keeps its name while the job works by names";
    EXPECT_FALSE(p().is_worked_on()) << what;
  };
  expect_gone("read", [&] { return read(2); });
  expect_gone("read_bytes", [&] { return read_bytes(2); });
  expect_gone("find_time", [&] { return find_time(kWrittenAt); });
  expect_gone("end_of_epoch", [&] { return end_of_epoch(p().leader_epoch()); });
}

TEST_F(Reading, APartitionThatGoesAwayWhileItsRangeIsCheckedIsNotAnswered) {
  write(2);
  restart();
  ASSERT_TRUE(p().log().read(Offset{2}, 1 << 20, Offset{4}, true)) << "the look-up is warm, the range is not checked";
  delete_after_next_job();
  EXPECT_EQ(read(2).error().code, Errc::not_leader);
  EXPECT_FALSE(was_worked_on_) << "an open file needs no name";
}

TEST_F(Reading, TimesAreFoundBelowTheBoundOnly) {
  write(3);
  EXPECT_EQ(find_time(kWrittenAt).value().value().offset, Offset{0});
  EXPECT_EQ(find_time(kWrittenAt + 1).value(), std::nullopt);
  PartitionReader reader(p());
  EXPECT_EQ(world_->run(*machine_, reader.find_latest_time(Offset{6}), 1min).value().value().offset, Offset{0});
  EXPECT_EQ(world_->run(*machine_, reader.find_time(kWrittenAt, Offset{0}), 1min).value(), std::nullopt);
}

TEST_F(Reading, AnEpochEndsWhereTheNextBeganAndTheCurrentOneAtTheEndOfTheLog) {
  write(2);
  const LeaderEpoch now = p().leader_epoch();
  EXPECT_EQ(end_of_epoch(now).value().end_offset, Offset{4});
  on_shard([&] {
    cluster::Partition key = *node_->first_shard().image()->find_topic(p().topic_id())->find_partition(0);
    key.leader_epoch = LeaderEpoch{now.value() + 1};
    ++key.partition_epoch;
    p().image_changed(key);
  });
  write(1);
  EXPECT_EQ(end_of_epoch(now).value().end_offset, Offset{4});
  EXPECT_EQ(end_of_epoch(LeaderEpoch{now.value() + 1}).value().end_offset, Offset{6});
  EXPECT_EQ(end_of_epoch(LeaderEpoch{now.value() + 2}).value().epoch, kNoLeaderEpoch);
}

}  // namespace
}  // namespace mq::broker

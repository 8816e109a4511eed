// What is done to the logs of a shard without anybody asking for it.

#include "broker/housekeeping.h"

#include "record/batch_builder.h"
#include "shard_fixture.h"

namespace mq::broker {
namespace {

using testing::IdleHost;

class HousekeepingTest : public testing::ShardTest {
 public:
  /// Three segments of one synced record each.
  void start_with(const cluster::ConfigMap& configs) {
    start([](NodeConfig& config) { config.housekeeping_interval = 30s; });
    table_ = &machine_->make<PartitionTable>();
    host_ = &machine_->make<IdleHost>();
    housekeeping_ = &machine_->make<Housekeeping>(*shard_, *table_);
    cluster::ConfigMap all{{"segment.bytes", "1024"}};
    all.insert(configs.begin(), configs.end());
    partition_ = make_partition(*host_, "t", all);
    on_shard([this] {
      table_->put(partition_);
      partition_->begin();
      for (int i = 0; i < 3; ++i) append();
    });
    world_.run_for(1ms);
    on_shard([this] {
      auto job = partition_->begin_sync();
      ASSERT_TRUE(job);
      partition_->end_sync(*job, job->run());
    });
    ASSERT_EQ(segments(), 3U);
    ASSERT_EQ(partition_->high_watermark(), Offset{3});
  }
  void append() {
    record::BatchBuilder builder({.codec = record::Codec::none});
    builder.add(1'700'000'000'000, std::nullopt, BytesView(std::string(600, 'v')));
    std::string batch = builder.finish({}).value();
    ASSERT_TRUE(partition_->append(
        batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = 1'700'000'000'000}));
    partition_->end_turn();
  }
  void run_for(Duration time) {
    world_.run_for(time);
    housekeeping_->check_invariants();
  }
  [[nodiscard]] std::size_t segments() const { return partition_->log().segments().size(); }

  PartitionTable* table_ = nullptr;
  IdleHost* host_ = nullptr;
  Housekeeping* housekeeping_ = nullptr;
  std::shared_ptr<Partition> partition_;
};

TEST_F(HousekeepingTest, WhatIsOverItsBytesGoesWithTheNextLookAndItsFilesLater) {
  start_with({{"retention.bytes", "700"}, {"file.delete.delay.ms", "60000"}});
  housekeeping_->start();
  run_for(29s);
  EXPECT_EQ(segments(), 3U);
  run_for(2s);
  EXPECT_LT(segments(), 3U);
  EXPECT_GT(partition_->log().log_start(), Offset{0});
  EXPECT_EQ(shard_->metrics.counter(Metric::retention_deleted_segments).value(), 3U - segments());
  run_for(5min);
  EXPECT_FALSE(machine_->files().exists("/data/t-0/00000000000000000000.log").value());
}

TEST_F(HousekeepingTest, RetentionWaitsUntilTheNewStartIsOnDisk) {
  start_with({{"retention.bytes", "700"}, {"file.delete.delay.ms", "0"}});
  machine_->disk().inject({.on = sim::DiskFault::On::open,
                           .path_part = "log-start-offset-checkpoint",
                           .times = 3,
                           .code = Errc::too_many_files});
  housekeeping_->start();
  run_for(31s);
  EXPECT_EQ(segments(), 3U);
  EXPECT_EQ(partition_->log().log_start(), Offset{0}) << "after a crash it would be there again";
  run_for(5min);
  EXPECT_LT(segments(), 3U);
  EXPECT_GT(partition_->log().log_start(), Offset{0});
  EXPECT_FALSE(machine_->files().exists("/data/t-0/00000000000000000000.log").value());
  EXPECT_FALSE(machine_->files().exists("/data/t-0/00000000000000000000.log.deleted").value());
}

TEST_F(HousekeepingTest, WhoAsksForALookHasItNow) {
  start_with({{"retention.bytes", "700"}});
  housekeeping_->start();
  run_for(1s);
  on_shard([this] { housekeeping_->look_now(); });
  run_for(100ms);
  EXPECT_LT(segments(), 3U);
}

TEST_F(HousekeepingTest, AfterAStopNothingIsLookedAt) {
  start_with({{"retention.bytes", "700"}});
  housekeeping_->start();
  run_for(1s);
  node_->life.begin_stop();
  housekeeping_->stop();
  world_.run(*machine_, shard_->log_tasks.join());
  EXPECT_EQ(segments(), 3U);
}

TEST_F(HousekeepingTest, ACheckpointThatIsAskedForSavesAndSaysSo) {
  start_with({});
  on_shard([this] { housekeeping_->checkpoint_soon(partition_); });
  world_.run(*machine_, shard_->log_tasks.join());
  EXPECT_EQ(partition_->log().recovery_point(), Offset{3});
}

TEST_F(HousekeepingTest, AFailedSyncOfACheckpointTakesTheDirectoryOffline) {
  start_with({});
  on_shard([this] { append(); });
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = "t-0/", .times = -1});
  on_shard([this] { housekeeping_->checkpoint_soon(partition_); });
  world_.run(*machine_, shard_->log_tasks.join());
  EXPECT_EQ(times_offline_, 1);
}

}  // namespace
}  // namespace mq::broker

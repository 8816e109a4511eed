// A partition carries out what its replica decides, and tells who waits.

#include "broker/partition.h"

#include "record/batch_builder.h"
#include "shard_fixture.h"

namespace mq::broker {
namespace {

using testing::IdleHost;

class OnePartition : public testing::ShardTest {
 public:
  void SetUp() override {
    start();
    host_ = &machine_->make<IdleHost>();
    partition_ = make_partition(*host_, "t");
    machine_->own(partition_);
    on_shard([this] { partition_->begin(); });
  }
  Result<Appended> append(std::int64_t producer_id = -1, std::int32_t sequence = -1) {
    record::BatchBuilder builder({.codec = record::Codec::none});
    builder.add(1'700'000'000'000, std::nullopt, BytesView("v"));
    record::BatchBuilder::Stamp stamp;
    if (producer_id >= 0)
      stamp = {.producer_id = ProducerId{producer_id},
               .producer_epoch = ProducerEpoch{0},
               .base_sequence = Sequence{sequence}};
    std::string batch = builder.finish(stamp).value();
    return partition_->append(batch.data(),
                              {.header = record::parse_header(batch).value(), .max_timestamp = 1'700'000'000'000});
  }
  OffsetWaiters::Done into(ErrorCode& answer) {
    return [&answer](ErrorCode error) { answer = error; };
  }
  /// A sync, by hand, with this outcome.
  void sync(const Result<void>& outcome = {}) {
    on_shard([&] {
      auto job = partition_->begin_sync();
      ASSERT_TRUE(job);
      ASSERT_TRUE(job->run());
      partition_->end_sync(*job, outcome);
    });
  }
  IdleHost* host_ = nullptr;
  std::shared_ptr<Partition> partition_;
  ErrorCode written_ = ErrorCode::kUnknownServerError;
  ErrorCode committed_ = ErrorCode::kUnknownServerError;
};

TEST_F(OnePartition, SmallBatchesOfATurnAreWrittenAtItsEnd) {
  on_shard([&] {
    const Offset end = append()->end;
    partition_->when_written(end, into(written_));
    EXPECT_EQ(partition_->log().written_end(), Offset{0});
    EXPECT_EQ(written_, ErrorCode::kUnknownServerError);
  });
  world_.run_for(1ms);
  EXPECT_EQ(partition_->log().written_end(), Offset{1});
  EXPECT_EQ(written_, ErrorCode::kNone);
}

TEST_F(OnePartition, AnAnswerForAllWaitsForTheDiskAndAsksForItAtOnce) {
  on_shard([&] { partition_->when_committed(append()->end, into(committed_)); });
  world_.run_for(1ms);
  EXPECT_EQ(host_->syncs, 1);
  EXPECT_EQ(committed_, ErrorCode::kUnknownServerError);
  sync();
  EXPECT_EQ(committed_, ErrorCode::kNone);
  EXPECT_EQ(partition_->high_watermark(), Offset{1});
}

TEST_F(OnePartition, NobodyWaitsAndTheSyncIsPutOff) {
  on_shard([&] { ASSERT_TRUE(append()); });
  world_.run_for(1ms);
  EXPECT_EQ(host_->syncs, 0);
  EXPECT_EQ(host_->lazy_syncs, 1);
}

TEST_F(OnePartition, AFailedSyncTellsEverybodyAndTakesTheDirectoryOffline) {
  on_shard([&] { partition_->when_committed(append()->end, into(committed_)); });
  world_.run_for(1ms);
  sync(fail(Errc::disk_failed, "the disk is gone"));
  EXPECT_EQ(committed_, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(times_offline_, 1);
  on_shard([&] { EXPECT_EQ(append().error().code, Errc::disk_failed); });
}

TEST_F(OnePartition, WantOfDescriptorsIsNoFailureOfTheDisk) {
  on_shard([&] { partition_->when_committed(append()->end, into(committed_)); });
  world_.run_for(1ms);
  sync(fail(Errc::too_many_files, "no descriptor"));
  EXPECT_EQ(committed_, ErrorCode::kUnknownServerError);
  EXPECT_EQ(host_->lazy_syncs, 1) << "it is tried again";
  EXPECT_EQ(times_offline_, 0);
}

TEST_F(OnePartition, RetiredItBeginsNoSyncNotesNothingAndTellsWhenNobodyWorksOnItsFiles) {
  on_shard([&] {
    ASSERT_TRUE(append());
    partition_->begin_work();
    partition_->begin_work();
    partition_->retire();
    EXPECT_TRUE(partition_->is_worked_on());
    partition_->end_work();
    EXPECT_EQ(host_->works_ended, 0);
    partition_->end_work();
    EXPECT_EQ(host_->works_ended, 1);
    EXPECT_FALSE(partition_->begin_sync());
  });
  world_.run_for(1s);
  EXPECT_EQ(partition_->log().written_end(), Offset{0}) << "what was gathered is not written to files of another";
}

TEST_F(OnePartition, ItTakesNothingInAnEpochThatItIsHeldIn) {
  on_shard([&] {
    partition_->hold_appends();
    EXPECT_EQ(append().error().code, Errc::disk_full);
    partition_->image_changed({.replicas = {BrokerId{1}},
                               .isr = {BrokerId{1}},
                               .leader = BrokerId{1},
                               .leader_epoch = LeaderEpoch{1},
                               .partition_epoch = 1});
    EXPECT_TRUE(append());
  });
}

TEST_F(OnePartition, WhoWaitsForARoleThatIsOverIsTold) {
  on_shard([&] {
    partition_->when_committed(append()->end, into(committed_));
    partition_->image_changed({.replicas = {BrokerId{1}, BrokerId{2}},
                               .isr = {BrokerId{1}, BrokerId{2}},
                               .leader = BrokerId{2},
                               .leader_epoch = LeaderEpoch{1},
                               .partition_epoch = 1});
    EXPECT_EQ(partition_->check_append(false), ErrorCode::kNotLeaderOrFollower);
  });
  EXPECT_EQ(committed_, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(OnePartition, AStartThatPassesWhatIsNotOnDiskIsNoSyncedEnd) {
  on_shard([&] {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append());
  });
  world_.run_for(1ms);
  on_shard([&] {
    ASSERT_TRUE(partition_->log().advance_start(Offset{2}, Offset{3}));
    partition_->log_start_moved();
    EXPECT_EQ(partition_->high_watermark(), Offset{2}) << "it is never below the start";
    partition_->note_synced();
    EXPECT_EQ(node_->log_dir().slot_of(partition_->topic_id(), PartitionId{0})->end, Offset{0});
  });
  sync();
  EXPECT_EQ(node_->log_dir().slot_of(partition_->topic_id(), PartitionId{0})->end, Offset{3});
  EXPECT_EQ(partition_->high_watermark(), Offset{3});
}

TEST_F(OnePartition, NewProducersAreCountedOnce) {
  on_shard([&] {
    ASSERT_TRUE(append(7, 0));
    ASSERT_TRUE(append(7, 1));
    ASSERT_TRUE(append(8, 0));
  });
  EXPECT_EQ(host_->producers, 2U);
}

TEST_F(OnePartition, DamageOfOnePlaceIsToldOnceInAWhile) {
  const Error rot{Errc::corrupt_batch, "t-0/00.log:17: a bad CRC"};
  on_shard([&] {
    for (int i = 0; i < 5; ++i) partition_->tell_damage(rot);
  });
  world_.run_for(1s);
  EXPECT_EQ(times_logged("a bad CRC"), 1U);
  on_shard([&] { partition_->tell_damage({Errc::corrupt_batch, "t-0/00.log:99: a bad CRC"}); });
  world_.run_for(1s);
  EXPECT_EQ(times_logged("a bad CRC"), 2U) << "another place";
  world_.run_for(11min);
  on_shard([&] { partition_->tell_damage({Errc::corrupt_batch, "t-0/00.log:99: a bad CRC"}); });
  world_.run_for(1s);
  EXPECT_EQ(times_logged("a bad CRC"), 3U) << "after a while";
  EXPECT_EQ(node_->disk_health.failed_reads().count, 0U);
  on_shard([&] { partition_->tell_damage({Errc::invalid_argument, "no matter of the disk"}); });
  EXPECT_FALSE(logged("no matter of the disk"));
}

}  // namespace
}  // namespace mq::broker

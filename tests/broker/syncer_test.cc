// Syncs of the logs of one shard: at once for who waits, gathered meanwhile, lazily for nobody, or by time.

#include "broker/syncer.h"

#include "broker/slot_syncer.h"
#include "record/batch_builder.h"
#include "shard_fixture.h"

namespace mq::broker {
namespace {

/// Carries out syncs and nothing else.
class SyncingHost final : public PartitionHost {
 public:
  explicit SyncingHost(ShardContext& shard) : syncer(shard), slots(shard) {}
  void sync_now(Partition& partition) override { syncer.start(partition); }
  void sync_soon(Partition& partition) override { syncer.put_off(partition); }
  void sync_by_time(Partition& partition) override { syncer.begin_timing(partition); }
  void sync_slots(std::move_only_function<void()> then) override { slots.sync(std::move(then)); }
  void checkpoint_soon(std::shared_ptr<Partition>) override {}
  void save_start(std::shared_ptr<Partition>, Offset) override {}
  void producers_came(std::size_t) override {}
  void work_ended() override {}
  void propose(Partition&) override {}
  void raise_epoch(Partition&) override {}
  void role_changed(Partition&) override {}
  void has_news(Partition&) override {}
  void check_invariants() const {
    syncer.check_invariants();
    slots.check_invariants();
  }

  Syncer syncer;
  SlotSyncer slots;
};

class Syncs : public testing::ShardTest {
 public:
  void start_with(const cluster::ConfigMap& configs) {
    start();
    host_ = &machine_->make<SyncingHost>(*shard_);
    partition_ = make_partition(*host_, "t", configs);
    machine_->own(partition_);
    on_shard([this] { partition_->begin(); });
  }
  /// Appends one record; its end.
  Offset append() {
    record::BatchBuilder builder({.codec = record::Codec::none});
    builder.add(1'700'000'000'000, std::nullopt, BytesView("v"));
    std::string batch = builder.finish({}).value();
    Offset end{-1};
    on_shard([&] {
      const auto appended = partition_->append(
          batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = 1'700'000'000'000});
      ASSERT_TRUE(appended) << appended.error().message;
      end = appended->end;
    });
    return end;
  }
  std::shared_ptr<ErrorCode> wait_for(Offset end) {
    auto answer = std::make_shared<ErrorCode>(ErrorCode::kUnknownServerError);
    on_shard([&] { partition_->when_committed(end, [answer](ErrorCode error) { *answer = error; }); });
    return answer;
  }
  [[nodiscard]] Offset synced() const { return partition_->log().synced_end(); }
  void run_for(Duration time) {
    world_.run_for(time);
    host_->check_invariants();
  }
  SyncingHost* host_ = nullptr;
  std::shared_ptr<Partition> partition_;
};

TEST_F(Syncs, WhoWaitsIsAnsweredOnceItIsOnDisk) {
  start_with({});
  const auto answer = wait_for(append());
  run_for(5ms);
  EXPECT_EQ(*answer, ErrorCode::kNone);
  EXPECT_EQ(synced(), Offset{1});
  EXPECT_EQ(partition_->high_watermark(), Offset{1});
}

TEST_F(Syncs, WhatNobodyWaitsForIsSyncedWithinTheLazyRound) {
  start_with({});
  append();
  append();
  run_for(1ms);
  EXPECT_EQ(synced(), Offset{0});
  run_for(Syncer::kLazySync + 5ms);
  EXPECT_EQ(synced(), Offset{2});
}

TEST_F(Syncs, AnAsyncTopicIsSyncedByItsTime) {
  start_with({{"mq.flush", "async"}, {"flush.ms", "500"}});
  const auto answer = wait_for(append());
  run_for(100ms);
  EXPECT_EQ(*answer, ErrorCode::kNone) << "the page cache is enough";
  EXPECT_EQ(synced(), Offset{0});
  run_for(500ms);
  EXPECT_EQ(synced(), Offset{1});
}

TEST_F(Syncs, AfterAStopNothingLazyBeginsAndWhatIsBegunIsWaitedFor) {
  start_with({});
  append();
  host_->syncer.stop();
  run_for(1s);
  EXPECT_EQ(synced(), Offset{0});
  on_shard([this] { partition_->hurry(); });
  EXPECT_LE(synced(), Offset{1});
  world_.run(*machine_, host_->syncer.drain());
  EXPECT_EQ(synced(), Offset{1});
  host_->check_invariants();
}

TEST_F(Syncs, AFailedSyncIsFinalAndTellsWhoWaits) {
  start_with({});
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = "t-0/", .times = -1});
  const auto answer = wait_for(append());
  run_for(100ms);
  EXPECT_EQ(*answer, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(times_offline_, 1);
  EXPECT_EQ(partition_->high_watermark(), Offset{0});
}

TEST_F(Syncs, SlotsThatAreNotedMeanwhileAreSyncedTogetherNext) {
  start_with({});
  std::vector<int> called;
  on_shard([&] {
    for (int i = 0; i < 3; ++i) host_->slots.sync([&called, i] { called.push_back(i); });
    EXPECT_TRUE(called.empty());
  });
  run_for(100ms);
  EXPECT_EQ(called, (std::vector<int>{0, 1, 2}));
}

TEST_F(Syncs, ASyncOfSlotsThatFailsCallsNobodyAndIsFinal) {
  start_with({});
  node_->log_dir().note_synced(partition_->topic_id(), PartitionId{0}, Offset{0});
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = "mq-synced-ends", .times = -1});
  bool called = false;
  on_shard([&] { host_->slots.sync([&called] { called = true; }); });
  run_for(100ms);
  EXPECT_FALSE(called);
  EXPECT_EQ(times_offline_, 1);
}

}  // namespace
}  // namespace mq::broker

// A partition whose leader is somebody else: it copies, and cuts its log where the leader says so.

#include "broker/partition.h"
#include "record/batch_builder.h"
#include "shard_fixture.h"

namespace mq::broker {
namespace {

using testing::IdleHost;

constexpr BrokerId kOther{2};
constexpr cluster::BrokerEpoch kIncarnation{7};

class FollowingPartition : public testing::ShardTest {
 public:
  void SetUp() override {
    start();
    node_->broker_epoch = kIncarnation;
    host_ = &machine_->make<IdleHost>();
    partition_ = make_partition(*host_, "t");
    machine_->own(partition_);
    on_shard([this] { partition_->begin(); });
    led_by(kOther, 1);
  }
  void led_by(BrokerId leader, std::int32_t epoch, std::vector<BrokerId> isr = {BrokerId{1}, kOther}) {
    const cluster::Partition key{.replicas = {BrokerId{1}, kOther},
                                 .isr = std::move(isr),
                                 .leader = leader,
                                 .leader_epoch = LeaderEpoch{epoch},
                                 .partition_epoch = ++partition_epoch_,
                                 .leader_broker_epoch = kIncarnation};
    on_shard([&] { partition_->image_changed(key); });
  }
  static std::string batch(std::int64_t offset, std::int32_t epoch) {
    record::BatchBuilder builder({.codec = record::Codec::none});
    builder.add(1'700'000'000'000, std::nullopt, BytesView("v"));
    std::string bytes = builder.finish({}).value();
    record::set_base_offset(bytes.data(), Offset{offset});
    record::set_leader_epoch(bytes.data(), LeaderEpoch{epoch});
    return bytes;
  }
  Result<void> copy(std::int64_t offset, std::int32_t epoch) {
    Result<void> copied;
    on_shard([&] {
      const std::string bytes = batch(offset, epoch);
      copied = partition_->append_copy(record::first_batch(bytes).value());
      partition_->end_turn();
    });
    return copied;
  }
  Result<void> answered(const replication::LeaderAnswer& answer) {
    Result<void> taken;
    on_shard([&] { taken = partition_->answered(answer); });
    world_.run_for(1s);
    return taken;
  }
  void sync() {
    on_shard([&] {
      auto job = partition_->begin_sync();
      ASSERT_TRUE(job);
      ASSERT_TRUE(job->run());
      partition_->end_sync(*job, {});
    });
  }
  [[nodiscard]] Offset slot_end() const {
    return node_->log_dir().slot_of(partition_->topic_id(), PartitionId{0})->end;
  }

  IdleHost* host_ = nullptr;
  std::shared_ptr<Partition> partition_;
  std::int32_t partition_epoch_ = 0;
};

TEST_F(FollowingPartition, WhatIsCopiedIsSyncedAtOnceAndToldToTheLeader) {
  ASSERT_TRUE(copy(0, 1));
  EXPECT_EQ(partition_->log().written_end(), Offset{1});
  EXPECT_EQ(host_->syncs, 1);
  const int news = host_->news;
  sync();
  EXPECT_GT(host_->news, news);
  EXPECT_EQ(partition_->high_watermark(), Offset{0}) << "the leader says what is committed";
  ASSERT_TRUE(answered({.high_watermark = Offset{1}}));
  EXPECT_EQ(partition_->high_watermark(), Offset{1});
}

TEST_F(FollowingPartition, ABatchOfThePastIsNotTaken) {
  ASSERT_TRUE(copy(0, 1));
  ASSERT_TRUE(copy(5, 1)) << "compaction may have left nothing in between";
  EXPECT_EQ(copy(4, 1).error().code, Errc::invalid_argument);
  EXPECT_EQ(copy(6, 0).error().code, Errc::invalid_argument) << "an older epoch comes after a newer one";
  EXPECT_EQ(partition_->log().log_end(), Offset{6});
}

TEST_F(FollowingPartition, ItsLogIsCutWhereTheLeadersDiffersAndNothingLowersItsSlotLater) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  sync();
  ASSERT_EQ(slot_end(), Offset{4});
  led_by(kOther, 2);
  ASSERT_TRUE(answered({.high_watermark = Offset{1}, .diverges_at = Offset{2}}));
  EXPECT_FALSE(partition_->is_cutting());
  EXPECT_EQ(partition_->log().log_end(), Offset{2});
  EXPECT_EQ(slot_end(), Offset{2});
  EXPECT_EQ(partition_->replica().ends().log_end, Offset{2});
  ASSERT_TRUE(copy(2, 2));
  EXPECT_EQ(partition_->log().last_epoch().value(), LeaderEpoch{2});
}

TEST_F(FollowingPartition, WhatIsCommittedIsNotCut) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  ASSERT_TRUE(answered({.high_watermark = Offset{3}}));
  EXPECT_EQ(answered({.diverges_at = Offset{2}}).error().code, Errc::refused);
  EXPECT_EQ(partition_->log().log_end(), Offset{4});
}

TEST_F(FollowingPartition, WhoLeadsByThenKeepsItsLog) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  on_shard([&] {
    ASSERT_TRUE(partition_->answered({.diverges_at = Offset{2}}));
    EXPECT_TRUE(partition_->is_cutting());
  });
  led_by(BrokerId{1}, 2);
  world_.run_for(1s);
  EXPECT_FALSE(partition_->is_cutting());
  EXPECT_TRUE(partition_->is_leader());
  EXPECT_EQ(partition_->log().log_end(), Offset{4});
}

TEST_F(FollowingPartition, WhereTheLeaderBeginsLaterItBeginsAnew) {
  ASSERT_TRUE(copy(0, 1));
  ASSERT_TRUE(answered({.start_wanted = Offset{50}}));
  EXPECT_EQ(partition_->log().log_start(), Offset{50});
  EXPECT_EQ(partition_->high_watermark(), Offset{50});
  EXPECT_EQ(slot_end(), Offset{50});
  ASSERT_TRUE(copy(50, 1));
}

TEST_F(FollowingPartition, ItBeginsWhereTheLeaderBeginsAsFarAsThatIsCommitted) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  ASSERT_TRUE(answered({.high_watermark = Offset{2}, .start_wanted = Offset{3}}));
  EXPECT_EQ(partition_->log().log_start(), Offset{0}) << "it is not on the disk";
  ASSERT_EQ(host_->starts, std::vector{Offset{2}});
  ASSERT_TRUE(answered({.high_watermark = Offset{2}, .start_wanted = Offset{3}}));
  EXPECT_EQ(host_->starts.size(), 1U) << "it is on its way";
  const int news = host_->news;
  on_shard([&] { partition_->start_saved(Offset{2}); });
  EXPECT_EQ(partition_->log().log_start(), Offset{2});
  EXPECT_GT(host_->news, news);
}

TEST_F(FollowingPartition, AStartThatCouldNotBeSavedIsTriedAgain) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  ASSERT_TRUE(answered({.high_watermark = Offset{4}, .start_wanted = Offset{3}}));
  on_shard([&] { partition_->start_not_saved(); });
  ASSERT_TRUE(answered({.high_watermark = Offset{4}, .start_wanted = Offset{3}}));
  EXPECT_EQ(host_->starts.size(), 2U);
  EXPECT_EQ(partition_->log().log_start(), Offset{0});
}

TEST_F(FollowingPartition, ALeadersStartWaitsForThoseWhoMayLead) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  sync();
  led_by(BrokerId{1}, 2);
  const auto fetched = [&](int start) {
    on_shard([&] {
      partition_->fetched_by({.from = kOther, .log_end = Offset{4}, .synced = Offset{4}, .log_start = Offset{start}});
    });
  };
  fetched(0);
  ASSERT_EQ(partition_->high_watermark(), Offset{4});
  std::optional<ErrorCode> begun;
  on_shard([&] {
    partition_->start_saved(Offset{3});
    EXPECT_TRUE(partition_->tell_start(kOther));
    EXPECT_FALSE(partition_->tell_start(kOther));
    shard_->tasks.spawn([](Partition& partition, std::optional<ErrorCode>& to) -> awaitable<void> {
      to = co_await partition.until_start(Offset{3}, Instant::never());
    }(*partition_, begun));
  });
  fetched(0);
  EXPECT_FALSE(begun);
  EXPECT_EQ(partition_->log().log_start(), Offset{0});
  fetched(3);
  world_.run_for(1s);
  EXPECT_EQ(begun, ErrorCode::kNone);
  EXPECT_EQ(partition_->log().log_start(), Offset{3});
}

TEST_F(FollowingPartition, WhoComesToLeadKnowsWhereItsEpochBegins) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(copy(i, 1));
  led_by(BrokerId{1}, 5);
  EXPECT_EQ(partition_->log().latest_epoch().value(), LeaderEpoch{5});
  EXPECT_EQ(partition_->log().end_offset_for(LeaderEpoch{1}).value().end_offset, Offset{4});
}

TEST_F(FollowingPartition, InAnEpochThatItsLogHasItDoesNotLeadAndAsksForAnother) {
  ASSERT_TRUE(copy(0, 4));
  led_by(BrokerId{1}, 3);
  EXPECT_FALSE(partition_->is_leader());
  EXPECT_EQ(host_->raised_epochs, 1);
  led_by(BrokerId{1}, 5);
  EXPECT_TRUE(partition_->is_leader());
}

TEST_F(FollowingPartition, ALeaderProposesWhoHasAllAndTellsWhoCopies) {
  ASSERT_TRUE(copy(0, 1));
  led_by(BrokerId{1}, 2, {BrokerId{1}});
  int woken = 0;
  on_shard([&] {
    const auto watch = partition_->watch(Partition::Watching::replica, [&] { ++woken; });
    std::string bytes = batch(0, 0);
    ASSERT_TRUE(partition_->append(
        bytes.data(), {.header = record::parse_header(bytes).value(), .max_timestamp = 1'700'000'000'000}));
    partition_->end_turn();
    EXPECT_EQ(woken, 1);
    partition_->fetched_by({.from = kOther, .broker_epoch = kIncarnation, .log_end = Offset{1}, .synced = Offset{0}});
    EXPECT_TRUE(host_->proposals.empty()) << "of class ack, and nothing is on its disk";
    partition_->fetched_by({.from = kOther, .broker_epoch = kIncarnation, .log_end = Offset{1}, .synced = Offset{1}});
    partition_->unwatch(watch);
  });
  ASSERT_EQ(host_->proposals.size(), 1U);
  EXPECT_EQ(host_->proposals[0].at(1).id, kOther);
  on_shard([&] {
    partition_->proposal_ended(partition_epoch_ - 1, replication::Replica::Outcome::unknown);
    EXPECT_EQ(host_->proposals.size(), 1U) << "of an earlier key";
    partition_->proposal_ended(partition_epoch_, replication::Replica::Outcome::unknown);
  });
  EXPECT_EQ(host_->proposals.size(), 2U) << "the same again";
}

}  // namespace
}  // namespace mq::broker

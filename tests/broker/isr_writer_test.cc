// What leaders want of their ISRs comes into the keys, or they are told why not.

#include "broker/isr_writer.h"

#include <optional>

#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/cluster_plans.h"
#include "keeper_fixture.h"

namespace mq::broker {
namespace {

using Ended = replication::Replica::Outcome;

constexpr cluster::BrokerEpoch kEpoch{1};

class IsrWriterTest : public testing::NodeParts {
 public:
  IsrWriterTest() : clock_(world_.scheduler()), model_(clock_) {
    EXPECT_TRUE(open_directory());
    other_ = &machine_.make<std::unique_ptr<meta::MetadataStore>>(model_.connect(machine_.shard(0)));
    for (int id = 1; id <= 3; ++id) put(cluster::put_broker({.id = BrokerId{id}, .epoch = kEpoch}));
    topic_.name = "t";
    topic_.id.bytes[0] = 7;
    topic_.partitions.push_back(key_);
    put(cluster::put_partition(topic_.id, 0, key_));
    put(cluster::put_topic(topic_));
    writer_ = &machine_.make<MetadataWriter>(*node_, *shards_);
    writer_->use(model_.connect(machine_.shard(0)));
    EXPECT_TRUE(run(writer_->begin({})));
    isrs_ = &machine_.make<IsrWriter>(*node_, *writer_);
  }
  ~IsrWriterTest() override { machine_.kill(); }

  void put(cluster::Op op) {
    meta::Transaction transaction;
    machine_.random().fill(transaction.write_id);
    transaction.ops.push_back(std::move(op));
    const auto done = run([](meta::MetadataStore* store, meta::Transaction sent) -> awaitable<Result<meta::Revision>> {
      co_return co_await store->transact(std::move(sent));
    }(other_->get(), std::move(transaction)));
    ASSERT_TRUE(done) << done.error().message;
  }
  /// The leader wants these, those that are not in its ISR as new.
  void wish(std::vector<int> isr, std::int32_t partition_epoch = 0) {
    IsrWish wanted{.place = {topic_.id, 0}, .partition_epoch = partition_epoch};
    for (const int id : isr) wanted.isr.push_back({.id = BrokerId{id}, .broker_epoch = kEpoch, .is_new = id == 3});
    wanted.ended = [this](Ended outcome) { outcome_ = outcome; };
    isrs_->wish(std::move(wanted));
    world_.run_for(2s);
  }
  [[nodiscard]] const cluster::Partition& known() const {
    return *writer_->image()->find_topic(topic_.id)->find_partition(0);
  }

  sim::Clock clock_;
  sim::ModelMetadata model_;
  std::unique_ptr<meta::MetadataStore>* other_ = nullptr;
  MetadataWriter* writer_ = nullptr;
  IsrWriter* isrs_ = nullptr;
  cluster::Partition key_{.replicas = {BrokerId{1}, BrokerId{2}, BrokerId{3}},
                          .isr = {BrokerId{1}, BrokerId{2}},
                          .leader = BrokerId{1},
                          .leader_broker_epoch = kEpoch};
  cluster::Topic topic_;
  std::optional<Ended> outcome_;
};

TEST_F(IsrWriterTest, WhatALeaderWantsComesIntoTheKeyAndToTheShards) {
  wish({1, 2, 3});
  EXPECT_EQ(known().isr.size(), 3U);
  EXPECT_EQ(known().partition_epoch, 1);
  EXPECT_FALSE(outcome_) << "the image says so";
  ASSERT_FALSE(shards_->images.empty());
  EXPECT_EQ(shards_->images.back(), writer_->image());
}

TEST_F(IsrWriterTest, WhoIsNotInTheIncarnationThatFetchedIsNotAdded) {
  put(cluster::put_broker({.id = BrokerId{3}, .epoch = cluster::BrokerEpoch{2}}));
  wish({1, 2, 3});
  EXPECT_EQ(known().isr.size(), 2U);
  EXPECT_EQ(outcome_, Ended::refused);
}

TEST_F(IsrWriterTest, WhatSomebodyElseHasWrittenMeanwhileIsNotWrittenOver) {
  cluster::Partition next = key_;
  next.isr = {BrokerId{1}};
  next.partition_epoch = 1;
  put(cluster::put_partition(topic_.id, 0, next));
  wish({1, 2, 3});
  EXPECT_EQ(outcome_, Ended::conflict);
  EXPECT_EQ(known().isr.size(), 1U);
  EXPECT_EQ(shards_->images.back(), writer_->image()) << "the leader learns of it";
}

TEST_F(IsrWriterTest, AnOutcomeThatNobodyKnowsIsToldAsThat) {
  model_.set_trouble({.lost_request_one_in = 1}, 1);
  wish({1, 2, 3});
  EXPECT_EQ(outcome_, Ended::unknown);
  EXPECT_EQ(known().isr.size(), 2U);
}

TEST_F(IsrWriterTest, AnEpochIsRaisedAboveThatOfALog) {
  isrs_->wish(EpochWish{.place = {topic_.id, 0}, .latest = LeaderEpoch{9}});
  world_.run_for(2s);
  EXPECT_EQ(known().leader_epoch, LeaderEpoch{10});
}

}  // namespace
}  // namespace mq::broker

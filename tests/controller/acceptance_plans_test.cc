#include "controller/acceptance_plans.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "cluster_model.h"

namespace mq::controller {
namespace {

using cluster::BrokerEpoch;

Uuid directory_of(int id) { return id_of(static_cast<std::uint32_t>(700 + id)); }

/// A broker whose log of the model's partition has come to `epoch`.
Holdings holding(int id, int epoch = 9) {
  return {
      .broker = BrokerId{id},
      .directory = directory_of(id),
      .nonce = id_of(static_cast<std::uint32_t>(800 + id)),
      .broker_epoch = BrokerEpoch{20 + id},
      .is_holding = true,
      .producer_ids_end = 5000,
      .logs = {
          {.topic_id = id_of(5), .topic = "t", .partition = 0, .epoch = LeaderEpoch{epoch}, .partition_epoch = 40}}};
}
Holdings following(int id) {
  return {.broker = BrokerId{id}, .directory = directory_of(id), .broker_epoch = BrokerEpoch{1}};
}

struct Accepting {
  PlannedAcceptance plan(std::vector<Holdings> asked, Brokers left_out = {}) const {
    return plan_acceptance(model.store.image(),
                           {.id = id_of(900), .asked = std::move(asked), .left_out = std::move(left_out)});
  }
  void accept(std::vector<Holdings> asked, Brokers left_out = {}) {
    const PlannedAcceptance planned = plan(std::move(asked), std::move(left_out));
    ASSERT_EQ(planned.refusal.error, ErrorCode::kNone) << planned.refusal.message;
    ASSERT_TRUE(model.store.perform(planned.plan));
  }
  ClusterModel model;
};

TEST(Acceptance, WhatMustOnlyGrowIsAboveAllThatAnyBrokerHas) {
  Accepting test;
  test.accept({holding(1), holding(2, 12), holding(3)});
  const cluster::ClusterImage image = test.model.store.image();
  const cluster::Partition now = test.model.partition();
  EXPECT_GT(now.leader_epoch, LeaderEpoch{12 + kEpochsPassedOver});
  EXPECT_GT(now.partition_epoch, 40);
  EXPECT_GE(image.producer_ids().next, 5000 + kProducerIdsPassedOver);
  for (const int id : {1, 2, 3}) {
    const cluster::Broker& broker = *image.find_broker(BrokerId{id});
    EXPECT_GT(broker.epoch, BrokerEpoch{20 + id}) << "the next registration is above";
    EXPECT_EQ(broker.directory, directory_of(id));
    EXPECT_FALSE(image.is_alive(BrokerId{id}));
    EXPECT_TRUE(image.acceptance()->is_for(directory_of(id)));
  }
  EXPECT_FALSE(image.controller());
  EXPECT_FALSE(image.acceptance()->is_in_use);
}

TEST(Acceptance, WhoWasInSyncIsForgottenAndTheGreatestLogOfThoseThatWereAskedLeads) {
  Accepting test;
  test.accept({holding(1), holding(3)}, ids({2}));
  const cluster::Partition now = test.model.partition();
  EXPECT_EQ(now.leader, kNoBroker);
  EXPECT_TRUE(now.isr.empty());
  EXPECT_TRUE(now.elr.empty());
  EXPECT_EQ(now.last_in_sync, ids({1, 3}));
  EXPECT_EQ(now.replicas, ids({1, 2, 3}));
  EXPECT_FALSE(test.model.store.image().acceptance()->is_for(directory_of(2)));
}

TEST(Acceptance, WhoHasTheLatestEpochBecomesAReplicaWhereNoneOfThemHasIt) {
  Accepting test;
  add_broker(test.model.store, 4);
  test.accept({holding(1), holding(2), holding(3), holding(4, 11)});
  EXPECT_EQ(test.model.partition().replicas, ids({1, 2, 3, 4}));
  EXPECT_EQ(test.model.partition().last_in_sync, ids({1, 2, 3, 4}));
}

TEST(Acceptance, WhereOthersFollowTheStoreTheirsCountsAndWhoComesIsInSyncWithNobody) {
  Accepting test;
  test.accept({following(1), following(2), holding(3, 30)});
  const cluster::Partition now = test.model.partition();
  EXPECT_EQ(now.leader, BrokerId{1});
  EXPECT_EQ(now.isr, ids({1, 2}));
  EXPECT_GT(now.leader_epoch, LeaderEpoch{30});
  const cluster::ClusterImage image = test.model.store.image();
  EXPECT_TRUE(image.is_alive(BrokerId{1}));
  EXPECT_TRUE(image.controller());
  EXPECT_TRUE(image.acceptance()->is_in_use);
  EXPECT_FALSE(image.acceptance()->is_for(directory_of(1))) << "that one has it already";
  EXPECT_TRUE(image.acceptance()->is_for(directory_of(3)));
}

TEST(Acceptance, WhatOnlyTheOneThatComesHasIsLedByIt) {
  Accepting test;
  cluster::Partition alone = test.model.partition();
  alone.isr = ids({3});
  alone.leader = BrokerId{3};
  test.model.put(alone);
  test.accept({following(1), following(2), holding(3)});
  EXPECT_EQ(test.model.partition().last_in_sync, ids({3}));
}

TEST(Acceptance, ABrokerThatWasNotAskedIsNamedUnlessItIsLeftOut) {
  const Accepting test;
  const PlannedAcceptance planned = test.plan({holding(1), holding(2)});
  EXPECT_EQ(planned.refusal.error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(planned.unasked, ids({3}));
  EXPECT_TRUE(planned.plan.empty());
  EXPECT_TRUE(test.plan({holding(1), holding(2)}, ids({3})).unasked.empty());
}

TEST(Acceptance, WhereEverybodyFollowsOrWhatIsSaidCannotBeNothingIsPlanned) {
  const Accepting test;
  EXPECT_NE(test.plan({following(1), following(2), following(3)}).refusal.error, ErrorCode::kNone);
  EXPECT_NE(test.plan({holding(1), holding(1), holding(3)}).refusal.error, ErrorCode::kNone);
  Holdings nameless = holding(2);
  nameless.nonce = {};
  EXPECT_NE(test.plan({holding(1), nameless, holding(3)}).refusal.error, ErrorCode::kNone);
  Holdings strange = holding(2);
  strange.logs[0].partition = -1;
  EXPECT_NE(test.plan({holding(1), strange, holding(3)}).refusal.error, ErrorCode::kNone);
}

TEST(Acceptance, TopicsThatTheStoreDoesNotHaveAsTheBrokersAreNamed) {
  Accepting test;
  cluster::Topic deleted{.name = "deleted", .id = id_of(6), .partitions = {}, .configs = {}};
  deleted.partitions.push_back(ClusterModel::in_sync());
  for (cluster::Op& op : cluster::put_whole_topic(deleted)) test.model.store.put(std::move(op));
  Holdings first = holding(1);
  first.logs.push_back({.topic_id = id_of(7), .topic = "later", .partition = 0});
  first.logs.push_back({.topic_id = id_of(7), .topic = "later", .partition = 1});
  Holdings second = holding(2);
  second.logs.push_back({.topic_id = id_of(7), .topic = "later", .partition = 1});
  const PlannedAcceptance planned = test.plan({first, second, holding(3)});
  ASSERT_EQ(planned.differences.size(), 2U);
  EXPECT_EQ(planned.differences[0].topic, "later");
  EXPECT_EQ(planned.differences[0].partitions, 2U);
  EXPECT_FALSE(planned.differences[0].is_known);
  EXPECT_EQ(planned.differences[1].topic, "deleted");
  EXPECT_TRUE(planned.differences[1].is_known);
  EXPECT_EQ(planned.raised, 1U);
}

TEST(Acceptance, OneThatIsCutOffMeansNothingAndIsBegunAnew) {
  Accepting test;
  test.model = ClusterModel(150);  // of several transactions
  std::vector<Holdings> asked{holding(1), holding(2), holding(3)};
  for (Holdings& broker : asked)
    for (std::int32_t i = 1; i < 150; ++i)
      broker.logs.push_back({.topic_id = id_of(5), .topic = "t", .partition = i, .epoch = LeaderEpoch{8}});
  const PlannedAcceptance first = test.plan(asked);
  ASSERT_GT(first.plan.transactions.size(), 3U);
  ASSERT_TRUE(test.model.store.perform(first.plan, 2));
  EXPECT_FALSE(test.model.store.image().acceptance()->is_for(directory_of(1)));
  test.accept(asked);
  EXPECT_TRUE(test.model.store.image().acceptance()->is_for(directory_of(1)));
  EXPECT_FALSE(test.model.store.perform(first.plan)) << "what was begun before goes on no more";
}

}  // namespace
}  // namespace mq::controller

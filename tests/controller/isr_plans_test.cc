#include "controller/isr_plans.h"

#include <gtest/gtest.h>

#include <vector>

#include "cluster_model.h"

namespace mq::controller {
namespace {

using cluster::BrokerState;
using cluster::Partition;

/// The key of a partition whose leader is alone, though it has a minimum of two.
Partition alone_with(Brokers elr) {
  Partition partition = ClusterModel::in_sync();
  partition.isr = ids({1});
  partition.elr = std::move(elr);
  return partition;
}

TEST(IsrPlan, AChangeIsOneTransactionForManyPartitionsAndTheirEpochsGrow) {
  ClusterModel model(96);
  std::vector<IsrChange> changes;
  for (int i = 0; i < 96; ++i) changes.push_back(model.wish({member(1), member(2)}, i));
  const IsrPlan plan = model.plan(changes);
  ASSERT_EQ(plan.batches.size(), 1u);
  ASSERT_TRUE(model.store.commit(plan.batches[0].transaction));
  EXPECT_EQ(model.partition(95).isr, ids({1, 2}));
  EXPECT_EQ(model.partition(95).partition_epoch, 1);
  EXPECT_EQ(model.partition(95).leader_epoch, LeaderEpoch{7});
}

TEST(IsrPlan, WhoLeavesAnIsrBelowTheMinimumIsEligibleUntilTheMinimumIsThereAgain) {
  ClusterModel model;
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1), member(3)})}).batches[0].transaction));
  EXPECT_TRUE(model.partition().elr.empty()) << "the minimum is there, and commits without it";
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1)})}).batches[0].transaction));
  EXPECT_EQ(model.partition().elr, ids({3}));
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1), member(2)})}).batches[0].transaction));
  EXPECT_EQ(model.partition().isr, ids({1, 2}));
  EXPECT_TRUE(model.partition().elr.empty());
}

TEST(IsrPlan, WhoIsNotReadyIsLeftOutAndAChangeThatIsNothingWithoutItIsRefused) {
  ClusterModel model;
  model.put(alone_with({}));
  model.set_state(2, BrokerState::draining);
  const IsrPlan both = model.plan({model.wish({member(1), member(2), member(3)})});
  ASSERT_EQ(both.batches.size(), 1u);
  const IsrPlan none = model.plan({model.wish({member(1), member(2)})});
  EXPECT_TRUE(none.batches.empty());
  EXPECT_EQ(none.refused, std::vector<std::size_t>{0});
  ASSERT_TRUE(model.store.commit(both.batches[0].transaction));
  EXPECT_EQ(model.partition().isr, ids({1, 3}));
}

TEST(IsrPlan, WhatTheLeaderDoesNotKnowYetIsNotWrittenOver) {
  ClusterModel model;
  IsrChange change = model.wish({member(1), member(2)});
  const IsrPlan early = model.plan({change});
  Partition next = model.partition();
  ++next.partition_epoch;
  next.elr = {};
  model.put(next);
  EXPECT_FALSE(model.store.commit(early.batches[0].transaction));
  EXPECT_EQ(model.plan({change}).outdated, std::vector<std::size_t>{0});
  change.partition_epoch = 1;
  EXPECT_EQ(model.plan({change}, 2).outdated, std::vector<std::size_t>{0}) << "and it does not lead";
}

TEST(IsrPlan, ALeaderWhoseIncarnationIsOverChangesNothing) {
  for (const bool is_lost : {true, false}) {
    ClusterModel model;
    const IsrPlan plan = model.plan({model.wish({member(1), member(2)})});
    if (is_lost) {
      model.lose(1);
    } else {
      model.come_back(1);
    }
    EXPECT_FALSE(model.store.commit(plan.batches[0].transaction));
    EXPECT_EQ(model.plan({model.wish({member(1), member(2)})}).outdated.size(), 1u);
  }
}

TEST(History1x1, ATransactionThatTakesEffectLateIsOverOnceTheSameWasPutAgain) {
  ClusterModel model;
  model.topic_settings.insync_replicas_min = 1;
  model.put(alone_with({}));
  const IsrChange change = model.wish({member(1), member(2)});
  const IsrPlan lost_on_the_way = model.plan({change});
  const IsrPlan again = model.plan({change});
  ASSERT_TRUE(model.store.commit(again.batches[0].transaction));
  EXPECT_EQ(model.partition().isr, ids({1, 2}));
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1)})}).batches[0].transaction));
  EXPECT_FALSE(model.store.commit(lost_on_the_way.batches[0].transaction));
  EXPECT_EQ(model.partition().isr, ids({1}));
}

TEST(History1x2, WhoRestartedSinceItFetchedIsNotAdded) {
  for (const bool is_ready_again : {false, true}) {
    ClusterModel model;
    model.put(alone_with({}));
    const IsrPlan planned_before = model.plan({model.wish({member(1), member(2)})});
    if (is_ready_again) {
      model.come_back(2);
    } else {
      model.restart(2);
    }
    EXPECT_FALSE(model.store.commit(planned_before.batches[0].transaction));
    EXPECT_EQ(model.plan({model.wish({member(1), member(2)})}).refused.size(), 1u) << "by its fetches of before";
    EXPECT_EQ(model.plan({model.wish({member(1), member(2, 2)})}).batches.size(), is_ready_again ? 1u : 0u);
  }
}

TEST(History1x3, WhoseSessionHasEndedIsNotAdded) {
  ClusterModel model;
  model.put(alone_with({}));
  const IsrPlan plan = model.plan({model.wish({member(1), member(2)})});
  model.lose(2);
  EXPECT_FALSE(model.store.commit(plan.batches[0].transaction));
}

TEST(History1x3, WhoRegistersAnewSeesEveryIsrThatItIsIn) {
  // The member is added by fetches of before its crash: either before it registers, and it sees that, or never.
  ClusterModel model;
  model.put(alone_with({}));
  const IsrPlan adds = model.plan({model.wish({member(1), member(2)})});
  model.restart(2);
  EXPECT_TRUE(model.step_out(2).empty());
  EXPECT_FALSE(model.store.commit(adds.batches[0].transaction));
}

TEST(History1x4, WhoMayHaveLostSomethingIsNeitherInSyncNorEligibleBeforeItIsReady) {
  for (const bool is_eligible : {false, true}) {
    ClusterModel model;
    if (is_eligible) model.put(alone_with(ids({2})));
    model.restart(2);
    const Plan plan = model.step_out(2);
    ASSERT_TRUE(model.store.perform(plan));
    EXPECT_EQ(model.partition().isr, is_eligible ? ids({1}) : ids({1, 3}));
    EXPECT_TRUE(model.partition().elr.empty());
    EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
    EXPECT_EQ(model.partition().leader, BrokerId{1});
    EXPECT_TRUE(model.partition().last_in_sync.empty()) << "somebody leads, and may commit more";
    EXPECT_TRUE(model.step_out(2).empty());
    EXPECT_FALSE(model.store.perform(plan));
  }
}

TEST(History1x4, TheControllerMayPutItElsewhereMeanwhileAndItIsFoundThere) {
  ClusterModel model;
  model.lose(3);
  ASSERT_TRUE(model.store.perform(model.care()));
  model.restart(2);
  const Plan early = model.step_out(2);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().elr, ids({2}));
  EXPECT_FALSE(model.store.perform(early));
  ASSERT_TRUE(model.store.perform(model.step_out(2)));
  EXPECT_TRUE(model.partition().elr.empty());
}

TEST(History1x4, ItStepsOutAlsoWhereItsSessionHasEndedMeanwhile) {
  ClusterModel model;
  model.restart(2);
  model.lose(2);
  ASSERT_TRUE(model.store.perform(model.step_out(2)));
  EXPECT_EQ(model.partition().isr, ids({1, 3}));
}

TEST(History1x4, AnotherIncarnationDoesNotSpeakForThisOne) {
  ClusterModel model;
  model.restart(2);
  const Plan plan = model.step_out(2);
  model.restart(2);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(History1x6, TheOnlyReplicaStaysInSyncInANewEpoch) {
  ClusterModel model;
  Partition only = ClusterModel::in_sync();
  only.replicas = only.isr = ids({1});
  model.put(only);
  model.restart(1);
  ASSERT_TRUE(model.store.perform(model.step_out(1, LeaderEpoch{11})));
  EXPECT_EQ(model.partition().isr, ids({1}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{12}) << "above what its log has";
  EXPECT_TRUE(model.step_out(1, LeaderEpoch{11}).empty());
}

TEST(History1x6, ALoweredMinimumIsWrittenToTheKeyBeforeItCounts) {
  ClusterModel model;
  model.put(alone_with(ids({2})));
  EXPECT_EQ(model.plan({model.wish({member(1)})}).refused.size(), 1u);
  model.topic_settings.insync_replicas_min = 1;
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1)})}).batches[0].transaction));
  EXPECT_TRUE(model.partition().elr.empty());
}

TEST(History1x7, WhoHasLessThanItAcknowledgedLeavesIsrAndElr) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1, 2});
  known.elr = {};
  model.put(known);
  IsrChange change = model.wish({member(1)});
  change.lost = ids({2});
  ASSERT_TRUE(model.store.commit(model.plan({change}).batches[0].transaction));
  EXPECT_EQ(model.partition().isr, ids({1}));
  EXPECT_TRUE(model.partition().elr.empty());
}

TEST(History1x17, ABatchThatConflictsIsCutSmallerAndThenKeyByKey) {
  ClusterModel model(20);
  std::vector<IsrChange> changes;
  for (int i = 0; i < 20; ++i) changes.push_back(model.wish({member(1), member(2)}, i));
  EXPECT_EQ(model.plan(changes).batches.size(), 1u);
  for (IsrChange& change : changes) change.conflicts = 1;
  const IsrPlan smaller = model.plan(changes);
  EXPECT_EQ(smaller.batches.size(), 3u);
  for (IsrChange& change : changes) change.conflicts = 2;
  const IsrPlan alone = model.plan(changes);
  ASSERT_EQ(alone.batches.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(alone.batches[i].changes, std::vector{i});
}

TEST(History1x17, WhoIsAddedCountsInTheLimitOfATransaction) {
  ClusterModel model(100);
  std::vector<IsrChange> changes;
  for (int i = 0; i < 100; ++i) {
    model.put(alone_with({}), i);
    changes.push_back(model.wish({member(1), member(2), member(3)}, i));
  }
  const IsrPlan plan = model.plan(changes);
  ASSERT_EQ(plan.batches.size(), 2u);
  for (const IsrPlan::Batch& batch : plan.batches) EXPECT_TRUE(model.store.commit(batch.transaction));
  EXPECT_EQ(model.partition(99).isr, ids({1, 2, 3}));
}

}  // namespace
}  // namespace mq::controller

#include "controller/reassignment_plans.h"

#include <gtest/gtest.h>

#include <vector>

#include "cluster_model.h"

namespace mq::controller {
namespace {

using cluster::Partition;

/// Five brokers; the partition is on 1, 2 and 3.
ClusterModel five_brokers() {
  ClusterModel model;
  add_broker(model.store, 4);
  add_broker(model.store, 5);
  return model;
}

Refusal reassign(ClusterModel& model, const Brokers& target) {
  const AskedPlan planned = plan_reassignment(model.store.image(), ClusterModel::place(), target, model.settings());
  if (planned.refusal.error == ErrorCode::kNone) EXPECT_TRUE(model.store.perform(planned.plan));
  return planned.refusal;
}

Plan finish(const ClusterModel& model) {
  return plan_finished(model.store.image(), model.lease, std::vector{ClusterModel::place()}, model.settings());
}

AskedPlan cancel(const ClusterModel& model) {
  return plan_cancellation(model.store.image(), ClusterModel::place(), model.settings());
}

void set_members(ClusterModel& model, const Brokers& isr) {
  Partition next = model.partition();
  next.isr = isr;
  next.elr.clear();
  ++next.partition_epoch;
  model.put(next);
}

TEST(Reassignment, NobodyGoesBeforeAllThatAreAddedAreInSync) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({4, 5, 3})).error, ErrorCode::kNone);
  EXPECT_EQ(model.partition().replicas, ids({4, 5, 3, 1, 2}));
  EXPECT_EQ(model.partition().adding, ids({4, 5}));
  EXPECT_EQ(model.partition().removing, ids({1, 2}));
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{7});
  EXPECT_TRUE(finish(model).empty());
  set_members(model, ids({1, 2, 3, 4}));
  EXPECT_TRUE(finish(model).empty());
  set_members(model, ids({1, 2, 3, 4, 5}));
  const Plan plan = finish(model);
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_EQ(model.partition().replicas, ids({4, 5, 3}));
  EXPECT_EQ(model.partition().isr, ids({3, 4, 5}));
  EXPECT_TRUE(model.partition().adding.empty());
  EXPECT_TRUE(model.partition().removing.empty());
  EXPECT_EQ(model.partition().leader, BrokerId{4});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
}

TEST(Reassignment, FinishingRestsOnTheLeaseAndOnWhoComesToLead) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({4, 5, 3})).error, ErrorCode::kNone);
  set_members(model, ids({1, 2, 3, 4, 5}));
  const Plan plan = finish(model);
  ClusterModel other_controller = model;
  other_controller.acquire(2);
  EXPECT_FALSE(other_controller.store.perform(plan));
  ClusterModel restarted = model;
  restarted.restart(4);
  EXPECT_FALSE(restarted.store.perform(plan));
}

TEST(Reassignment, DoesNotWriteOverAnotherChangeOfThePartition) {
  ClusterModel model = five_brokers();
  const AskedPlan planned =
      plan_reassignment(model.store.image(), ClusterModel::place(), ids({1, 2, 4}), model.settings());
  set_members(model, ids({1, 2}));
  EXPECT_FALSE(model.store.perform(planned.plan));
}

TEST(Reassignment, DoesNotFinishWhereTheMinimumWouldNotBeThere) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({4, 3})).error, ErrorCode::kNone);
  set_members(model, ids({1, 2, 4}));
  EXPECT_TRUE(finish(model).empty());
  set_members(model, ids({1, 2, 3, 4}));
  EXPECT_FALSE(finish(model).empty());
}

TEST(Reassignment, CanBeCalledOffAtAnyStep) {
  for (const Brokers& isr : {ids({1, 2, 3}), ids({1, 2, 3, 4}), ids({1, 4}), ids({1, 2, 3, 4, 5})}) {
    ClusterModel model = five_brokers();
    ASSERT_EQ(reassign(model, ids({4, 5, 3})).error, ErrorCode::kNone);
    set_members(model, isr);
    ASSERT_TRUE(model.store.perform(cancel(model).plan));
    EXPECT_EQ(model.partition().replicas, ids({3, 1, 2}));
    EXPECT_EQ(model.partition().isr, without(isr, ids({4, 5})));
    EXPECT_TRUE(model.partition().removing.empty());
    EXPECT_EQ(model.partition().leader, BrokerId{1});
    EXPECT_EQ(cancel(model).refusal.error, ErrorCode::kNoReassignmentInProgress);
  }
}

TEST(Reassignment, IsNotCalledOffWhereNobodyOfBeforeIsInSync) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({4, 5, 3})).error, ErrorCode::kNone);
  Partition next = model.partition();
  next.leader = BrokerId{4};
  next.isr = ids({4, 5});
  model.put(next);
  EXPECT_EQ(cancel(model).refusal.error, ErrorCode::kInvalidReplicaAssignment);
}

TEST(History1x16, WhoIsTakenOutOfTheReplicasComesBackInANewEpoch) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({1, 2})).error, ErrorCode::kNone) << "nobody is added, so it ends at once";
  EXPECT_EQ(model.partition().replicas, ids({1, 2}));
  EXPECT_EQ(model.partition().isr, ids({1, 2}));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  ASSERT_EQ(reassign(model, ids({1, 2, 3})).error, ErrorCode::kNone);
  EXPECT_EQ(model.partition().adding, ids({3}));
  const LeaderEpoch before = model.partition().leader_epoch;
  ASSERT_TRUE(model.store.perform(cancel(model).plan));
  EXPECT_GT(model.partition().leader_epoch, before);
}

TEST(Reassignment, AnotherTargetTakesThePlaceOfTheOneBefore) {
  ClusterModel model = five_brokers();
  ASSERT_EQ(reassign(model, ids({1, 2, 4})).error, ErrorCode::kNone);
  set_members(model, ids({1, 2, 3, 4}));
  ASSERT_EQ(reassign(model, ids({1, 2, 5})).error, ErrorCode::kNone);
  EXPECT_EQ(model.partition().replicas, ids({1, 2, 5, 3}));
  EXPECT_EQ(model.partition().adding, ids({5}));
  EXPECT_EQ(model.partition().removing, ids({3}));
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8}) << "broker 4 is removed";
}

TEST(Reassignment, OfTheOrderAloneChangesNothingElse) {
  ClusterModel model;
  ASSERT_EQ(reassign(model, ids({3, 2, 1})).error, ErrorCode::kNone);
  EXPECT_EQ(model.partition().replicas, ids({3, 2, 1}));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{7});
  EXPECT_TRUE(
      plan_reassignment(model.store.image(), ClusterModel::place(), ids({3, 2, 1}), model.settings()).plan.empty());
}

TEST(Reassignment, ANonsensicalTargetIsRefused) {
  ClusterModel model;
  EXPECT_EQ(reassign(model, {}).error, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassign(model, ids({1, 1})).error, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassign(model, ids({1, 9})).error, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(plan_reassignment(model.store.image(), ClusterModel::place(7), ids({1}), model.settings()).refusal.error,
            ErrorCode::kUnknownTopicOrPartition);
}

TEST(History1x10, WhoIsUnregisteredMeanwhileIsNotAdded) {
  ClusterModel model = five_brokers();
  const AskedPlan planned =
      plan_reassignment(model.store.image(), ClusterModel::place(), ids({1, 2, 4}), model.settings());
  model.store.put(cluster::Op::erase(cluster::broker_key(BrokerId{4})));
  EXPECT_FALSE(model.store.perform(planned.plan));
}

/// A topic that was made when there was one broker.
ClusterModel grown_from_one() {
  ClusterModel model;
  Partition only = ClusterModel::in_sync();
  only.replicas = only.isr = ids({1});
  model.put(only);
  return model;
}

TEST(History1x17, ReplicasThatAreBeingAddedDoNotCountForTheMinimum) {
  ClusterModel model = grown_from_one();
  ASSERT_EQ(reassign(model, ids({1, 2, 3})).error, ErrorCode::kNone);
  EXPECT_EQ(effective_min(model.partition(), 2), 1u);
  set_members(model, ids({1, 2, 3}));
  ASSERT_TRUE(model.store.perform(finish(model)));
  EXPECT_EQ(effective_min(model.partition(), 2), 2u);
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{7}) << "nobody was removed";
}

TEST(History1x17, ATopicOfTheDefaultFactorGrowsWithTheCluster) {
  ClusterModel model = grown_from_one();
  cluster::Topic offsets{.name = "__consumer_offsets", .id = id_of(6), .partitions = {}, .configs = {}};
  offsets.has_default_factor = true;
  offsets.partitions.push_back(model.partition());
  cluster::Topic asked_for{.name = "one", .id = id_of(8), .partitions = {}, .configs = {}};
  asked_for.partitions.push_back(model.partition());
  for (const cluster::Topic& topic : {offsets, asked_for})
    for (cluster::Op& op : cluster::put_whole_topic(topic)) model.store.put(std::move(op));

  ClusterModel first = model;
  ASSERT_TRUE(first.store.perform(plan_factor_growth(first.store.image(), first.lease, 3, 1)));
  EXPECT_EQ(first.store.image().find_topic("__consumer_offsets")->partitions[0].adding.size(), 2u);
  EXPECT_TRUE(first.partition().adding.empty()) << "internal topics come first";

  const Plan plan = plan_factor_growth(model.store.image(), model.lease, 3, 100);
  ClusterModel other_controller = model;
  other_controller.acquire(2);
  EXPECT_FALSE(other_controller.store.perform(plan));
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_EQ(model.partition().replicas.front(), BrokerId{1});
  EXPECT_EQ(model.partition().adding.size(), 2u);
  EXPECT_EQ(model.partition().isr, ids({1}));
  EXPECT_TRUE(model.store.image().find_topic("one")->partitions[0].adding.empty());
  EXPECT_TRUE(plan_factor_growth(model.store.image(), model.lease, 3, 100).empty()) << "it is on its way";
}

}  // namespace
}  // namespace mq::controller

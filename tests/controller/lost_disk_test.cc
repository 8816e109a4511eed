#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cluster_model.h"
#include "controller/isr_plans.h"

namespace mq::controller {
namespace {

const Uuid kNewDirectory = id_of(900);

Result<Plan> plan_of_lost(const ClusterModel& model, int id = 3) {
  return plan_lost_disk(model.store.image(), BrokerId{id}, kNewDirectory, model.settings());
}
void give_up(ClusterModel& model, int id = 3) {
  const auto plan = plan_of_lost(model, id);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(model.store.perform(*plan));
  EXPECT_TRUE(plan_of_lost(model, id)->empty());
}
Registration new_directory(int id = 3) {
  return {.id = BrokerId{id}, .directory = kNewDirectory, .nonce = id_of(901), .takes_over = true};
}

TEST(LostDisk, ItsIdLeavesTheIsrInANewEpochAndTheLeaderStays) {
  ClusterModel model;
  model.lose(3);
  give_up(model);
  const cluster::Partition now = model.partition();
  EXPECT_EQ(now.isr, ids({1, 2}));
  EXPECT_TRUE(now.elr.empty());
  EXPECT_EQ(now.leader, BrokerId{1});
  EXPECT_EQ(now.leader_epoch, LeaderEpoch{8});
  EXPECT_EQ(now.replicas, ids({1, 2, 3}));
}

TEST(LostDisk, ItsIdLeavesTheElrAndThoseWhoWereInSyncLast) {
  ClusterModel model;
  model.lose(3);
  cluster::Partition eligible = model.partition();
  eligible.isr = ids({1});
  eligible.elr = ids({2, 3});
  model.put(eligible);
  give_up(model);
  EXPECT_EQ(model.partition().isr, ids({1}));
  EXPECT_EQ(model.partition().elr, ids({2}));

  cluster::Partition last = model.partition();
  last.isr.clear();
  last.elr.clear();
  last.leader = kNoBroker;
  last.last_in_sync = ids({2, 3});
  model.put(last);
  give_up(model);
  EXPECT_EQ(model.partition().last_in_sync, ids({2}));
}

/// What it had alone is lost; whoever lacks that leads only when an operator, or the topic, gives it up.
TEST(LostDisk, WhereItAloneWasInSyncNobodyLeadsByItself) {
  ClusterModel model;
  model.lose(3);
  cluster::Partition alone = model.partition();
  alone.isr = ids({3});
  alone.leader = BrokerId{3};
  model.put(alone);
  give_up(model);
  EXPECT_EQ(model.partition().leader, kNoBroker);
  EXPECT_TRUE(model.partition().isr.empty());
  ASSERT_TRUE(model.store.perform(*plan_registration(model.store.image(), new_directory())));
  model.set_state(3, cluster::BrokerState::ready);
  EXPECT_FALSE(needs_care(model.store.image(), model.partition(), model.topic_settings, {.has_waited = true}));
  const Candidacy unclean =
      candidacy_of(model.store.image(), model.partition(), model.topic_settings, {.is_unclean_wanted = true});
  EXPECT_EQ(unclean.ground, Ground::any_replica);
}

TEST(LostDisk, TheOnlyReplicaStaysAndLeadsInANewEpoch) {
  ClusterModel model;
  model.lose(3);
  model.put({.replicas = ids({3}),
             .isr = ids({3}),
             .leader = BrokerId{3},
             .leader_epoch = LeaderEpoch{7},
             .leader_broker_epoch = cluster::BrokerEpoch{1}});
  give_up(model);
  EXPECT_EQ(model.partition().isr, ids({3}));
  EXPECT_EQ(model.partition().leader, kNoBroker);
  ASSERT_TRUE(model.store.perform(*plan_registration(model.store.image(), new_directory())));
  model.set_state(3, cluster::BrokerState::ready);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  EXPECT_GT(model.partition().leader_epoch, LeaderEpoch{7});
}

TEST(LostDisk, OfManyPartitionsItIsGivenUpInStepsThatACrashMayCut) {
  ClusterModel model(250);
  model.lose(3);
  ASSERT_GT(plan_of_lost(model)->transactions.size(), 2u);
  ASSERT_TRUE(model.store.perform(*plan_of_lost(model), 1));
  EXPECT_EQ(plan_registration(model.store.image(), new_directory()).error().code, Errc::conflict)
      << "the others count on it";
  give_up(model);
  for (std::int32_t i = 0; i < 250; ++i) EXPECT_EQ(model.partition(i).isr, ids({1, 2}));
}

TEST(LostDisk, PartitionsWhoseTopicCannotBeReadAreGivenUpToo) {
  ClusterModel model;
  model.lose(3);
  const cluster::Op whole = cluster::put_topic(*model.store.image().find_topic("t"));
  model.store.put(cluster::Op::put(whole.key, "\x02"));
  ASSERT_EQ(model.store.image().find_topic("t"), nullptr);
  give_up(model);
  model.store.put(whole);
  EXPECT_EQ(model.partition().isr, ids({1, 2}));
}

TEST(LostDisk, WhoRunsOrComesBackMeanwhileKeepsItsId) {
  ClusterModel model;
  EXPECT_EQ(plan_of_lost(model).error().code, Errc::conflict);
  EXPECT_EQ(plan_registration(model.store.image(), new_directory()).error().code, Errc::conflict);
  model.lose(3);
  const Plan plan = *plan_of_lost(model);
  model.come_back(3);
  EXPECT_FALSE(model.store.perform(plan));
  model.lose(3);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(LostDisk, AnIdThatIsUnknownOrWasUnregisteredIsRefused) {
  ClusterModel model;
  EXPECT_EQ(plan_of_lost(model, 9).error().code, Errc::refused);
  model.lose(3);
  model.store.put(cluster::Op::erase(cluster::broker_key(BrokerId{3})));
  model.store.put(cluster::put_unregistered(BrokerId{3}, {}));
  EXPECT_EQ(plan_of_lost(model).error().code, Errc::refused);
  EXPECT_EQ(plan_registration(model.store.image(), new_directory()).error().code, Errc::refused);
}

TEST(LostDisk, TheOldDirectoryIsRefusedForEver) {
  ClusterModel model;
  model.lose(3);
  give_up(model);
  ASSERT_TRUE(model.store.perform(*plan_registration(model.store.image(), new_directory())));
  EXPECT_EQ(model.store.image().find_broker(BrokerId{3})->directory, kNewDirectory);
  EXPECT_EQ(model.store.image().find_broker(BrokerId{3})->epoch, cluster::BrokerEpoch{2});
  model.lose(3);
  Registration old = new_directory();
  old.directory = id_of(503);
  old.takes_over = false;
  EXPECT_EQ(plan_registration(model.store.image(), old).error().code, Errc::refused);
  EXPECT_TRUE(plan_of_lost(model)->empty()) << "it is that directory's already";
}

}  // namespace
}  // namespace mq::controller

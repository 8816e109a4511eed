#include "controller/adoption_plans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "controller/cluster_plans.h"
#include "controller/upkeep_plans.h"
#include "model_store.h"

namespace mq::controller {
namespace {

using cluster::Op;

constexpr BrokerId kAdopted{3};
const Adopter kAdopter{.id = kAdopted, .directory = id_of(70), .nonce = id_of(71)};
const Adopter kOther{.id = BrokerId{4}, .directory = id_of(80), .nonce = id_of(81)};

cluster::Topic topic_of(const std::string& name, std::uint32_t id, std::int32_t partitions) {
  cluster::Topic topic{.name = name, .id = id_of(id), .partitions = {}, .configs = {{"cleanup.policy", "compact"}}};
  for (std::int32_t i = 0; i < partitions; ++i)
    topic.partitions.push_back({.replicas = {kAdopted},
                                .isr = {kAdopted},
                                .leader = kAdopted,
                                .leader_epoch = LeaderEpoch{i % 7},
                                .partition_epoch = i % 5,
                                .leader_broker_epoch = cluster::BrokerEpoch{1}});
  return topic;
}

void put_whole(ModelStore& store, const cluster::Topic& topic) {
  for (Op& op : cluster::put_whole_topic(topic)) store.put(std::move(op));
}

/// Everything that a broker alone can have.
ModelStore own_store() {
  ModelStore store;
  store.put(cluster::put_cluster(id_of(99)));
  store.put(cluster::put_level(cluster::kLevel));
  store.put(cluster::put_broker({.id = kAdopted, .endpoints = {{"PLAIN", "h", 9092}}, .rack = "r"}));
  store.put(cluster::put_producer_ids(5000));
  store.put(cluster::put_broker_config(kNoBroker, {{"log.retention.ms", "5"}}));
  store.put(cluster::put_tombstone(id_of(50), {.name = "gone", .waiting = {kAdopted}}));
  put_whole(store, topic_of("small", 1, 1));
  put_whole(store, topic_of("large", 2, 700));
  put_whole(store, topic_of("__consumer_offsets", 3, 50));
  store.put(cluster::put_creation(id_of(60), {.topic = "half", .maker = kAdopted, .maker_epoch = {}}));
  store.put(cluster::put_partition(id_of(60), 0, topic_of("half", 60, 1).partitions[0]));
  store.put(Op::put("topics/unreadable", "?"));
  store.put(Op::put("of-a-later-version", "?"));
  return store;
}

Plan plan_of(const ModelStore& own, const ModelStore& there, const Adopter& adopter = kAdopter) {
  auto plan = plan_adoption(own.listing(), there.listing(), adopter);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *std::move(plan) : Plan{};
}

void expect_moved(const ModelStore& own, const ModelStore& there) {
  const cluster::ClusterImage before = own.image();
  const cluster::ClusterImage image = there.image();
  check_image(image);
  EXPECT_FALSE(there.has(cluster::adopting_key()));
  EXPECT_EQ(image.cluster_id(), id_of(99));
  EXPECT_EQ(image.level(), cluster::kLevel);
  EXPECT_EQ(image.producer_ids().next, before.producer_ids().next);
  EXPECT_EQ(image.broker_config(kNoBroker), before.broker_config(kNoBroker));
  EXPECT_EQ(image.tombstones().size(), before.tombstones().size());
  EXPECT_EQ(image.defects().size(), before.defects().size());
  EXPECT_EQ(image.loose_partitions().size(), before.loose_partitions().size());
  EXPECT_EQ(image.creations().size(), before.creations().size());
  EXPECT_EQ(there.size(), own.size());
  ASSERT_EQ(image.topics().size(), before.topics().size());
  for (const cluster::TopicPtr& topic : before.topics()) {
    const cluster::Topic* now = image.find_topic(topic->id);
    ASSERT_NE(now, nullptr) << topic->name;
    EXPECT_EQ(now->name, topic->name);
    const bool is_internal = topic->name == "__consumer_offsets";
    EXPECT_EQ(now->has_default_factor, is_internal || topic->has_default_factor);
    if (is_internal) EXPECT_EQ(now->configs.at("min.insync.replicas"), "2");
    if (!is_internal) EXPECT_EQ(now->configs, topic->configs);
    for (std::int32_t i = 0; i < topic->partition_count(); ++i) {
      cluster::Partition partition = *now->find_partition(i);
      partition.revision = topic->find_partition(i)->revision;
      EXPECT_EQ(partition, *topic->find_partition(i));
    }
  }
  // It is known, and not there, and nobody takes its id.
  const cluster::Broker* self = image.find_broker(kAdopted);
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(self->directory, kAdopter.directory);
  EXPECT_EQ(self->nonce, kAdopter.nonce);
  EXPECT_FALSE(image.is_alive(kAdopted));
  EXPECT_TRUE(plan_of(own, there).empty());
}

TEST(Adoption, EverythingComesOver) {
  const ModelStore own = own_store();
  ModelStore there;
  const Plan plan = plan_of(own, there);
  ASSERT_GT(plan.transactions.size(), 8u);
  ASSERT_EQ(plan.transactions.front().ops.size(), 1u);
  EXPECT_EQ(plan.transactions.front().ops.front().key, cluster::adopting_key());
  ASSERT_TRUE(there.perform(plan));
  expect_moved(own, there);
}

TEST(Adoption, OneThatIsCutOffAnywhereIsGoneOnWith) {
  const ModelStore own = own_store();
  const std::size_t count = plan_of(own, {}).transactions.size();
  for (std::size_t cut = 0; cut < count; ++cut) {
    SCOPED_TRACE(cut);
    ModelStore there;
    ASSERT_TRUE(there.perform(plan_of(own, there), cut));
    EXPECT_EQ(there.has(cluster::adopting_key()), cut > 0);
    EXPECT_FALSE(there.has(cluster::cluster_key()));
    ASSERT_TRUE(there.perform(plan_of(own, there)));
    expect_moved(own, there);
  }
}

TEST(Adoption, WhatTheBrokerChangedMeanwhileComesOverToo) {
  const ModelStore before = own_store();
  const std::size_t count = plan_of(before, {}).transactions.size();
  for (std::size_t cut = 0; cut < count; ++cut) {
    SCOPED_TRACE(cut);
    ModelStore there;
    ASSERT_TRUE(there.perform(plan_of(before, there), cut));
    ModelStore own = before;  // it went on alone
    own.put(cluster::put_producer_ids(9000));
    own.put(Op::erase(cluster::topic_key("small")));
    own.put(Op::erase(cluster::partition_key(id_of(1), 0)));
    own.put(Op::erase(cluster::tombstone_key(id_of(50))));
    put_whole(own, topic_of("new", 5, 3));
    ASSERT_TRUE(there.perform(plan_of(own, there)));
    expect_moved(own, there);
  }
}

TEST(Adoption, WhatAnAttemptBeforeHasSentComesTooLate) {
  const ModelStore own = own_store();
  ModelStore there;
  const Plan old = plan_of(own, there);
  ASSERT_TRUE(there.perform(old, 2));
  const cluster::Revision first{1};
  ASSERT_TRUE(there.perform(plan_of(own, there), 1));
  for (std::size_t i = 2; i < old.transactions.size(); ++i) EXPECT_FALSE(there.commit(old.transaction(i, first))) << i;
  ASSERT_TRUE(there.perform(plan_of(own, there)));
  expect_moved(own, there);
}

TEST(Adoption, ASecondDirectoryIsRefusedAndToldWhoseTurnItIs) {
  const ModelStore own = own_store();
  ModelStore there;
  ASSERT_TRUE(there.perform(plan_of(own, there), 1));
  const auto refused = plan_adoption(own.listing(), there.listing(), kOther);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().message.find(kAdopter.directory.to_string()), std::string::npos) << refused.error().message;
  // Also where both found the store empty.
  ModelStore empty;
  const Plan one = plan_of(own, empty);
  const Plan other = plan_of(own, empty, kOther);
  ASSERT_TRUE(empty.perform(one, 1));
  EXPECT_FALSE(empty.perform(other, 1));
}

TEST(Adoption, AStoreThatIsInUseIsRefused) {
  const ModelStore own = own_store();
  ModelStore cluster;
  cluster.put(cluster::put_cluster(id_of(98)));
  EXPECT_EQ(plan_adoption(own.listing(), cluster.listing(), kAdopter).error().code, Errc::refused);
  ModelStore other;
  other.put(Op::put("something", "else"));
  EXPECT_EQ(plan_adoption(own.listing(), other.listing(), kAdopter).error().code, Errc::refused);
  // By a copy of the directory that was adopted.
  ModelStore adopted;
  ASSERT_TRUE(adopted.perform(plan_of(own, adopted)));
  Adopter copy = kAdopter;
  copy.nonce = id_of(72);
  EXPECT_EQ(plan_adoption(own.listing(), adopted.listing(), copy).error().code, Errc::refused);
  ModelStore damaged;
  damaged.put(Op::put(cluster::adopting_key(), "\x02"));
  EXPECT_EQ(plan_adoption(own.listing(), damaged.listing(), kAdopter).error().code, Errc::corrupt);
}

TEST(Adoption, NobodyBeginsAClusterMeanwhileAndNobodyAdoptsIntoOneThatBegins) {
  const ModelStore own = own_store();
  ModelStore there;
  const Plan adoption = plan_of(own, there);
  const Plan joining = plan_cluster(there.image(), id_of(98)).value();
  ModelStore other = there;
  ASSERT_TRUE(there.perform(adoption, 1));
  EXPECT_FALSE(there.perform(joining));
  EXPECT_EQ(plan_cluster(there.image(), id_of(98)).error().code, Errc::conflict);
  ASSERT_TRUE(other.perform(joining));
  EXPECT_FALSE(other.perform(adoption));
}

TEST(Adoption, TheAdoptedBrokerRegistersAsItsNextIncarnation) {
  const ModelStore own = own_store();
  ModelStore there;
  ASSERT_TRUE(there.perform(plan_of(own, there)));
  Registration registration{.id = kAdopted, .directory = kAdopter.directory, .nonce = id_of(73)};
  const auto plan = plan_registration(there.image(), registration);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(there.perform(*plan));
  EXPECT_EQ(there.image().find_broker(kAdopted)->epoch, cluster::BrokerEpoch{2});
  EXPECT_TRUE(there.image().is_alive(kAdopted));
}

}  // namespace
}  // namespace mq::controller

#include "controller/migration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cluster/format1_writer.h"
#include "model_store.h"

namespace mq::controller {
namespace {

namespace format1 = cluster::format1;
using cluster::Op;

constexpr BrokerId kSelf{3};

cluster::Topic old_topic(const std::string& name, std::uint32_t id, std::int32_t partitions) {
  cluster::Topic topic{.name = name, .id = id_of(id), .partitions = {}, .configs = {{"cleanup.policy", "compact"}}};
  for (std::int32_t i = 0; i < partitions; ++i)
    topic.partitions.push_back({.replicas = {kSelf},
                                .isr = {kSelf},
                                .leader = kSelf,
                                .leader_epoch = LeaderEpoch{i % 7},
                                .partition_epoch = i % 5});
  return topic;
}

void put_old(ModelStore& store, const cluster::Topic& topic) {
  for (Op& op : format1::put_whole_topic(topic)) store.put(std::move(op));
}

/// Everything that a store of format 1 can hold, what was cut off among it.
ModelStore old_store() {
  ModelStore store;
  store.put(format1::put_cluster(id_of(99)));
  store.put(format1::put_producer_ids(5000));
  store.put(format1::put_broker_config(kNoBroker, {{"log.retention.ms", "5"}}));
  store.put(format1::put_broker_config(kSelf, {}));
  store.put(format1::put_tombstone(id_of(50), "gone"));
  put_old(store, old_topic("small", 1, 1));
  put_old(store, old_topic("large", 2, 700));
  put_old(store, old_topic("__consumer_offsets", 3, 50));
  auto half = format1::put_whole_topic(old_topic("half", 60, 300));
  half.pop_back();
  for (Op& op : half) store.put(std::move(op));
  for (Op& op : format1::put_whole_topic(old_topic("growing", 4, 300))) store.put(std::move(op));
  for (Op& op : format1::put_whole_topic(old_topic("growing", 4, 400)))
    if (op.key.starts_with("partitions/")) store.put(std::move(op));
  return store;
}

Plan plan_of(const ModelStore& store) {
  auto plan = plan_migration(store.listing(), kSelf);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *std::move(plan) : Plan{};
}

void expect_moved(const ModelStore& store) {
  const cluster::ClusterImage image = store.image();
  check_image(image);
  EXPECT_EQ(image.cluster_id(), id_of(99));
  EXPECT_EQ(image.level(), cluster::kLevel);
  EXPECT_EQ(image.producer_ids().next, 5000);
  EXPECT_EQ(image.broker_config(kNoBroker).at("log.retention.ms"), "5");
  EXPECT_EQ(image.broker_configs().size(), 1u);
  EXPECT_EQ(image.tombstones().at(id_of(50)).name, "gone");
  EXPECT_EQ(image.tombstones().at(id_of(50)).waiting, std::vector{kSelf});
  EXPECT_TRUE(image.defects().empty());
  EXPECT_TRUE(image.loose_partitions().empty());
  EXPECT_EQ(image.topics().size(), 4u);
  for (const cluster::Topic& old : {old_topic("small", 1, 1), old_topic("large", 2, 700),
                                    old_topic("__consumer_offsets", 3, 50), old_topic("growing", 4, 300)}) {
    const cluster::Topic* topic = image.find_topic(old.id);
    ASSERT_NE(topic, nullptr) << old.name;
    EXPECT_EQ(topic->name, old.name);
    EXPECT_EQ(topic->configs, old.configs);
    ASSERT_EQ(topic->partition_count(), old.partition_count());
    for (std::int32_t i = 0; i < old.partition_count(); ++i) {
      const cluster::Partition& now = *topic->find_partition(i);
      EXPECT_EQ(now.replicas, old.find_partition(i)->replicas);
      EXPECT_EQ(now.isr, old.find_partition(i)->isr);
      EXPECT_EQ(now.leader, kSelf);
      EXPECT_EQ(now.leader_epoch, old.find_partition(i)->leader_epoch);
      EXPECT_EQ(now.partition_epoch, old.find_partition(i)->partition_epoch);
      EXPECT_EQ(now.leader_broker_epoch, cluster::BrokerEpoch{1});
    }
  }
  for (const cluster::KeyValue& entry : store.listing())
    EXPECT_EQ(entry.value.front(), cluster::kValueVersion) << entry.key;
  EXPECT_TRUE(plan_of(store).empty());
}

TEST(Migration, EverythingComesOver) {
  ModelStore store = old_store();
  ASSERT_TRUE(store.perform(plan_of(store)));
  expect_moved(store);
}

TEST(Migration, OneThatIsCutOffAnywhereIsGoneOnWith) {
  const std::size_t count = plan_of(old_store()).transactions.size();
  ASSERT_GT(count, 10u);
  for (std::size_t cut = 0; cut <= count; ++cut) {
    SCOPED_TRACE(cut);
    ModelStore store = old_store();
    ASSERT_TRUE(store.perform(plan_of(store), cut));
    ASSERT_TRUE(store.perform(plan_of(store)));
    expect_moved(store);
  }
}

TEST(Migration, OneThatIsCutOffAgainAndAgainComesToItsEnd) {
  ModelStore store = old_store();
  int starts = 0;
  for (Plan plan = plan_of(store); !plan.empty(); plan = plan_of(store)) {
    ASSERT_TRUE(store.perform(plan, 3));
    ASSERT_LT(++starts, 100);
  }
  expect_moved(store);
}

TEST(Migration, AnEarlierMqdRefusesTheStoreFromTheFirstTransactionOn) {
  ModelStore store = old_store();
  ASSERT_TRUE(store.perform(plan_of(store), 1));
  for (const cluster::KeyValue& entry : store.listing())
    if (entry.key == cluster::cluster_key()) EXPECT_GT(entry.value.front(), 1);
}

TEST(Migration, WhoComesInBetweenEndsIt) {
  ModelStore store = old_store();
  const Plan plan = plan_of(store);
  const Plan other = plan;
  cluster::Revision first{};
  ASSERT_TRUE(store.commit(plan.transaction(0, first)));
  first = store.image().revision();
  ASSERT_TRUE(store.perform(plan_of(store), 1));  // a second one begins
  EXPECT_FALSE(store.commit(plan.transaction(1, first)));
}

TEST(Migration, AStoreOfTodayOrAnEmptyOneIsLeftAlone) {
  ModelStore store;
  EXPECT_TRUE(plan_of(store).empty());
  store.put(cluster::put_cluster(id_of(9)));
  store.put(cluster::put_level(cluster::kLevel));
  EXPECT_TRUE(plan_of(store).empty());
}

TEST(Migration, WhatCannotBeReadStaysAndIsToldAndTheRestComesOver) {
  ModelStore store = old_store();
  const std::string chunk = format1::chunk_key(id_of(2), 1);
  store.put(Op::put(chunk, "\1rubbish"));
  store.put(Op::put(cluster::topic_key("small"), "\1rubbish"));
  ASSERT_TRUE(store.perform(plan_of(store)));
  const cluster::ClusterImage image = store.image();
  EXPECT_EQ(image.find_topic("large"), nullptr);
  EXPECT_EQ(image.find_topic("small"), nullptr);
  EXPECT_TRUE(image.is_withheld("large"));
  EXPECT_TRUE(image.is_withheld("small"));
  EXPECT_NE(image.find_topic("growing"), nullptr);
  EXPECT_TRUE(store.has(format1::chunk_key(id_of(2), 0)));
  EXPECT_TRUE(store.has(format1::chunk_key(id_of(1), 0)));  // it may be that of the topic whose key is damaged
  EXPECT_TRUE(store.has(format1::chunk_key(id_of(60), 0)));
  EXPECT_EQ(image.level(), cluster::kLevel);
}

TEST(Migration, AClusterKeyThatCannotBeReadEndsIt) {
  ModelStore store = old_store();
  store.put(Op::put(cluster::cluster_key(), "\1short"));
  EXPECT_EQ(plan_migration(store.listing(), kSelf).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace mq::controller

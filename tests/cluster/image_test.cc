#include "cluster/image.h"

#include <gtest/gtest.h>

namespace mq::cluster {
namespace {

Uuid id_of(std::uint8_t n) {
  Uuid id;
  id.bytes.fill(n);
  return id;
}

Topic topic(std::string name, std::uint8_t id, std::size_t partitions = 1) {
  return {.name = std::move(name), .id = id_of(id), .partitions = PartitionList(partitions), .configs = {}};
}

TEST(ClusterImage, AChangeLeavesTheOldImageAsItWas) {
  const ClusterImage before = ClusterImage().with_topic(topic("a", 1, 3));
  const ClusterImage after = before.with_topic(topic("b", 2, 4)).without_topic("a");

  EXPECT_NE(before.find_topic("a"), nullptr);
  EXPECT_EQ(before.find_topic("b"), nullptr);
  EXPECT_EQ(before.partition_count(), 3u);
  EXPECT_EQ(after.find_topic("a"), nullptr);
  EXPECT_EQ(after.find_topic(id_of(2)), after.find_topic("b"));
  EXPECT_EQ(after.partition_count(), 4u);
}

TEST(ClusterImage, TopicsComeSortedByNameAndUntouchedOnesAreShared) {
  const ClusterImage before =
      ClusterImage().with_topic(topic("c", 1)).with_topic(topic("a", 2)).with_topic(topic("b", 3));
  const ClusterImage after = before.with_config("b", {{"retention.ms", "1"}});

  std::string names;
  for (const TopicPtr& each : after.topics()) names += each->name;
  EXPECT_EQ(names, "abc");
  EXPECT_EQ(before.find_topic("a"), after.find_topic("a"));
  EXPECT_NE(before.find_topic("b"), after.find_topic("b"));
  EXPECT_TRUE(before.find_topic("b")->configs.empty());
  EXPECT_EQ(after.find_topic("b")->configs.at("retention.ms"), "1");
}

TEST(ClusterImage, ADeletedTopicLeavesItsIdAsATombstone) {
  const ClusterImage image = ClusterImage().with_topic(topic("a", 1)).without_topic("a");
  ASSERT_EQ(image.tombstones().size(), 1u);
  EXPECT_EQ(image.tombstones().at(id_of(1)).name, "a");
  EXPECT_TRUE(image.without_tombstones(std::vector{id_of(1), id_of(2)}).tombstones().empty());
  EXPECT_EQ(image.without_topic("never there"), image);
}

TEST(ClusterImage, ATopicMadeAgainUnderItsNameHasOnlyItsNewId) {
  const ClusterImage image = ClusterImage().with_topic(topic("a", 1, 2)).with_topic(topic("a", 2, 5));
  EXPECT_EQ(image.find_topic(id_of(1)), nullptr);
  EXPECT_EQ(image.find_topic(id_of(2))->partition_count(), 5);
  EXPECT_EQ(image.partition_count(), 5u);
}

TEST(ClusterImage, ACollidingNameIsFoundButNotTheNameItself) {
  const ClusterImage image = ClusterImage().with_topic(topic("a.b", 1));
  EXPECT_NE(image.find_colliding("a_b"), nullptr);
  EXPECT_EQ(image.find_colliding("a.b"), nullptr);
  EXPECT_EQ(image.find_colliding("a-b"), nullptr);
}

TEST(ClusterImage, BrokersAreFoundWithTheEndpointOfAListener) {
  Broker broker{.id = BrokerId{3}, .endpoints = {{"PLAIN", "h", 9092}, {"INSIDE", "i", 9093}}, .rack = "r1"};
  const ClusterImage image = ClusterImage().with_broker(broker);
  EXPECT_EQ(image.find_broker(BrokerId{3})->find_endpoint("INSIDE")->port, 9093);
  EXPECT_EQ(image.find_broker(BrokerId{3})->find_endpoint("NONE"), nullptr);
  EXPECT_EQ(image.find_broker(BrokerId{4}), nullptr);
  EXPECT_TRUE(image.without_broker(BrokerId{3}).brokers().empty());
}

TEST(ClusterImage, EmptyBrokerSettingsAreTakenAway) {
  const ClusterImage image = ClusterImage().with_broker_config(kNoBroker, {{"a", "b"}});
  EXPECT_EQ(image.broker_config(kNoBroker).at("a"), "b");
  EXPECT_TRUE(image.broker_config(BrokerId{1}).empty());
  EXPECT_TRUE(image.with_broker_config(kNoBroker, {}).broker_configs().empty());
}

TEST(ClusterImage, AnyPartitionNumberMayBeAskedFor) {
  const Topic two = topic("a", 1, 2);
  EXPECT_NE(two.find_partition(1), nullptr);
  EXPECT_EQ(two.find_partition(2), nullptr);
  EXPECT_EQ(two.find_partition(-1), nullptr);
}

TEST(ImageBuilder, TwoTopicsWithOneIdMakeNoImage) {
  ImageBuilder builder;
  builder.add_topic(topic("a", 1));
  builder.add_topic(topic("b", 1));
  EXPECT_FALSE(builder.build());
}

}  // namespace
}  // namespace mq::cluster

#include "cluster/records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace mq::cluster {
namespace {

Uuid id_of(std::uint32_t n) {
  Uuid id;
  id.bytes[0] = 7;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}

Topic topic(std::string name, std::uint32_t id, std::int32_t partitions, std::int32_t replicas = 3) {
  Topic made{.name = std::move(name),
             .id = id_of(id),
             .partitions = {},
             .configs = {{"cleanup.policy", "compact"}, {"x", ""}}};
  for (std::int32_t p = 0; p < partitions; ++p) {
    Partition partition;
    for (std::int32_t r = 0; r < replicas; ++r) partition.replicas.push_back(BrokerId{(p + r) % 1000 * 1000});
    partition.isr = partition.replicas;
    partition.leader = partition.replicas[0];
    partition.leader_epoch = LeaderEpoch{p};
    partition.partition_epoch = p * 3;
    made.partitions.push_back(std::move(partition));
  }
  return made;
}

ClusterImage example() {
  return ClusterImage()
      .with_cluster_id(id_of(99))
      .with_broker({.id = BrokerId{1}, .endpoints = {{"PLAIN", "::1", 9092}}, .rack = std::nullopt})
      .with_broker({.id = BrokerId{2}, .endpoints = {}, .rack = "a rack"})
      .with_broker_config(kNoBroker, {{"log.retention.ms", "5"}})
      .with_broker_config(BrokerId{1}, {{"a", "b"}})
      .with_topic(topic("small", 1, 1))
      .with_topic(topic("large", 2, 700))
      .with_topic(topic("gone", 3, 1))
      .without_topic("gone");
}

TEST(ClusterRecords, AnImageComesBackFromItsRecordsInAnyOrder) {
  std::vector<KeyValue> records = to_records(example());
  records.push_back({"controller/lease", "not ours"});
  std::ranges::shuffle(records, std::mt19937(5));
  const auto read = from_records(records);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, example());
}

TEST(ClusterRecords, TheTopicsOwnKeyIsWrittenLastAndErasedFirst) {
  const Topic large = topic("large", 2, 700);
  const auto records = to_records(large);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records.back().key, "topics/large");
  EXPECT_EQ(keys_of(large).front(), "topics/large");
  EXPECT_EQ(keys_of(large).size(), 4u);
}

TEST(ClusterRecords, AHalfWrittenTopicIsNotSeenAndItsChunksAreOrphans) {
  auto records = to_records(topic("t", 2, 300));
  records.pop_back();
  const auto read = from_records(records);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->topics().empty());
  EXPECT_EQ(orphan_keys(records, *read).size(), 2u);
}

TEST(ClusterRecords, ATopicWithoutOneOfItsChunksIsReportedByName) {
  auto records = to_records(topic("t", 2, 300));
  records.erase(records.begin());
  const auto read = from_records(records);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt);
  EXPECT_NE(read.error().message.find("topic t"), std::string::npos);
}

TEST(ClusterRecords, PartitionsThatATopicWasCutOffAddingAreNotSeen) {
  auto records = to_records(topic("t", 2, 300));
  const auto grown = to_records(topic("t", 2, 600));
  records[1] = grown[1];
  records.push_back(grown[2]);
  const auto read = from_records(records);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read->find_topic("t"), topic("t", 2, 300));
}

TEST(ClusterRecords, ALaterVersionIsRefusedAndNotGuessed) {
  auto record = cluster_record(id_of(1));
  record.value[0] = 2;
  EXPECT_EQ(from_records({&record, 1}).error().code, Errc::unsupported);
}

TEST(ClusterRecords, ALeaderOutsideTheReplicasIsDamage) {
  Topic bad = topic("t", 2, 1);
  bad.partitions.edit(0).leader = BrokerId{77};
  EXPECT_EQ(from_records(to_records(bad)).error().code, Errc::corrupt);
}

TEST(ClusterRecords, EveryCutValueIsAnErrorAndNothingWorse) {
  const auto records = to_records(example());
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (std::size_t size = 0; size < std::min<std::size_t>(records[i].value.size(), 200); ++size) {
      auto damaged = records;
      damaged[i].value.resize(size);
      EXPECT_FALSE(from_records(damaged)) << records[i].key << " cut at " << size;
    }
  }
}

TEST(ClusterRecords, RandomDamageNeverCrashes) {
  std::mt19937 random(1);
  const auto records = to_records(example());
  for (int round = 0; round < 3000; ++round) {
    auto damaged = records;
    std::string& value = damaged[random() % damaged.size()].value;
    for (int flips = 0; flips < 3; ++flips) value[random() % value.size()] = static_cast<char>(random());
    (void)from_records(damaged);
  }
}

TEST(ClusterRecords, TenThousandPartitionsAreSmallAndQuickToRead) {
  ImageBuilder builder;
  for (std::uint32_t t = 0; t < 100; ++t) builder.add_topic(topic("topic-" + std::to_string(t), t + 1, 100));
  const ClusterImage image = *builder.build();
  const auto records = to_records(image);
  std::size_t bytes = 0;
  for (const KeyValue& record : records) {
    bytes += record.key.size() + record.value.size();
    EXPECT_LT(record.value.size(), 16u << 10);
  }
  EXPECT_LT(bytes, 512u << 10);
  const auto begin = std::chrono::steady_clock::now();
  const auto read = from_records(records);
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->partition_count(), 10'000u);
  RecordProperty("decode_us", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

}  // namespace
}  // namespace mq::cluster

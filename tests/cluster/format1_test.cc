#include "cluster/format1.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "cluster/format1_writer.h"

namespace mq::cluster {
namespace {

Topic written_topic(std::int32_t partitions) {
  Topic made{.name = "t", .id = {.bytes = {7, 1}}, .partitions = {}, .configs = {{"cleanup.policy", "compact"}}};
  for (std::int32_t index = 0; index < partitions; ++index)
    made.partitions.push_back({.replicas = {BrokerId{index % 1000}, BrokerId{1'000'000}},
                               .isr = {BrokerId{1'000'000}},
                               .leader = BrokerId{1'000'000},
                               .leader_epoch = LeaderEpoch{index},
                               .partition_epoch = 3 * index});
  return made;
}

/// Whether the format's reader takes this value of a topic's keys.
bool can_be_read(const std::string& key, const std::string& value) {
  if (format1::parse_chunk_key(key)) return format1::read_chunk(key, value).has_value();
  return format1::read_topic(key, value, "t").has_value();
}

TEST(Format1, ATopicComesBackAsItWasPut) {
  const Topic topic = written_topic(300);
  const auto ops = format1::put_whole_topic(topic);
  ASSERT_EQ(ops.size(), 3U);
  EXPECT_EQ(ops.back().key, topic_key("t")) << "written last";
  std::vector<Partition> partitions;
  for (std::size_t chunk = 0; chunk < 2; ++chunk) {
    const auto some = format1::read_chunk(ops[chunk].key, *ops[chunk].value);
    ASSERT_TRUE(some) << some.error().message;
    partitions.insert(partitions.end(), some->begin(), some->end());
  }
  EXPECT_TRUE(std::ranges::equal(partitions, topic.partitions));
  const auto head = format1::read_topic(ops[2].key, *ops[2].value, "t");
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->partitions, 300);
  EXPECT_EQ(head->topic.id, topic.id);
  EXPECT_EQ(head->topic.configs, topic.configs);
}

TEST(Format1, EveryCutValueIsAnErrorAndNothingWorse) {
  for (const Op& op : format1::put_whole_topic(written_topic(300)))
    for (std::size_t size = 0; size < op.value->size(); ++size)
      EXPECT_FALSE(can_be_read(op.key, op.value->substr(0, size))) << op.key << " cut at " << size;
}

TEST(Format1, ALeaderOutsideTheReplicasIsDamage) {
  Topic bad = written_topic(1);
  bad.partitions.edit(0).leader = BrokerId{77};
  const Op chunk = format1::put_whole_topic(bad).front();
  EXPECT_EQ(format1::read_chunk(chunk.key, *chunk.value).error().code, Errc::corrupt);
}

TEST(Format1, RandomDamageIsNoticedOrMakesPartitionsThatCanBe) {
  std::mt19937 random(1);
  const auto ops = format1::put_whole_topic(written_topic(40));
  for (int round = 0; round < 20'000; ++round) {
    const Op& op = ops[random() % ops.size()];
    std::string value = *op.value;
    for (int flips = 0; flips < 3; ++flips) value[random() % value.size()] = static_cast<char>(random());
    if (!format1::parse_chunk_key(op.key)) {
      (void)format1::read_topic(op.key, value, "t");
    } else if (const auto partitions = format1::read_chunk(op.key, value)) {
      for (const Partition& partition : *partitions) EXPECT_EQ(partition.problem(), nullptr);
    }
  }
}

}  // namespace
}  // namespace mq::cluster

#include "broker/topics.h"

#include "broker_fixture.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;

class TopicsTest : public BrokerTest {
 protected:
  TopicOutcome change(const std::string& topic, const std::string& key, const std::string& value) {
    return world_->run(*machine_,
                       node_->topics().change_config(
                           topic,
                           [&](std::map<std::string, std::string>& configs) -> Result<void> {
                             configs[key] = value;
                             return {};
                           },
                           false),
                       1min);
  }
};

TEST_F(TopicsTest, AnInternalTopicHasItsOwnSettingsWhoeverNamesItFirst) {
  start();
  create_topic("__consumer_offsets", 7, {{"mq.flush", "async"}, {"cleanup.policy", "delete"}});
  const cluster::Topic* topic = node_->first_shard().image()->find_topic(std::string_view("__consumer_offsets"));
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic->partition_count(), 2);  // offsets.topic.num.partitions of this broker
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().flush_on_ack);
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().cleanup_compact);
}

TEST_F(TopicsTest, WhatOffsetsRestOnCannotBeChanged) {
  start();
  create_topic("__consumer_offsets", 1);
  EXPECT_EQ(change("__consumer_offsets", "mq.flush", "async").error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(change("__consumer_offsets", "cleanup.policy", "delete").error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(change("__consumer_offsets", "segment.bytes", "1048576").error, ErrorCode::kNone);
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().flush_on_ack);
}

}  // namespace
}  // namespace mq::broker

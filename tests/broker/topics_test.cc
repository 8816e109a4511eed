#include "broker/topics.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "broker_fixture.h"
#include "cluster/records.h"

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
  TopicOutcome remove(const std::string& topic) { return world_->run(*machine_, node_->topics().remove(topic), 1min); }
  [[nodiscard]] const cluster::Topic* find(const std::string& topic) {
    return node_->first_shard().image()->find_topic(std::string_view(topic));
  }
  /// The keys of the metadata store that speak of topics, and the directories of the topic.
  std::vector<std::string> traces(const std::string& topic) {
    std::vector<std::string> found;
    const auto listing = world_->run(*machine_, node_->store().list(""), 1min);
    for (const meta::KeyValue& entry : listing.value().entries)
      if (entry.key.starts_with("topics/") || entry.key.starts_with("partitions/") ||
          entry.key.starts_with("tombstones/"))
        found.push_back(entry.key);
    for (const env::DirEntry& entry : machine_->files().list(config_.data_dir).value())
      if (entry.name.starts_with(topic)) found.push_back(entry.name);
    for (const auto& [id, name] : node_->first_shard().image()->tombstones())
      found.push_back("known as deleted: " + name);
    return found;
  }
  void kill_and_start() {
    machine_->kill();
    machine_->start();
    start_node();
  }
  void commit(std::vector<meta::Op> ops) {
    meta::Transaction transaction{.compares = {}, .ops = std::move(ops), .write_id = {}};
    ASSERT_TRUE(world_->run(*machine_, node_->store().transact(std::move(transaction)), 1min));
  }
};

class TopicDeletions : public TopicsTest, public ::testing::WithParamInterface<int> {};

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

TEST_F(TopicsTest, ADeletedOneLeavesNothingInMetadataWhenItsFilesAreGone) {
  start();
  create_topic("gone", 600);
  EXPECT_EQ(traces("gone").size(), 1U + 3 + 600);
  EXPECT_EQ(remove("gone").error, ErrorCode::kNone);
  EXPECT_EQ(find("gone"), nullptr);
  world_->run_for(1min);
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_F(TopicsTest, ADeletionCutOffAfterItsFirstTransactionIsFinishedAtTheNextStart) {
  start();
  create_topic("gone", 600);
  cluster::KeyValue tombstone = cluster::tombstone_record(find("gone")->id, "gone");
  commit({meta::Op::put(tombstone.key, tombstone.value), meta::Op::erase(cluster::topic_key("gone"))});
  kill_and_start();
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_F(TopicsTest, ACreationCutOffBeforeItsTopicKeyLeavesNoChunksAndKeepsTheDirectories) {
  start();
  create_topic("half", 2);
  commit({meta::Op::erase(cluster::topic_key("half"))});
  kill_and_start();
  const auto left = traces("half");
  ASSERT_EQ(left.size(), 2U);
  for (const std::string& name : left) EXPECT_TRUE(name.ends_with("-stray")) << name;
}

TEST_F(TopicsTest, ADirectoryThatCannotBeRenamedKeepsTheTombstoneUntilTheNextStart) {
  start();
  create_topic("gone", 2);
  machine_->disk().inject({.on = sim::DiskFault::On::sync_directory, .path_part = "/var/lib/mq"});
  EXPECT_EQ(remove("gone").error, ErrorCode::kNone);
  world_->run_for(1s);
  EXPECT_EQ(node_->first_shard().image()->tombstones().size(), 1U);
  kill_and_start();
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_P(TopicDeletions, CutOffAnywhereAreAsIfNeverBegunOrFinishedAfterTheNextStart) {
  start({}, static_cast<std::uint64_t>(GetParam()));
  create_topic("gone", 300);
  machine_->spawn([](Topics& topics) -> awaitable<void> { (void)co_await topics.remove("gone"); }(node_->topics()));
  world_->run_for(std::chrono::microseconds(world_->rng().below(20'000)));
  kill_and_start();
  if (find("gone") != nullptr) {
    EXPECT_EQ(traces("gone").size(), 1U + 2 + 300);
  } else {
    EXPECT_EQ(traces("gone"), std::vector<std::string>{});
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TopicDeletions, ::testing::Range(1, 13));

}  // namespace
}  // namespace mq::broker

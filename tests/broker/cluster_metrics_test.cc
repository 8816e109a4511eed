// What a member of a cluster tells of it in its metrics.

#include "broker/cluster_metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/timed_store.h"
#include "cluster/values.h"
#include "sim/machine/model_metadata.h"
#include "sim/machine/world.h"

namespace mq::broker {
namespace {

constexpr BrokerId kSelf{1};
constexpr BrokerId kOther{2};
constexpr BrokerId kThird{3};
constexpr cluster::BrokerEpoch kOwnEpoch{4};

/// The value of a series as it is written, or "absent".
std::string value_of(const ClusterMetrics& metrics, const std::string& series) {
  const metrics::Metrics* const all = &metrics.all();
  const std::string text = metrics::prometheus_text(metrics::sum({&all, 1}));
  const auto at = text.find("\n" + series + " ");
  if (at == std::string::npos) return "absent";
  const auto from = at + series.size() + 2;
  return text.substr(from, text.find('\n', from) - from);
}

cluster::Topic topic_of(std::vector<cluster::Partition> partitions) {
  cluster::Topic topic;
  topic.name = "t";
  topic.id.bytes[0] = 7;
  for (cluster::Partition& partition : partitions) topic.partitions.push_back(std::move(partition));
  return topic;
}

cluster::ClusterImage image_of(cluster::Topic topic, std::vector<cluster::Broker> brokers = {}) {
  cluster::ImageBuilder builder;
  for (cluster::Broker& broker : brokers) builder.add_broker(std::move(broker));
  builder.add_topic(std::move(topic));
  return *builder.build();
}

controller::TopicSettings two_in_sync(const cluster::Topic&) { return {.insync_replicas_min = 2}; }

class PartitionsOf : public ::testing::Test {
 protected:
  void refresh(std::vector<cluster::Partition> partitions) {
    metrics_.refresh(image_of(topic_of(std::move(partitions))), kSelf, kOwnEpoch, two_in_sync);
  }
  [[nodiscard]] std::string metric(const std::string& series) const { return value_of(metrics_, series); }

  ClusterMetrics metrics_;
};

TEST_F(PartitionsOf, ALeaderCountsItsOwnAndWithoutALeaderEachReplicaDoes) {
  refresh({{.replicas = {kSelf, kOther, kThird}, .isr = {kSelf, kOther, kThird}, .leader = kSelf},
           {.replicas = {kOther, kSelf, kThird}, .isr = {kSelf, kOther}, .leader = kSelf},
           {.replicas = {kSelf, kOther, kThird}, .isr = {kSelf}, .leader = kSelf},
           {.replicas = {kOther, kSelf, kThird}, .isr = {kOther}, .leader = kOther},
           {.replicas = {kOther, kSelf}, .leader = kNoBroker},
           {.replicas = {kOther, kThird}, .leader = kNoBroker}});
  EXPECT_EQ(metric("mq_partitions_led"), "3");
  EXPECT_EQ(metric("mq_partitions_under_replicated"), "2");
  EXPECT_EQ(metric("mq_partitions_under_min_isr"), "1");
  EXPECT_EQ(metric("mq_partitions_offline"), "1");
  EXPECT_EQ(metric("mq_partitions_not_preferred"), "1");
  EXPECT_EQ(metric("mq_partitions_moving"), "0");
}

TEST_F(PartitionsOf, ReplicasThatAreBeingAddedAreNotMissing) {
  refresh({{.replicas = {kSelf, kOther}, .isr = {kSelf}, .leader = kSelf, .adding = {kOther}}});
  EXPECT_EQ(metric("mq_partitions_moving"), "1");
  EXPECT_EQ(metric("mq_partitions_under_replicated"), "0");
  EXPECT_EQ(metric("mq_partitions_under_min_isr"), "0") << "one replica needs one in sync";
}

TEST_F(PartitionsOf, WhatIsWellAgainIsCountedNoMore) {
  refresh({{.replicas = {kSelf, kOther}, .isr = {kSelf}, .leader = kSelf}});
  EXPECT_EQ(metric("mq_partitions_under_min_isr"), "1");
  refresh({{.replicas = {kSelf, kOther}, .isr = {kSelf, kOther}, .leader = kSelf}});
  EXPECT_EQ(metric("mq_partitions_under_min_isr"), "0");
  EXPECT_EQ(metric("mq_partitions_under_replicated"), "0");
}

TEST(ClusterMetrics, ABrokerIsGoneWhenItsSessionEndedOrAnotherStartHasItsId) {
  const auto broker = [](BrokerId id, cluster::BrokerState state, bool needs_session) {
    cluster::Broker one{.id = id, .epoch = kOwnEpoch, .state = state};
    if (needs_session) one.nonce.bytes[0] = 1;  // and none stands
    return one;
  };
  const cluster::ClusterImage image = image_of(topic_of({}), {broker(kSelf, cluster::BrokerState::ready, false),
                                                              broker(kOther, cluster::BrokerState::draining, false),
                                                              broker(kThird, cluster::BrokerState::ready, true)});
  ClusterMetrics metrics;
  metrics.refresh(image, kSelf, kOwnEpoch, two_in_sync);
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"ready\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"gone\"}"), "0");
  EXPECT_EQ(value_of(metrics, "mq_brokers{state=\"ready\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_brokers{state=\"draining\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_brokers{state=\"gone\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_controller"), "0");
  metrics.refresh(image, kSelf, cluster::BrokerEpoch{3}, two_in_sync);
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"gone\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"ready\"}"), "0");
}

TEST(ClusterMetrics, ABrokerThatIsDrainedIsNotCountedAsReady) {
  const auto drained = [](BrokerId id, cluster::BrokerState state) {
    return cluster::Broker{.id = id, .epoch = kOwnEpoch, .state = state, .is_drained = true};
  };
  ClusterMetrics metrics;
  metrics.refresh(image_of(topic_of({}), {drained(kSelf, cluster::BrokerState::ready),
                                          drained(kOther, cluster::BrokerState::draining)}),
                  kSelf, kOwnEpoch, two_in_sync);
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"drained\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_broker_state{state=\"ready\"}"), "0");
  EXPECT_EQ(value_of(metrics, "mq_brokers{state=\"drained\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_brokers{state=\"draining\"}"), "1") << "it stops";
}

class Committed : public ::testing::Test {
 protected:
  /// The partition's key is changed from `before` to `after`.
  void change(cluster::Partition before, const cluster::Partition& after) {
    const cluster::Topic topic = topic_of({std::move(before)});
    cluster::Transaction transaction;
    transaction.ops.push_back(cluster::put_partition(topic.id, 0, after));
    metrics_.committed(image_of(topic), transaction);
  }
  [[nodiscard]] std::string counts() const {
    std::string text;
    for (const char* series : {"mq_isr_changes_total{kind=\"shrink\"}", "mq_isr_changes_total{kind=\"expand\"}",
                               "mq_elections_total{kind=\"clean\"}", "mq_elections_total{kind=\"unclean\"}"})
      text += value_of(metrics_, series) + " ";
    return text;
  }

  ClusterMetrics metrics_;
};

TEST_F(Committed, IsrsThatShrinkAndGrow) {
  const cluster::Partition all{.replicas = {kSelf, kOther}, .isr = {kSelf, kOther}, .leader = kSelf};
  const cluster::Partition one{.replicas = {kSelf, kOther}, .isr = {kSelf}, .leader = kSelf};
  change(all, one);
  EXPECT_EQ(counts(), "1 0 0 0 ");
  change(one, all);
  EXPECT_EQ(counts(), "1 1 0 0 ");
  change(all, all);
  EXPECT_EQ(counts(), "1 1 0 0 ");
}

TEST_F(Committed, ElectionsAndWhetherRecordsMayBeLost) {
  const cluster::Partition led{.replicas = {kSelf, kOther}, .isr = {kSelf, kOther}, .leader = kSelf};
  cluster::Partition next{
      .replicas = {kSelf, kOther}, .isr = {kOther}, .leader = kOther, .leader_epoch = LeaderEpoch{1}};
  change(led, next);
  EXPECT_EQ(counts(), "1 0 1 0 ");
  cluster::Partition nobody = next;
  nobody.leader = kNoBroker;
  nobody.isr.clear();
  change(next, nobody);
  EXPECT_EQ(counts(), "2 0 1 0 ") << "nobody was elected";
  cluster::Partition lost{.replicas = {kSelf, kOther}, .isr = {kSelf}, .leader = kSelf, .leader_epoch = LeaderEpoch{2}};
  lost.unclean_since = lost.leader_epoch;
  change(nobody, lost);
  EXPECT_EQ(counts(), "2 1 1 1 ");
}

TEST(ClusterMetrics, AStoreThatRefusesIsReachableAndOneThatIsSilentIsNot) {
  sim::World world(7);
  sim::Machine& machine = world.add_machine("m");
  sim::Clock clock(world.scheduler());
  sim::ModelMetadata model(clock);
  ClusterMetrics metrics;
  TimedStore store(model.connect(machine.shard(0)), machine.shard(0), metrics);
  const auto put_new = [&](const char* key) {
    return world.run(
        machine,
        [](TimedStore& to, sim::Machine& from, const char* name) -> awaitable<Result<meta::Revision>> {
          meta::Transaction transaction;
          from.random().fill(transaction.write_id);
          transaction.compares.push_back(meta::Compare::absent(name));
          transaction.ops.push_back(meta::Op::put(name, "v"));
          co_return co_await to.transact(std::move(transaction));
        }(store, machine, key),
        1min);
  };
  EXPECT_TRUE(put_new("a"));
  EXPECT_EQ(put_new("a").error().code, Errc::conflict);
  EXPECT_EQ(value_of(metrics, "mq_metadata_store_duration_seconds_count{call=\"transact\"}"), "2");
  EXPECT_EQ(value_of(metrics, "mq_metadata_store_reachable"), "1");
  model.set_trouble({.lost_answer_one_in = 1}, 1);
  EXPECT_EQ(put_new("b").error().code, Errc::timed_out);
  EXPECT_EQ(value_of(metrics, "mq_metadata_store_reachable"), "0");
  EXPECT_EQ(value_of(metrics, "mq_metadata_store_failures_total{reason=\"timed_out\"}"), "1");
  EXPECT_EQ(value_of(metrics, "mq_metadata_store_duration_seconds_count{call=\"transact\"}"), "3");
}

}  // namespace
}  // namespace mq::broker

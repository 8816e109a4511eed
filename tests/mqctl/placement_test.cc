#include "mqctl/placement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker_ids.h"

namespace mq::mqctl {
namespace {

/// So many brokers, each on the rack of its name, if there are racks.
ClusterState cluster_of(int brokers, std::vector<std::string> racks = {}) {
  ClusterState state;
  for (int id = 1; id <= brokers; ++id)
    state.cluster.brokers.push_back(
        {.id = BrokerId{id}, .address = {}, .rack = racks.empty() ? "" : racks[static_cast<std::size_t>(id) - 1]});
  return state;
}

void add(ClusterState& state, std::vector<BrokerId> replicas, std::vector<BrokerId> in_sync = {}) {
  client::PartitionState partition;
  partition.where = {.topic = "t", .partition = static_cast<std::int32_t>(state.partitions.size())};
  partition.leader = replicas.front();
  partition.in_sync = in_sync.empty() ? replicas : std::move(in_sync);
  partition.replicas = std::move(replicas);
  state.partitions.push_back(std::move(partition));
}

TEST(Placement, MoreReplicasGoWhereTheFewestAre) {
  ClusterState state = cluster_of(4);
  add(state, ids({1}));
  add(state, ids({2}));
  Placement placement(state, {});
  EXPECT_EQ(placement.with_factor(state.partitions[0], 3), ids({1, 3, 4}));
  EXPECT_EQ(placement.with_factor(state.partitions[1], 3), ids({2, 1, 3})) << "all have one more now";
}

TEST(Placement, OtherRacksComeFirst) {
  ClusterState state = cluster_of(4, {"a", "a", "b", "b"});
  add(state, ids({3}));
  add(state, ids({4}));
  add(state, ids({1}));
  Placement placement(state, {});
  EXPECT_EQ(placement.with_factor(state.partitions[2], 2), ids({1, 3})) << "broker 2 has none, and is on its rack";
}

TEST(Placement, ThereAreNoMoreReplicasThanBrokers) {
  ClusterState state = cluster_of(2);
  add(state, ids({1}));
  EXPECT_EQ(Placement(state, {}).with_factor(state.partitions[0], 3), ids({1, 2}));
}

TEST(Placement, FewerReplicasLoseThoseThatAreBehindFirstAndNeverTheLeader) {
  ClusterState state = cluster_of(3);
  add(state, ids({1, 2, 3}), ids({1, 3}));
  EXPECT_EQ(Placement(state, {}).with_factor(state.partitions[0], 2), ids({1, 3}));
  EXPECT_EQ(Placement(state, {}).with_factor(state.partitions[0], 1), ids({1}));
  state.partitions[0].leader = BrokerId{3};
  EXPECT_EQ(Placement(state, {}).with_factor(state.partitions[0], 1), ids({3}));
}

TEST(Placement, WhoIsExcludedIsReplacedInItsPlace) {
  ClusterState state = cluster_of(4);
  add(state, ids({2, 1, 3}));
  Placement placement(state, ids({2}));
  EXPECT_EQ(placement.without_excluded(state.partitions[0]), ids({4, 1, 3}));
  ClusterState three = cluster_of(3);
  add(three, ids({2, 1, 3}));
  EXPECT_EQ(Placement(three, ids({2})).without_excluded(three.partitions[0]), ids({2, 1, 3})) << "there is nobody else";
}

TEST(Placement, StepsEndWhenAllHaveAsMany) {
  ClusterState state = cluster_of(3);
  for (int i = 0; i < 6; ++i) add(state, ids({1, 2}));
  Placement placement(state, {});
  int steps = 0;
  std::map<TopicPartition, std::vector<BrokerId>> moved;
  for (Placement::Step step = placement.next_step(state.partitions); !step.replicas.empty();
       step = placement.next_step(state.partitions)) {
    moved[step.where] = step.replicas;
    ASSERT_LT(++steps, 20);
  }
  std::map<BrokerId, int> counts;
  for (const auto& partition : state.partitions)
    for (const BrokerId id : moved.contains(partition.where) ? moved[partition.where] : partition.replicas)
      ++counts[id];
  EXPECT_EQ(counts, (std::map<BrokerId, int>{{BrokerId{1}, 4}, {BrokerId{2}, 4}, {BrokerId{3}, 4}}));
}

}  // namespace
}  // namespace mq::mqctl

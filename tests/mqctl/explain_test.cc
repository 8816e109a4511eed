// What mqctl says of a partition, and of a cluster, in situations that are hard to bring about.

#include "mqctl/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "broker_ids.h"

namespace mq::mqctl {
namespace {

client::BrokerInfo broker(int id) {
  return {.id = BrokerId{id}, .address = {.host = "host-" + std::to_string(id), .port = 9092, .path = {}}, .rack = {}};
}

/// Three brokers; the partition is on all, broker 1 leads it.
struct Situation {
  Situation() {
    state.cluster.controller = BrokerId{1};
    for (const int id : {1, 2, 3, 4}) state.cluster.brokers.push_back(broker(id));
    state.partitions.push_back({.where = {.topic = "t", .partition = 0},
                                .leader = BrokerId{1},
                                .replicas = ids({1, 2, 3}),
                                .in_sync = ids({1, 2, 3})});
    state.insync_replicas_min["t"] = 2;
  }
  client::PartitionState& partition() { return state.partitions.front(); }
  void lose(int id) {
    std::erase_if(state.cluster.brokers, [&](const auto& one) { return one.id == BrokerId{id}; });
    state.cluster.fenced.push_back(broker(id));
  }
  std::vector<Finding> explained() { return explain(partition(), state, sizes); }
  std::vector<std::string> ill() {
    std::vector<std::string> names;
    for (const HealthCheck& check : check_health(state))
      if (check.result == HealthCheck::Result::bad) names.push_back(check.name);
    return names;
  }

  ClusterState state;
  std::map<BrokerId, std::int64_t> sizes;
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Explain, WhatIsWellIsSaidToBe) {
  Situation situation;
  ASSERT_EQ(situation.explained().size(), 1u);
  EXPECT_EQ(situation.explained().front().what, "t/0 is well");
  EXPECT_TRUE(situation.explained().front().todo.empty());
  EXPECT_TRUE(situation.ill().empty());
}

TEST(Explain, AStoreThatIsAwayIsNoHealth) {
  Situation situation;
  situation.state.cluster.store_trouble = "the metadata store cannot be reached";
  EXPECT_EQ(situation.ill(), (std::vector<std::string>{"metadata store"}));
}

TEST(Explain, AReplicaOnABrokerThatIsGone) {
  Situation situation;
  situation.lose(2);
  situation.partition().in_sync = ids({1, 3});
  const auto found = situation.explained();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().because, "broker 2 (host-2:9092) is gone");
  EXPECT_TRUE(says(found.front().todo, "mqctl partition move t/0 '2>4' --yes")) << found.front().todo;
  EXPECT_EQ(situation.ill(), (std::vector<std::string>{"brokers gone", "under-replicated"}));
}

TEST(Explain, AReplicaOfABrokerThatWasRemoved) {
  Situation situation;
  situation.lose(2);
  situation.state.cluster.fenced.clear();
  situation.partition().in_sync = ids({1, 3});
  EXPECT_EQ(situation.explained().front().because, "there is no broker 2");
}

TEST(Explain, ABrokerThatIsDrainedIsNamed) {
  Situation situation;
  situation.state.cluster.drained = ids({1});
  ASSERT_EQ(situation.explained().size(), 1u);
  EXPECT_EQ(situation.explained().front().what, "broker 1 leads t/0 though it is drained");
  EXPECT_TRUE(says(situation.explained().front().because, "in a moment"));
  situation.partition().in_sync = ids({1});
  EXPECT_TRUE(says(situation.explained().back().because, "nobody else that could lead is in sync"));
  situation.partition().in_sync = ids({1, 2, 3});
  situation.partition().leader = BrokerId{2};
  ASSERT_EQ(situation.explained().size(), 1u);
  EXPECT_TRUE(says(situation.explained().front().because, "broker 1 is drained"));
  EXPECT_TRUE(says(situation.explained().front().todo, "mqctl cluster drain --undo 1"));
  EXPECT_TRUE(situation.ill().empty()) << "somebody wanted it so";
}

TEST(Explain, AReplicaThatIsBehind) {
  Situation situation;
  situation.partition().in_sync = ids({1, 3});
  situation.sizes = {{BrokerId{1}, 5000}, {BrokerId{2}, 904}};
  EXPECT_EQ(situation.explained().front().because, "it is there, and its log is 4.0K shorter than the leader's");
}

TEST(Explain, TooFewForProducers) {
  Situation situation;
  situation.lose(2);
  situation.lose(3);
  situation.partition().in_sync = ids({1});
  situation.partition().eligible = ids({2});
  const auto found = situation.explained();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found.back().because, "1 in sync, and min.insync.replicas is 2");
  EXPECT_EQ(situation.ill(), (std::vector<std::string>{"brokers gone", "under min ISR", "under-replicated"}));
}

TEST(Explain, NobodyLeadsWhatOnlyOneThatIsGoneHas) {
  Situation situation;
  situation.lose(2);
  situation.partition().leader = kNoBroker;
  situation.partition().in_sync.clear();
  situation.partition().eligible = ids({2});
  const auto found = situation.explained();
  EXPECT_EQ(found.front().because, "only broker 2 has all its records, and it is gone");
  EXPECT_TRUE(says(found.front().todo, "start broker 2 (host-2:9092); or lose")) << found.front().todo;
  EXPECT_TRUE(says(found.front().todo, "elect --unclean t/0 --yes"));
  EXPECT_EQ(std::ranges::count(situation.ill(), "offline"), 1);
  situation.partition().replicas = ids({2});
  EXPECT_FALSE(says(situation.explained().front().todo, "unclean")) << "there is nobody else to elect";
}

TEST(Explain, NobodyLeadsAndAllMayHaveLostSomething) {
  Situation situation;
  situation.lose(3);
  situation.partition().leader = kNoBroker;
  situation.partition().in_sync.clear();
  situation.partition().last_in_sync = ids({2, 3});
  EXPECT_TRUE(says(situation.explained().front().because, "brokers 2 and 3, may have lost records"));
  EXPECT_TRUE(says(situation.explained().front().todo, "start broker 3"));
}

TEST(Explain, AMoveAndWhatHoldsItUp) {
  Situation situation;
  situation.partition().replicas = ids({4, 2, 3, 1});
  situation.partition().in_sync = ids({1, 2, 3});
  situation.state.moves[{"t", 0}] = {
      .where = {"t", 0}, .replicas = ids({4, 2, 3, 1}), .adding = ids({4}), .removing = ids({1})};
  auto found = situation.explained();
  EXPECT_EQ(found.front().what, "t/0 moves to broker 4");
  EXPECT_TRUE(situation.ill().empty()) << "who is being added does not count";
  situation.lose(4);
  found = situation.explained();
  EXPECT_TRUE(says(found.front().todo, "mqctl partition cancel t/0")) << found.front().todo;
}

TEST(Explain, AnotherOneThanThePreferredLeads) {
  Situation situation;
  situation.partition().leader = BrokerId{2};
  EXPECT_EQ(situation.explained().front().todo, "mqctl partition elect t/0");
  EXPECT_TRUE(situation.ill().empty()) << "that may well be so";
}

}  // namespace
}  // namespace mq::mqctl

#include "controller/topic_plans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/placement.h"
#include "controller/upkeep_plans.h"
#include "model_store.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;

/// Each id once.
std::function<Uuid()> new_ids(std::uint32_t first = 100) {
  return [next = first]() mutable { return id_of(next++); };
}

ModelStore store_of(std::int32_t brokers) {
  ModelStore store;
  store.put(cluster::put_cluster(id_of(1)));
  store.put(cluster::put_level(cluster::kLevel));
  for (std::int32_t id = 1; id <= brokers; ++id) add_broker(store, id, brokers > 1);
  return store;
}

Rules rules_of(std::int32_t self = 1) { return {.self = BrokerId{self}}; }

CreationPlan creation_of(const ModelStore& store, const std::vector<NewTopic>& wanted,
                         const Rules& rules = rules_of()) {
  return plan_creation(store.image(), wanted, rules, new_ids(static_cast<std::uint32_t>(100 + store.size())));
}

/// Plans and performs; every part must succeed.
std::vector<TopicOutcome> make(ModelStore& store, const std::vector<NewTopic>& wanted,
                               const Rules& rules = rules_of()) {
  const CreationPlan creation = creation_of(store, wanted, rules);
  for (const CreationPlan::Part& part : creation.parts) EXPECT_TRUE(store.perform(part.plan));
  return creation.outcomes;
}

/// The same topic but for what only a store knows.
void expect_like(const cluster::Topic& made, const cluster::Topic& planned) {
  EXPECT_EQ(made.id, planned.id);
  EXPECT_EQ(made.configs, planned.configs);
  EXPECT_EQ(made.has_default_factor, planned.has_default_factor);
  ASSERT_EQ(made.partition_count(), planned.partition_count());
  for (std::int32_t i = 0; i < made.partition_count(); ++i) {
    EXPECT_EQ(made.find_partition(i)->replicas, planned.find_partition(i)->replicas);
    EXPECT_EQ(made.find_partition(i)->leader, planned.find_partition(i)->leader);
  }
}

TEST(TopicPlans, ATopicIsMadeAsItWasPlanned) {
  ModelStore store = store_of(3);
  const auto outcomes =
      make(store, {{.name = "t", .partitions = 7, .replicas = 2, .configs = {{"retention.ms", "5"}}}});
  ASSERT_EQ(outcomes.at(0).error, ErrorCode::kNone) << outcomes[0].message;
  const ClusterImage image = store.image();
  check_image(image);
  ASSERT_NE(image.find_topic("t"), nullptr);
  expect_like(*image.find_topic("t"), *outcomes[0].topic);
  EXPECT_EQ(image.find_topic("t")->configs.at("retention.ms"), "5");
  EXPECT_FALSE(image.find_topic("t")->has_default_factor);
  for (const cluster::Partition& partition : image.find_topic("t")->partitions) {
    EXPECT_EQ(partition.replicas.size(), 2u);
    EXPECT_EQ(partition.isr, partition.replicas);
    EXPECT_EQ(partition.leader, partition.replicas.front());
    EXPECT_EQ(partition.leader_broker_epoch, cluster::BrokerEpoch{1});
  }
  EXPECT_TRUE(image.creations().empty());
  EXPECT_TRUE(image.loose_partitions().empty());
}

TEST(TopicPlans, TheDefaultFactorIsThreeOrAsManyAsThereAreBrokersAndIsRemembered) {
  for (const std::int32_t brokers : {1, 2, 3, 5}) {
    ModelStore store = store_of(brokers);
    make(store, {{.name = "t", .partitions = 4}});
    const ClusterImage image = store.image();
    EXPECT_TRUE(image.find_topic("t")->has_default_factor);
    for (const cluster::Partition& partition : image.find_topic("t")->partitions)
      EXPECT_EQ(partition.replicas.size(), static_cast<std::size_t>(std::min(brokers, 3)));
  }
}

TEST(TopicPlans, SmallTopicsOfOneRequestShareTransactionsAndALargeOneHasItsOwn) {
  ModelStore store = store_of(3);
  std::vector<NewTopic> wanted;
  for (int i = 0; i < 40; ++i) wanted.push_back({.name = "small-" + std::to_string(i), .partitions = 3, .replicas = 1});
  wanted.push_back({.name = "large", .partitions = 1000, .replicas = 3});
  const CreationPlan creation = creation_of(store, wanted);
  EXPECT_LE(creation.parts.size(), 4u);
  std::vector<std::size_t> told;
  for (const CreationPlan::Part& part : creation.parts) {
    told.insert(told.end(), part.outcomes.begin(), part.outcomes.end());
    EXPECT_EQ(part.plan.guard.has_value(), part.outcomes == std::vector<std::size_t>{40});
    ASSERT_TRUE(store.perform(part.plan));
  }
  std::ranges::sort(told);
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], i);
  EXPECT_EQ(told.size(), wanted.size());
  EXPECT_EQ(store.image().topics().size(), wanted.size());
  EXPECT_TRUE(store.image().creations().empty());
  check_image(store.image());
}

TEST(TopicPlans, ALargeOneThatIsCutOffIsNotSeenAndSweptOnceItsMakerIsGone) {
  const std::size_t steps =
      creation_of(store_of(3), {{.name = "large", .partitions = 500}}).parts[0].plan.transactions.size();
  ASSERT_GT(steps, 4u);
  for (std::size_t cut = 1; cut < steps; ++cut) {
    ModelStore store = store_of(3);
    const std::size_t before = store.size();
    ASSERT_TRUE(store.perform(creation_of(store, {{.name = "large", .partitions = 500}}).parts[0].plan, cut));
    EXPECT_EQ(store.image().find_topic("large"), nullptr);
    EXPECT_TRUE(abandoned_creations(store.image()).empty());  // its maker is there
    EXPECT_TRUE(plan_sweep(store.image(), {}).empty());
    store.put(cluster::Op::erase(cluster::alive_key(BrokerId{1})));
    const auto abandoned = abandoned_creations(store.image());
    ASSERT_EQ(abandoned.size(), 1u);
    ASSERT_TRUE(store.perform(plan_sweep(store.image(), abandoned)));
    EXPECT_EQ(store.size(), before - 1);
    EXPECT_TRUE(store.image().loose_partitions().empty());
  }
}

TEST(TopicPlans, WhoseCreationWasSweptCannotGoOn) {
  ModelStore store = store_of(3);
  const Plan plan = creation_of(store, {{.name = "large", .partitions = 500}}).parts[0].plan;
  ASSERT_TRUE(store.commit(plan.transaction(0, {})));
  const cluster::Revision first = store.image().revision();
  ASSERT_TRUE(store.commit(plan.transaction(1, first)));
  const std::vector<Uuid> abandoned{store.image().creations().begin()->first};
  ASSERT_TRUE(store.perform(plan_sweep(store.image(), abandoned)));
  for (std::size_t i = 2; i < plan.transactions.size(); ++i) EXPECT_FALSE(store.commit(plan.transaction(i, first)));
  EXPECT_EQ(store.image().find_topic("large"), nullptr);
}

TEST(TopicPlans, OfTwoBrokersThatMakeOneTopicOneWins) {
  ModelStore store = store_of(3);
  for (const std::int32_t partitions : {3, 500}) {
    const std::string name = "t" + std::to_string(partitions);
    const CreationPlan one = plan_creation(
        store.image(), std::vector<NewTopic>{{.name = name, .partitions = partitions}}, rules_of(1), new_ids(1000));
    const CreationPlan other = plan_creation(
        store.image(), std::vector<NewTopic>{{.name = name, .partitions = partitions}}, rules_of(2), new_ids(2000));
    ASSERT_TRUE(store.perform(one.parts[0].plan));
    EXPECT_FALSE(store.perform(other.parts[0].plan));
    EXPECT_EQ(store.image().find_topic(name)->id, one.outcomes[0].topic->id);
  }
}

TEST(TopicPlans, AReplicaThatRegistersAnewMeanwhileUndoesThePlan) {
  ModelStore store = store_of(3);
  const CreationPlan creation = creation_of(store, {{.name = "t", .partitions = 3, .replicas = 3}});
  cluster::Broker broker = *store.image().find_broker(BrokerId{2});
  broker.epoch = cluster::BrokerEpoch{2};
  store.put(cluster::put_broker(broker));
  EXPECT_FALSE(store.perform(creation.parts[0].plan));
}

TEST(TopicPlans, OneThatIsNotReadyIsNoReplica) {
  ModelStore store = store_of(3);
  cluster::Broker broker = *store.image().find_broker(BrokerId{2});
  broker.state = cluster::BrokerState::starting;
  store.put(cluster::put_broker(broker));
  EXPECT_EQ(make(store, {{.name = "three", .partitions = 1, .replicas = 3}})[0].error,
            ErrorCode::kInvalidReplicationFactor);
  make(store, {{.name = "two", .partitions = 9}});
  const ClusterImage image = store.image();
  for (const cluster::Partition& partition : image.find_topic("two")->partitions)
    EXPECT_EQ(std::ranges::count(partition.replicas, BrokerId{2}), 0);
}

TEST(TopicPlans, WhatCannotBeIsRefusedAndNothingIsPlanned) {
  ModelStore store = store_of(1);
  make(store, {{.name = "a.b", .partitions = 1}});
  Rules rules = rules_of();
  rules.partitions_total_max = 20;
  const auto error_of = [&](NewTopic wanted) {
    const CreationPlan creation = creation_of(store, {std::move(wanted)}, rules);
    EXPECT_EQ(creation.parts.empty(), creation.outcomes[0].error != ErrorCode::kNone);
    return creation.outcomes[0].error;
  };
  EXPECT_EQ(error_of({.name = "", .partitions = 1}), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(error_of({.name = "a.b", .partitions = 1}), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(error_of({.name = "a_b", .partitions = 1}), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(error_of({.name = "t", .partitions = 0}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(error_of({.name = "t", .partitions = 20}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(error_of({.name = "t", .partitions = 1, .replicas = 2}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(error_of({.name = "t", .partitions = 1, .configs = {{"no.such", "1"}}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(error_of({.name = "t", .partitions = 1, .assignments = {{0, {1}}}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error_of({.name = "t", .assignments = {{0, {2}}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of({.name = "t", .assignments = {{1, {1}}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of({.name = "t", .partitions = 19}), ErrorCode::kNone);
}

TEST(TopicPlans, ANameWhoseTopicCannotBeReadIsTaken) {
  ModelStore store = store_of(1);
  make(store, {{.name = "t", .partitions = 1}});
  store.put(cluster::Op::put(cluster::topic_key("t"), "\2"));
  EXPECT_EQ(make(store, {{.name = "t", .partitions = 1}})[0].error, ErrorCode::kTopicAlreadyExists);
}

TEST(TopicPlans, TwoOfOneNameInARequestAreOneTopic) {
  ModelStore store = store_of(1);
  const auto outcomes = make(store, {{.name = "t", .partitions = 1}, {.name = "t", .partitions = 2}});
  EXPECT_EQ(outcomes[0].error, ErrorCode::kNone);
  EXPECT_EQ(outcomes[1].error, ErrorCode::kTopicAlreadyExists);
}

TEST(TopicPlans, AnAssignmentIsFollowed) {
  ModelStore store = store_of(3);
  const auto outcomes = make(store, {{.name = "t", .assignments = {{1, {3, 1}}, {0, {2}}}}});
  ASSERT_EQ(outcomes[0].error, ErrorCode::kNone) << outcomes[0].message;
  const ClusterImage image = store.image();
  EXPECT_EQ(image.find_topic("t")->partitions[0].replicas, std::vector{BrokerId{2}});
  EXPECT_EQ(image.find_topic("t")->partitions[1].replicas, (std::vector{BrokerId{3}, BrokerId{1}}));
  EXPECT_EQ(make(store, {{.name = "u", .assignments = {{0, {1, 1}}}}})[0].error, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(make(store, {{.name = "u", .assignments = {{0, {9}}}}})[0].error, ErrorCode::kInvalidReplicaAssignment);
}

TEST(TopicPlans, AnInternalTopicHasItsOwnSettingsWhateverIsWanted) {
  ModelStore store = store_of(1);
  make(store, {{.name = "__consumer_offsets", .partitions = 3, .configs = {{"mq.flush", "async"}}}});
  const ClusterImage image = store.image();
  const cluster::Topic& topic = *image.find_topic("__consumer_offsets");
  EXPECT_EQ(topic.partition_count(), 50);
  EXPECT_EQ(topic.configs.at("mq.flush"), "ack");
  EXPECT_EQ(topic.configs.at("cleanup.policy"), "compact");
}

TEST(TopicPlans, APartitionIsAddedInThePatternOfTheFirst) {
  ModelStore store = store_of(4);
  make(store, {{.name = "grown", .partitions = 3, .replicas = 2}});
  const ClusterImage before = store.image();
  const TopicPlan grow = plan_growth(before, "grown", 300, std::nullopt, rules_of());
  ASSERT_EQ(grow.outcome.error, ErrorCode::kNone) << grow.outcome.message;
  ASSERT_TRUE(store.perform(grow.plan));
  const ClusterImage image = store.image();
  check_image(image);
  const cluster::Topic& topic = *image.find_topic("grown");
  ASSERT_EQ(topic.partition_count(), 300);
  const Placement placement(image, topic.id);
  for (std::int32_t i = 0; i < 300; ++i) EXPECT_EQ(topic.find_partition(i)->replicas, placement.replicas_of(i, 2));
  for (std::int32_t i = 0; i < 3; ++i)
    EXPECT_EQ(topic.find_partition(i)->revision, before.find_topic("grown")->find_partition(i)->revision);
  EXPECT_TRUE(image.creations().empty());
}

TEST(TopicPlans, AGrowthThatIsCutOffIsNotSeenAndGoesOnWithTheNextOne) {
  const auto grown_by = [](ModelStore& store, std::int32_t count) {
    return plan_growth(store.image(), "t", count, std::nullopt, rules_of());
  };
  ModelStore first = store_of(3);
  make(first, {{.name = "t", .partitions = 2, .replicas = 1}});
  const std::size_t steps = grown_by(first, 400).plan.transactions.size();
  for (std::size_t cut = 1; cut < steps; ++cut) {
    ModelStore store = store_of(3);
    make(store, {{.name = "t", .partitions = 2, .replicas = 1}});
    ASSERT_TRUE(store.perform(grown_by(store, 400).plan, cut));
    EXPECT_EQ(store.image().find_topic("t")->partition_count(), 2);
    const TopicPlan again = grown_by(store, 5);
    ASSERT_EQ(again.outcome.error, ErrorCode::kNone) << again.outcome.message;
    ASSERT_TRUE(store.perform(again.plan));
    EXPECT_EQ(store.image().find_topic("t")->partition_count(), 5);
    EXPECT_TRUE(store.image().creations().empty());
    ASSERT_TRUE(store.perform(plan_sweep(store.image(), {})));
    EXPECT_TRUE(store.image().loose_partitions().empty());
    check_image(store.image());
  }
}

TEST(TopicPlans, AGrowthIsRefusedWhileAnotherBrokerGrowsTheTopic) {
  ModelStore store = store_of(3);
  make(store, {{.name = "t", .partitions = 2}});
  ASSERT_TRUE(store.perform(plan_growth(store.image(), "t", 400, std::nullopt, rules_of(1)).plan, 2));
  EXPECT_EQ(plan_growth(store.image(), "t", 5, std::nullopt, rules_of(2)).outcome.error,
            ErrorCode::kReassignmentInProgress);
  store.put(cluster::Op::erase(cluster::alive_key(BrokerId{1})));
  EXPECT_EQ(plan_growth(store.image(), "t", 5, {{{2}, {2}, {2}}}, rules_of(2)).outcome.error, ErrorCode::kNone);
}

TEST(TopicPlans, AnImpossibleGrowthIsRefused) {
  ModelStore store = store_of(1);
  make(store, {{.name = "t", .partitions = 2}, {.name = "__consumer_offsets"}});
  const auto error_of = [&](const std::string& name, std::int32_t count,
                            const std::optional<std::vector<std::vector<std::int32_t>>>& assigned) {
    return plan_growth(store.image(), name, count, assigned, rules_of()).outcome.error;
  };
  EXPECT_EQ(error_of("none", 5, {}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(error_of("t", 2, {}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(error_of("t", 1'000'000, {}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(error_of("t", 4, {{{1}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of("t", 3, {{{2}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of("__consumer_offsets", 60, {}), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(error_of("t", 3, {{{1}}}), ErrorCode::kNone);
}

TEST(TopicPlans, ADeletionWaitsForEveryReplicaAndThenNothingIsLeft) {
  ModelStore store = store_of(3);
  const std::size_t before = store.size();
  make(store, {{.name = "t", .partitions = 500, .replicas = 3}});
  const TopicPlan deletion = plan_deletion(store.image(), "t", {}, rules_of());
  ASSERT_GT(deletion.plan.transactions.size(), 3u);
  ASSERT_TRUE(store.perform(deletion.plan, 1));  // the first decides
  const Uuid id = deletion.outcome.topic->id;
  EXPECT_EQ(store.image().find_topic("t"), nullptr);
  EXPECT_EQ(store.image().tombstones().at(id).waiting, (std::vector{BrokerId{1}, BrokerId{2}, BrokerId{3}}));
  for (std::int32_t broker = 1; broker <= 3; ++broker)
    ASSERT_TRUE(store.perform(plan_acknowledgement(store.image(), std::vector{id}, BrokerId{broker})));
  EXPECT_EQ(store.size(), before);
}

TEST(TopicPlans, ADeletionAndAGrowthOfOneTopicExcludeEachOther) {
  ModelStore store = store_of(3);
  make(store, {{.name = "t", .partitions = 2}});
  const TopicPlan deletion = plan_deletion(store.image(), "t", {}, rules_of());
  const TopicPlan growth = plan_growth(store.image(), "t", 5, std::nullopt, rules_of());
  ModelStore other = store;
  ASSERT_TRUE(store.perform(deletion.plan));
  EXPECT_FALSE(store.perform(growth.plan));
  ASSERT_TRUE(other.perform(growth.plan));
  EXPECT_FALSE(other.perform(deletion.plan));
}

TEST(TopicPlans, ADeletionByIdMeansThatVeryTopic) {
  ModelStore store = store_of(1);
  make(store, {{.name = "t", .partitions = 1}, {.name = "__consumer_offsets"}});
  EXPECT_EQ(plan_deletion(store.image(), "t", id_of(5), rules_of()).outcome.error, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(plan_deletion(store.image(), "u", {}, rules_of()).outcome.error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(plan_deletion(store.image(), "__consumer_offsets", {}, rules_of()).outcome.error,
            ErrorCode::kInvalidTopicException);
  Rules rules = rules_of();
  rules.delete_topics = false;
  EXPECT_EQ(plan_deletion(store.image(), "t", {}, rules).outcome.error, ErrorCode::kTopicDeletionDisabled);
}

TEST(TopicPlans, SettingsAreReplacedAndWhoPlannedOnOlderOnesHasAConflict) {
  ModelStore store = store_of(1);
  make(store, {{.name = "t", .partitions = 1, .configs = {{"retention.ms", "1"}}}});
  const auto set = [](const std::string& value) {
    return [value](config::Overrides& configs) -> Result<void> {
      configs["retention.ms"] = value;
      return {};
    };
  };
  const TopicPlan one = plan_topic_configs(store.image(), "t", set("2"), rules_of());
  const TopicPlan other = plan_topic_configs(store.image(), "t", set("3"), rules_of());
  ASSERT_TRUE(store.perform(one.plan));
  EXPECT_FALSE(store.perform(other.plan));
  EXPECT_EQ(store.image().find_topic("t")->configs.at("retention.ms"), "2");
  EXPECT_EQ(plan_topic_configs(store.image(), "t", set("rubbish"), rules_of()).outcome.error,
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(plan_topic_configs(store.image(), "u", set("3"), rules_of()).outcome.error,
            ErrorCode::kUnknownTopicOrPartition);
}

TEST(TopicPlans, WhatOffsetsRestOnCannotBeChanged) {
  ModelStore store = store_of(1);
  make(store, {{.name = "__consumer_offsets"}});
  const auto error_of = [&](const std::string& key, const std::string& value) {
    const auto change = [&](config::Overrides& configs) -> Result<void> {
      configs[key] = value;
      return {};
    };
    return plan_topic_configs(store.image(), "__consumer_offsets", change, rules_of()).outcome.error;
  };
  EXPECT_EQ(error_of("mq.flush", "async"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(error_of("cleanup.policy", "delete"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(error_of("segment.bytes", "1048576"), ErrorCode::kNone);
}

TEST(Placement, SpreadsLeadersAndFollowersEvenly) {
  const ModelStore store = store_of(5);
  const ClusterImage image = store.image();
  const Placement placement(image, id_of(7));
  std::map<BrokerId, int> leads;
  std::map<BrokerId, int> holds;
  std::map<BrokerId, std::set<BrokerId>> follow_first;
  for (std::int32_t partition = 0; partition < 100; ++partition) {
    const auto replicas = placement.replicas_of(partition, 3);
    EXPECT_EQ(std::set(replicas.begin(), replicas.end()).size(), 3u);
    ++leads[replicas[0]];
    for (const BrokerId id : replicas) ++holds[id];
    follow_first[replicas[0]].insert(replicas[1]);
  }
  for (const auto& [id, count] : leads) EXPECT_EQ(count, 20);
  for (const auto& [id, count] : holds) EXPECT_EQ(count, 60);
  for (const auto& [id, followers] : follow_first) EXPECT_EQ(followers.size(), 4u);
}

TEST(Placement, PutsReplicasOnAsManyRacksAsThereAre) {
  ModelStore store;
  for (std::int32_t id = 1; id <= 6; ++id) add_broker(store, id, true, id <= 2 ? "a" : id <= 4 ? "b" : "c");
  const ClusterImage image = store.image();
  const auto racks_of = [&](const std::vector<BrokerId>& replicas) {
    std::set<std::string> racks;
    for (const BrokerId id : replicas) racks.insert(*image.find_broker(id)->rack);
    return racks.size();
  };
  const Placement placement(image, id_of(9));
  std::map<BrokerId, int> leads;
  std::map<BrokerId, int> holds;
  for (std::int32_t partition = 0; partition < 60; ++partition) {
    const auto replicas = placement.replicas_of(partition, 3);
    EXPECT_EQ(racks_of(replicas), 3U) << "partition " << partition;
    EXPECT_EQ(racks_of(placement.replicas_of(partition, 4)), 3U);
    ++leads[replicas[0]];
    for (const BrokerId id : replicas) ++holds[id];
    std::vector<BrokerId> grown{BrokerId{3}};
    placement.add_to(grown, partition, 3);
    EXPECT_EQ(racks_of(grown), 3U);
  }
  for (const auto& [id, count] : leads) EXPECT_EQ(count, 10);
  for (const auto& [id, count] : holds) EXPECT_NEAR(count, 30, 10) << id.value();
}

TEST(Placement, ABrokerThatSaysNoRackMakesAllOfThemEqual) {
  ModelStore store;
  for (std::int32_t id = 1; id <= 3; ++id) add_broker(store, id, true, id == 2 ? "" : "a");
  const ClusterImage image = store.image();
  std::set<std::vector<BrokerId>> seen;
  for (std::int32_t partition = 0; partition < 6; ++partition)
    seen.insert(Placement(image, id_of(9)).replicas_of(partition, 2));
  EXPECT_EQ(seen.size(), 6U);
}

/// Brokers that plan on images of different ages. Whatever comes of it, the image that follows the changes is that of a
/// listing, and no topic is half there.
TEST(TopicPlans, LivesOfManyPlannersLeaveAWholeImage) {
  int conflicts = 0;
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return random() % n; };
    ModelStore store = store_of(3);
    ClusterImage followed = store.image();
    std::map<std::int32_t, ClusterImage> seen{{1, followed}, {2, followed}, {3, followed}};
    auto new_id = new_ids(1000);
    for (int step = 0; step < 120; ++step) {
      const auto self = static_cast<std::int32_t>(1 + below(3));
      const ClusterImage& image = seen[self];
      const std::string name = "t" + std::to_string(below(5));
      const auto count = static_cast<std::int32_t>(1 + below(4) * (below(6) == 0 ? 100 : 1));
      const Rules rules = rules_of(self);
      Plan plan;
      switch (below(5)) {
        case 0: {
          const auto creation =
              plan_creation(image, std::vector<NewTopic>{{.name = name, .partitions = count}}, rules, new_id);
          if (!creation.parts.empty()) plan = creation.parts[0].plan;
          break;
        }
        case 1:
          plan = plan_growth(image, name, count + 2, std::nullopt, rules).plan;
          break;
        case 2:
          plan = plan_deletion(image, name, {}, rules).plan;
          break;
        case 3: {
          std::vector<Uuid> deleted;
          for (const auto& [id, tombstone] : image.tombstones()) deleted.push_back(id);
          plan = plan_acknowledgement(image, deleted, BrokerId{self});
          break;
        }
        default:
          plan = plan_sweep(image, abandoned_creations(image));
      }
      const std::size_t cut = below(4) == 0 ? below(3) : ~std::size_t{0};
      if (!store.perform(plan, cut)) ++conflicts;
      const auto changes = store.changes_since(followed.revision());
      const auto next = followed.apply(changes, followed.revision());
      ASSERT_TRUE(next) << next.error().message;
      followed = *next;
      ASSERT_EQ(followed, store.image());
      ASSERT_TRUE(followed.defects().empty()) << followed.defects().begin()->second.message;
      check_image(followed);
      if (below(3) != 0) seen[static_cast<std::int32_t>(1 + below(3))] = followed;
    }
  }
  EXPECT_GT(conflicts, 20);
}

}  // namespace
}  // namespace mq::controller

#include "controller/upkeep_plans.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "controller/cluster_plans.h"
#include "controller/config_edits.h"
#include "controller/packer.h"
#include "model_store.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;

cluster::Topic led_topic(const std::string& name, std::uint32_t id, std::int32_t partitions) {
  cluster::Topic topic{.name = name, .id = id_of(id), .partitions = {}, .configs = {}};
  for (std::int32_t i = 0; i < partitions; ++i)
    topic.partitions.push_back(
        {.replicas = {BrokerId{1}}, .isr = {BrokerId{1}}, .leader = BrokerId{1}, .leader_epoch = LeaderEpoch{i}});
  return topic;
}

ModelStore store_with(const cluster::Topic& topic) {
  ModelStore store;
  add_broker(store, 1, false);
  for (cluster::Op& op : cluster::put_whole_topic(topic)) store.put(std::move(op));
  return store;
}

TEST(RaisedEpochs, AreAboveWhatMetadataAndTheLogHaveAndTouchNoOther) {
  ModelStore store = store_with(led_topic("t", 5, 300));
  const std::vector<UncertainLog> logs{{.topic_id = id_of(5), .partition = 3},
                                       {.topic_id = id_of(5), .partition = 4, .latest_epoch = LeaderEpoch{90}},
                                       {.topic_id = id_of(5), .partition = 4, .latest_epoch = LeaderEpoch{80}},
                                       {.topic_id = id_of(5), .partition = 5, .latest_epoch = LeaderEpoch{1 << 30}},
                                       {.topic_id = id_of(6), .partition = 0},
                                       {.topic_id = id_of(5), .partition = 300}};
  ASSERT_TRUE(store.perform(plan_raised_epochs(store.image(), logs)));
  const ClusterImage image = store.image();
  const cluster::Topic& topic = *image.find_topic("t");
  EXPECT_EQ(topic.partitions[3].leader_epoch, LeaderEpoch{4});
  EXPECT_EQ(topic.partitions[3].partition_epoch, 1);
  EXPECT_EQ(topic.partitions[4].leader_epoch, LeaderEpoch{91});
  EXPECT_EQ(topic.partitions[4].partition_epoch, 1);
  EXPECT_EQ(topic.partitions[5].leader_epoch, LeaderEpoch{6});  // rot is not believed
  EXPECT_EQ(topic.partitions[6].leader_epoch, LeaderEpoch{6});
  EXPECT_EQ(topic.partitions[6].partition_epoch, 0);
}

TEST(RaisedEpochs, OfManyLogsTakeSeveralTransactionsAndMayBeCutOffBetween) {
  ModelStore store = store_with(led_topic("t", 5, 300));
  std::vector<UncertainLog> logs;
  for (std::int32_t i = 0; i < 300; ++i) logs.push_back({.topic_id = id_of(5), .partition = i});
  const Plan plan = plan_raised_epochs(store.image(), logs);
  EXPECT_EQ(plan.transactions.size(), 3u);
  ASSERT_TRUE(store.perform(plan, 2));
  ASSERT_TRUE(store.perform(plan_raised_epochs(store.image(), logs)));
  const ClusterImage image = store.image();
  for (std::int32_t i = 0; i < 300; ++i)
    EXPECT_GT(image.find_topic("t")->find_partition(i)->leader_epoch, LeaderEpoch{i});
}

TEST(RaisedEpochs, AreNotWrittenOverAnotherChangeOfThePartition) {
  ModelStore store = store_with(led_topic("t", 5, 1));
  const Plan plan = plan_raised_epochs(store.image(), std::vector<UncertainLog>{{.topic_id = id_of(5)}});
  store.put(cluster::put_partition(id_of(5), 0, led_topic("t", 5, 1).partitions[0]));
  EXPECT_FALSE(store.perform(plan));
}

TEST(Acknowledgement, TheLastTakesTheTombstoneAndWhatIsLeftOfTheTopic) {
  ModelStore store;
  store.put(cluster::put_tombstone(id_of(5), {.name = "t", .waiting = {BrokerId{1}, BrokerId{2}}}));
  for (std::int32_t i = 0; i < 250; ++i)
    store.put(cluster::put_partition(id_of(5), i, led_topic("t", 5, 1).partitions[0]));
  ASSERT_TRUE(store.perform(plan_acknowledgement(store.image(), std::vector{id_of(5)}, BrokerId{2})));
  EXPECT_EQ(store.image().tombstones().at(id_of(5)).waiting, std::vector{BrokerId{1}});
  EXPECT_TRUE(plan_acknowledgement(store.image(), std::vector{id_of(5)}, BrokerId{2}).empty());
  const Plan last = plan_acknowledgement(store.image(), std::vector{id_of(5)}, BrokerId{1});
  ASSERT_GT(last.transactions.size(), 2u);
  for (std::size_t cut = 0; cut < last.transactions.size(); ++cut) {
    ModelStore copy = store;
    ASSERT_TRUE(copy.perform(last, cut));
    EXPECT_TRUE(copy.has(cluster::tombstone_key(id_of(5))));  // until nothing else is left
  }
  ASSERT_TRUE(store.perform(last));
  EXPECT_EQ(store.size(), 0u);
}

TEST(Sweep, LeavesPartitionsThatMayBelongToATopicThatCannotBeRead) {
  ModelStore store = store_with(led_topic("t", 5, 2));
  store.put(cluster::Op::put(cluster::topic_key("t"), "\2"));
  EXPECT_TRUE(plan_sweep(store.image(), {}).empty());
  store.put(cluster::put_topic(led_topic("t", 5, 2)));
  EXPECT_NE(store.image().find_topic("t"), nullptr);
}

TEST(Sweep, ErasesNothingOfACreationThatBeginsMeanwhile) {
  ModelStore store;
  store.put(cluster::put_partition(id_of(5), 0, led_topic("t", 5, 1).partitions[0]));
  const Plan sweep = plan_sweep(store.image(), {});
  ASSERT_FALSE(sweep.empty());
  store.put(cluster::put_creation(id_of(5), {.topic = "t"}));
  EXPECT_FALSE(store.perform(sweep));
  EXPECT_TRUE(store.has(cluster::partition_key(id_of(5), 0)));
}

TEST(ClusterPlan, AnEmptyStoreGetsItsClusterOnce) {
  ModelStore store;
  const Plan one = plan_cluster(store.image(), id_of(1)).value();
  const Plan other = plan_cluster(store.image(), id_of(2)).value();
  ASSERT_TRUE(store.perform(one));
  EXPECT_FALSE(store.perform(other));
  EXPECT_TRUE(plan_cluster(store.image(), id_of(2)).value().empty());
  EXPECT_EQ(store.image().cluster_id(), id_of(1));
  EXPECT_EQ(store.image().level(), cluster::kLevel);
}

Registration registration_of(std::int32_t id, std::uint32_t nonce) {
  return {.id = BrokerId{id},
          .directory = id_of(500 + static_cast<std::uint32_t>(id)),
          .nonce = nonce == 0 ? Uuid{} : id_of(nonce),
          .endpoints = {{"PLAIN", "h", 9092}},
          .rack = std::nullopt,
          .inter_broker_listener = "PLAIN",
          .features = {}};
}

TEST(RegistrationPlan, OnAStoreOfItsOwnABrokerIsReadyAtOnceAndWritesOnlyWhatChanged) {
  ModelStore store;
  ASSERT_TRUE(store.perform(*plan_registration(store.image(), registration_of(1, 0))));
  EXPECT_TRUE(store.image().is_ready(BrokerId{1}));
  EXPECT_FALSE(store.has(cluster::alive_key(BrokerId{1})));
  EXPECT_TRUE(plan_registration(store.image(), registration_of(1, 0))->empty());
  Registration moved = registration_of(1, 0);
  moved.endpoints[0].port = 9093;
  ASSERT_TRUE(store.perform(*plan_registration(store.image(), moved)));
  EXPECT_EQ(store.image().find_broker(BrokerId{1})->endpoints[0].port, 9093);
  EXPECT_EQ(store.image().find_broker(BrokerId{1})->epoch, cluster::BrokerEpoch{1});
}

TEST(RegistrationPlan, InAClusterEachIncarnationHasItsEpochAndBeginsAsStarting) {
  ModelStore store;
  ASSERT_TRUE(store.perform(*plan_registration(store.image(), registration_of(1, 7))));
  EXPECT_TRUE(store.image().is_alive(BrokerId{1}));
  EXPECT_FALSE(store.image().is_ready(BrokerId{1}));
  ASSERT_TRUE(store.perform(plan_broker_state(store.image(), BrokerId{1}, cluster::BrokerState::ready)));
  EXPECT_TRUE(store.image().is_ready(BrokerId{1}));
  EXPECT_EQ(plan_registration(store.image(), registration_of(1, 8)).error().code, Errc::conflict);
  Registration replaces = registration_of(1, 8);
  replaces.replaces_session = true;
  ASSERT_TRUE(store.perform(*plan_registration(store.image(), replaces)));
  EXPECT_EQ(store.image().find_broker(BrokerId{1})->epoch, cluster::BrokerEpoch{2});
  EXPECT_EQ(store.image().sessions().at(BrokerId{1}).epoch, cluster::BrokerEpoch{2});
  EXPECT_FALSE(store.image().is_ready(BrokerId{1}));
}

TEST(RegistrationPlan, AnIdBelongsToOneDirectory) {
  ModelStore store;
  ASSERT_TRUE(store.perform(*plan_registration(store.image(), registration_of(1, 7))));
  store.put(cluster::Op::erase(cluster::alive_key(BrokerId{1})));
  Registration other = registration_of(1, 8);
  other.directory = id_of(900);
  EXPECT_EQ(plan_registration(store.image(), other).error().code, Errc::refused);
}

TEST(RegistrationPlan, OfTwoThatRegisterOneIdOneWins) {
  ModelStore store;
  const Plan one = *plan_registration(store.image(), registration_of(1, 7));
  const Plan other = *plan_registration(store.image(), registration_of(1, 8));
  ASSERT_TRUE(store.perform(one));
  EXPECT_FALSE(store.perform(other));
}

TEST(RegistrationPlan, ASessionAndTheControllersKeyStandUnderALease) {
  EXPECT_EQ(cluster::put_session(BrokerId{1}, {}).stay, cluster::Stay::leased);
  EXPECT_EQ(cluster::put_controller({}).stay, cluster::Stay::leased);
  EXPECT_EQ(cluster::put_acquisition(id_of(1), {}).stay, cluster::Stay::for_good);
}

TEST(BrokerConfigPlan, ReplacesAndTakesAway) {
  ModelStore store;
  ASSERT_TRUE(store.perform(plan_broker_configs(store.image(), kNoBroker, {{"a", "b"}})));
  EXPECT_EQ(store.image().broker_config(kNoBroker).at("a"), "b");
  ASSERT_TRUE(store.perform(plan_broker_configs(store.image(), kNoBroker, {})));
  EXPECT_EQ(store.size(), 0u);
  EXPECT_TRUE(plan_broker_configs(store.image(), kNoBroker, {}).empty());
}

TEST(ProducerIdPlan, ABlockIsGivenOnce) {
  ModelStore store;
  const auto one = plan_producer_ids(store.image(), 1000);
  const auto other = plan_producer_ids(store.image(), 1000);
  ASSERT_TRUE(store.perform(one->plan));
  EXPECT_FALSE(store.perform(other->plan));
  EXPECT_EQ(one->first, 0);
  EXPECT_EQ(plan_producer_ids(store.image(), 1000)->first, 1000);
  EXPECT_EQ(plan_producer_ids(store.image(), std::numeric_limits<std::int64_t>::max()).error().code, Errc::too_large);
  store.put(cluster::Op::put(cluster::producer_ids_key(), "\2"));
  EXPECT_EQ(plan_producer_ids(store.image(), 1000).error().code, Errc::corrupt);
}

TEST(ConfigEdits, OfListsAddWhatIsMissingAndTakeWhatIsThere) {
  using enum ConfigEdit::Operation;
  config::Overrides configs{{"cleanup.policy", "compact"}};
  ASSERT_TRUE(apply_edits(std::vector<ConfigEdit>{{"cleanup.policy", append, "delete,compact"}},
                          config::topic_options(), {}, configs));
  EXPECT_EQ(configs.at("cleanup.policy"), "compact,delete");
  ASSERT_TRUE(apply_edits(std::vector<ConfigEdit>{{"cleanup.policy", subtract, "compact"}}, config::topic_options(), {},
                          configs));
  EXPECT_EQ(configs.at("cleanup.policy"), "delete");
  ASSERT_TRUE(apply_edits(std::vector<ConfigEdit>{{"retention.ms", set, "5"}, {"cleanup.policy", unset, ""}},
                          config::topic_options(), {}, configs));
  EXPECT_EQ(configs, (config::Overrides{{"retention.ms", "5"}}));
  EXPECT_FALSE(
      apply_edits(std::vector<ConfigEdit>{{"retention.ms", append, "5"}}, config::topic_options(), {}, configs));
}

TEST(Packer, FillsTransactionsUpToTheirLimitsAndKeepsTheOrder) {
  Packer packer(1);
  for (int i = 0; i < 250; ++i)
    packer.add({.compares = {cluster::Compare::absent("key-" + std::to_string(i))},
                .ops = {cluster::Op::put("key-" + std::to_string(i), "value")}});
  const auto transactions = std::move(packer).take();
  ASSERT_EQ(transactions.size(), 3u);
  int next = 0;
  for (const cluster::Transaction& transaction : transactions) {
    EXPECT_LE(transaction.ops.size(), cluster::kTransactionKeysMax - 1);
    for (const cluster::Op& op : transaction.ops) EXPECT_EQ(op.key, "key-" + std::to_string(next++));
  }
  Packer large;
  for (int i = 0; i < 10; ++i)
    large.add({.compares = {}, .ops = {cluster::Op::put("key-" + std::to_string(i), std::string(100 << 10, 'x'))}});
  for (const cluster::Transaction& transaction : std::move(large).take()) EXPECT_EQ(transaction.ops.size(), 2u);
}

}  // namespace
}  // namespace mq::controller

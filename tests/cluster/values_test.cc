#include "cluster/values.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "cluster/keys.h"

namespace mq::cluster {
namespace {

Uuid some_id(std::uint8_t n) {
  Uuid id;
  id.bytes.fill(n);
  return id;
}

Partition some_partition() {
  return {.replicas = {BrokerId{1}, BrokerId{2}, BrokerId{300}},
          .isr = {BrokerId{2}},
          .leader = BrokerId{2},
          .leader_epoch = LeaderEpoch{8},
          .partition_epoch = 70'000,
          .adding = {BrokerId{300}},
          .removing = {BrokerId{1}},
          .elr = {BrokerId{1}},
          .leader_broker_epoch = BrokerEpoch{1ll << 40},
          .unclean_since = LeaderEpoch{3},
          .last_in_sync = {BrokerId{300}}};
}

Broker some_broker() {
  return {.id = BrokerId{3},
          .endpoints = {{"PLAIN", "::1", 9092}, {"INSIDE", "i", 1}},
          .rack = "",
          .directory = some_id(1),
          .nonce = some_id(2),
          .epoch = BrokerEpoch{9},
          .state = BrokerState::draining,
          .inter_broker_listener = "INSIDE",
          .features = {"share", "txn"},
          .level = 5,
          .is_drained = true};
}

Topic some_topic() {
  return {.name = "t",
          .id = some_id(4),
          .partitions = PartitionList(700),
          .configs = {{"a", ""}, {"cleanup.policy", "compact"}},
          .has_default_factor = true};
}

TEST(ClusterValues, EveryValueComesBackAsItWasPut) {
  EXPECT_EQ(*read_partition("k", *put_partition(some_id(1), 7, some_partition()).value), some_partition());
  EXPECT_EQ(*read_broker("k", *put_broker(some_broker()).value, BrokerId{3}), some_broker());
  const auto topic = read_topic("k", *put_topic(some_topic()).value, "t");
  EXPECT_EQ(topic->partitions, 700);
  EXPECT_EQ(topic->topic.configs, some_topic().configs);
  EXPECT_EQ(topic->topic.id, some_topic().id);
  EXPECT_TRUE(topic->topic.has_default_factor);
  EXPECT_EQ(*read_cluster("k", *put_cluster(some_id(9)).value), some_id(9));
  EXPECT_EQ(*read_level("k", *put_level(2).value), 2);
  const Controller controller{.broker = BrokerId{4}, .broker_epoch = BrokerEpoch{5}};
  EXPECT_EQ(*read_controller("k", *put_controller(controller).value), controller);
  EXPECT_EQ(*read_session("k", *put_session(BrokerId{1}, {.epoch = BrokerEpoch{6}}).value),
            (Session{.epoch = BrokerEpoch{6}}));
  const Unregistered unregistered{.directory = some_id(4), .epoch = BrokerEpoch{6}};
  EXPECT_EQ(*read_unregistered("k", *put_unregistered(BrokerId{1}, unregistered).value), unregistered);
  const Creation creation{.topic = "t", .maker = BrokerId{2}, .maker_epoch = BrokerEpoch{7}};
  EXPECT_EQ(*read_creation("k", *put_creation(some_id(1), creation).value), creation);
  const Tombstone tombstone{.name = "t", .waiting = {BrokerId{1}, BrokerId{2}}};
  EXPECT_EQ(*read_tombstone("k", *put_tombstone(some_id(1), tombstone).value), tombstone);
  EXPECT_EQ(*read_broker_config("k", *put_broker_config(kNoBroker, {{"a", "b"}}).value), (ConfigMap{{"a", "b"}}));
  EXPECT_EQ(*read_producer_ids("k", *put_producer_ids(1ll << 50).value), 1ll << 50);
}

TEST(ClusterValues, KeysAreTakenApartAsTheyWerePutTogether) {
  const Uuid id = some_id(200);
  EXPECT_EQ(parse_key(cluster_key()).kind, KeyKind::cluster);
  EXPECT_EQ(parse_key(level_key()).kind, KeyKind::level);
  EXPECT_EQ(parse_key(adopting_key()).kind, KeyKind::adopting);
  EXPECT_EQ(parse_key(controller_key()).kind, KeyKind::controller);
  EXPECT_EQ(parse_key(acquisition_key(id)).id, id);
  EXPECT_EQ(parse_key(broker_key(BrokerId{12})).broker, BrokerId{12});
  EXPECT_EQ(parse_key(alive_key(BrokerId{12})).kind, KeyKind::alive);
  EXPECT_EQ(parse_key(unregistered_key(BrokerId{12})).kind, KeyKind::unregistered);
  EXPECT_EQ(parse_key(topic_key("a.b")).name, "a.b");
  EXPECT_EQ(parse_key(creating_key(id)).id, id);
  EXPECT_EQ(parse_key(tombstone_key(id)).id, id);
  EXPECT_EQ(parse_key(broker_config_key(kNoBroker)).broker, kNoBroker);
  EXPECT_EQ(parse_key(producer_ids_key()).kind, KeyKind::producer_ids);
  const ParsedKey partition = parse_key(partition_key(id, 305));
  EXPECT_EQ(partition.kind, KeyKind::partition);
  EXPECT_EQ(partition.id, id);
  EXPECT_EQ(partition.index, 305);
}

TEST(ClusterValues, AKeyOfOursHasOneSpelling) {
  const std::string id = some_id(1).to_string();
  for (const std::string& key : std::vector<std::string>{
           "partitions/" + id + "/007", "partitions/" + id + "/+7", "partitions/" + id + "/-1", "partitions/" + id,
           "partitions/" + id + "/7/", "partitions/" + id + "/1000000", "partitions/x/7", "brokers/", "brokers/01",
           "topics/", "topics/a/b", "tombstones/" + id + "x"})
    EXPECT_EQ(parse_key(key).kind, KeyKind::misspelled) << key;
  EXPECT_EQ(parse_key("acls/1").kind, KeyKind::foreign);
  EXPECT_EQ(parse_key("clusters").kind, KeyKind::foreign);
}

TEST(ClusterValues, WhatALaterVersionPutsAtTheEndIsSkipped) {
  EXPECT_EQ(*read_partition("k", *put_partition(some_id(1), 7, some_partition()).value + "more"), some_partition());
  EXPECT_EQ(*read_broker("k", *put_broker(some_broker()).value + "more", BrokerId{3}), some_broker());
  EXPECT_TRUE(read_topic("k", *put_topic(some_topic()).value + "more", "t"));
  EXPECT_TRUE(read_tombstone("k", *put_tombstone(some_id(1), {.name = "t", .waiting = {}}).value + "more"));
}

TEST(ClusterValues, AHigherVersionIsRefusedAndALowerOneIsDamage) {
  std::string value = *put_partition(some_id(1), 7, some_partition()).value;
  value[0] = 3;
  EXPECT_EQ(read_partition("k", value).error().code, Errc::unsupported);
  value[0] = 1;
  EXPECT_EQ(read_partition("k", value).error().code, Errc::corrupt);
  EXPECT_EQ(read_partition("k", "").error().code, Errc::corrupt);
}

TEST(ClusterValues, EveryCutValueIsDamage) {
  const auto cut_everywhere = [](const Op& op, auto read) {
    for (std::size_t size = 0; size < op.value->size(); ++size)
      EXPECT_FALSE(read(op.value->substr(0, size))) << op.key << " cut at " << size;
  };
  // Without what the value has grown by it is whole: earlier ones end there.
  Partition without_growth = some_partition();
  without_growth.last_in_sync.clear();
  const std::size_t grown_from = put_partition(some_id(1), 7, without_growth).value->size() - 1;
  cut_everywhere(put_partition(some_id(1), 7, some_partition()), [&](auto v) {
    auto read = read_partition("k", v);
    if (v.size() == grown_from) EXPECT_EQ(*read, without_growth);
    return v.size() != grown_from && read.has_value();
  });
  Broker undrained = some_broker();
  undrained.is_drained = false;
  const std::size_t drained_from = put_broker(undrained).value->size();
  cut_everywhere(put_broker(some_broker()), [&](auto v) {
    auto read = read_broker("k", v, BrokerId{3});
    if (v.size() == drained_from) EXPECT_EQ(*read, undrained);
    return v.size() != drained_from && read.has_value();
  });
  cut_everywhere(put_topic(some_topic()), [](auto v) { return read_topic("k", v, "t"); });
  cut_everywhere(put_creation(some_id(1), {.topic = "t"}), [](auto v) { return read_creation("k", v); });
}

TEST(ClusterValues, RandomDamageOfAPartitionIsNoticedOrMakesAPartitionThatCanBe) {
  std::mt19937 random(1);
  const std::string whole = *put_partition(some_id(1), 7, some_partition()).value;
  for (int round = 0; round < 20'000; ++round) {
    std::string value = whole;
    for (int flips = 0; flips < 3; ++flips) value[random() % value.size()] = static_cast<char>(random());
    if (const auto partition = read_partition("k", value)) EXPECT_EQ(partition->problem(), nullptr);
  }
}

TEST(Partition, SaysWhatIsWrongWithIt) {
  EXPECT_EQ(some_partition().problem(), nullptr);
  const auto problem_of = [](auto spoil) {
    Partition partition = some_partition();
    spoil(partition);
    return partition.problem() != nullptr;
  };
  EXPECT_TRUE(problem_of([](Partition& p) { p.replicas.push_back(BrokerId{1}); }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.isr.push_back(BrokerId{9}); }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.isr.push_back(BrokerId{1}); }));  // is in the ELR
  EXPECT_TRUE(problem_of([](Partition& p) { p.elr.push_back(BrokerId{9}); }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.adding.push_back(BrokerId{9}); }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.removing.push_back(BrokerId{300}); }));  // is added
  EXPECT_TRUE(problem_of([](Partition& p) { p.leader = BrokerId{1}; }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.leader_epoch = LeaderEpoch{-1}; }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.partition_epoch = -1; }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.unclean_since = LeaderEpoch{9}; }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.last_in_sync.push_back(BrokerId{9}); }));
  EXPECT_TRUE(problem_of([](Partition& p) { p.last_in_sync.push_back(BrokerId{1}); }));  // is in the ELR
  EXPECT_FALSE(problem_of([](Partition& p) { p.leader = kNoBroker; }));
}

}  // namespace
}  // namespace mq::cluster

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/cluster_plans.h"
#include "controller/election_plans.h"
#include "controller/isr_plans.h"
#include "model_store.h"

namespace mq::controller {

inline Brokers ids(std::initializer_list<int> numbers) {
  Brokers brokers;
  for (const int number : numbers) brokers.emplace_back(number);
  return brokers;
}

/// Three brokers that are ready, the first of which is the controller, and a topic "t" with so many partitions that the
/// first leads and all are in sync in; min.insync.replicas is 2.
class ClusterModel {
 public:
  explicit ClusterModel(std::int32_t partitions = 1) {
    for (const int id : {1, 2, 3}) add_broker(store, id);
    acquire(1);
    cluster::Topic topic{.name = "t", .id = id_of(5), .partitions = {}, .configs = {}, .has_default_factor = true};
    for (std::int32_t i = 0; i < partitions; ++i) topic.partitions.push_back(in_sync());
    for (cluster::Op& op : cluster::put_whole_topic(topic)) store.put(std::move(op));
  }

  static cluster::Partition in_sync() {
    return {.replicas = ids({1, 2, 3}),
            .isr = ids({1, 2, 3}),
            .leader = BrokerId{1},
            .leader_epoch = LeaderEpoch{7},
            .leader_broker_epoch = cluster::BrokerEpoch{1}};
  }
  static cluster::PartitionPlace place(std::int32_t index = 0) { return {.topic = id_of(5), .index = index}; }

  void put(const cluster::Partition& partition, std::int32_t index = 0) {
    store.put(cluster::put_partition(id_of(5), index, partition));
  }
  [[nodiscard]] cluster::Partition partition(std::int32_t index = 0) const {
    return *store.image().find_topic("t")->find_partition(index);
  }
  [[nodiscard]] SettingsOf settings() const {
    return [settings = topic_settings](const cluster::Topic&) { return settings; };
  }

  /// Another incarnation, which begins as starting; whether the session of the one before stands does not matter.
  void restart(int id) {
    cluster::Broker broker = *store.image().find_broker(BrokerId{id});
    broker.epoch = cluster::BrokerEpoch{broker.epoch.value() + 1};
    broker.state = cluster::BrokerState::starting;
    EXPECT_TRUE(
        store.commit({.compares = {},
                      .ops = {cluster::put_broker(broker), cluster::put_session(broker.id, {.epoch = broker.epoch})},
                      .write_id = {}}));
  }
  void set_state(int id, cluster::BrokerState state) {
    EXPECT_TRUE(store.perform(plan_broker_state(store.image(), BrokerId{id}, state)));
  }
  void drain(int id, bool is_wanted = true) {
    const AskedPlan planned = plan_drain(store.image(), BrokerId{id}, is_wanted);
    EXPECT_EQ(planned.refusal.error, ErrorCode::kNone) << planned.refusal.message;
    EXPECT_TRUE(store.perform(planned.plan));
  }
  void come_back(int id) {
    restart(id);
    set_state(id, cluster::BrokerState::ready);
  }
  /// Its lease ends.
  void lose(int id) { store.put(cluster::Op::erase(cluster::alive_key(BrokerId{id}))); }
  void acquire(int id) {
    store.put(cluster::put_controller({.broker = BrokerId{id}, .broker_epoch = cluster::BrokerEpoch{1}}));
    lease = store.image().controller()->revision;
  }

  [[nodiscard]] Plan care(const Circumstances& circumstances = {}, std::int32_t index = 0) const {
    return plan_care(store.image(), lease, std::vector<Case>{{place(index), circumstances}}, settings());
  }
  /// The change that a leader wants which knows the key of today.
  [[nodiscard]] IsrChange wish(std::vector<IsrChange::Member> isr, std::int32_t index = 0) const {
    return {.place = place(index), .partition_epoch = partition(index).partition_epoch, .isr = std::move(isr)};
  }
  [[nodiscard]] IsrPlan plan(const std::vector<IsrChange>& changes, int self = 1) const {
    return plan_isr_changes(store.image(), BrokerId{self}, changes, settings());
  }
  /// `id` steps out of the partition, of whose log it has lost something.
  [[nodiscard]] Plan step_out(int id, LeaderEpoch latest = kNoLeaderEpoch) const {
    return plan_stepping_out(store.image(), BrokerId{id},
                             std::vector<UncertainLog>{{.topic_id = id_of(5), .latest_epoch = latest}}, settings());
  }

  ModelStore store;
  cluster::Revision lease;
  TopicSettings topic_settings{.insync_replicas_min = 2};
};

inline IsrChange::Member member(int id, int broker_epoch = 1) {
  return {.id = BrokerId{id}, .broker_epoch = cluster::BrokerEpoch{broker_epoch}};
}

}  // namespace mq::controller

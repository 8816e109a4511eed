// Histories of a cluster that need logs, slots and starts: docs/testing.md has the others, and what each is about.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "broker_fixture.h"
#include "controller/reassignment_plans.h"
#include "wire/messages/incremental_alter_configs.h"

namespace mq::broker {
namespace {

using testing::kAll;
using testing::kProduceVersion;
using testing::make_batch;
using testing::Peer;

constexpr int kBrokers = 3;

/// Three brokers, and a topic "t" of one partition with a replica on each; min.insync.replicas is 2.
class ClusterHistory : public ::testing::Test {
 public:
  void start(const std::string& flush) {
    cluster_ = std::make_unique<sim::Cluster>(
        11, sim::ClusterOptions{.brokers = kBrokers, .store = sim::Store::model, .configure = [](NodeConfig& config) {
                                  config.offsets_partitions = 1;
                                }});
    client_ = &cluster_->add_client("client");
    const auto started = cluster_->start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(until([this] {
      for (int i = 0; i < kBrokers; ++i)
        for (int j = 0; j < kBrokers; ++j)
          if (!image(i).is_ready(id(j))) return false;
      return true;
    }));
    create(flush);
    leader_ = key(0).leader.value() - 1;
    ASSERT_TRUE(until([this] {
      for (int i = 0; i < kBrokers; ++i)
        if (find(i) == nullptr) return false;
      return find(leader_)->is_leader();
    }));
    follower_ = (leader_ + 1) % kBrokers;
  }
  void create(const std::string& flush) {
    std::vector<NewTopic> wanted{{.name = "t", .partitions = 1, .replicas = kBrokers}};
    wanted.front().configs = {{"min.insync.replicas", "2"}, {"mq.flush", flush}};
    const auto outcomes =
        cluster_->world().run(broker(0).machine(), broker(0).node().topics().create(std::move(wanted), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
  }

  [[nodiscard]] sim::Broker& broker(int index) { return cluster_->broker(index); }
  [[nodiscard]] static BrokerId id(int index) { return BrokerId{index + 1}; }
  /// The one that is neither the leader nor the follower.
  [[nodiscard]] int other() const { return kBrokers - leader_ - follower_; }
  bool until(const std::function<bool()>& done, Duration at_most = 30s) {
    return cluster_->world().run_until(done, at_most);
  }
  [[nodiscard]] const cluster::ClusterImage& image(int at) { return *broker(at).node().first_shard().image(); }
  [[nodiscard]] const cluster::Topic* topic(int at) { return image(at).find_topic(std::string_view("t")); }
  /// The partition's, as this broker knows it.
  [[nodiscard]] const cluster::Partition& key(int at) { return *topic(at)->find_partition(0); }
  [[nodiscard]] Partition* find(int at) {
    const cluster::Topic* known = broker(at).is_made() ? topic(at) : nullptr;
    return known == nullptr ? nullptr : broker(at).node().owner_of(known->id, 0).find(known->id, 0);
  }
  [[nodiscard]] Offset end(int at) { return find(at)->log().log_end(); }
  void cut(int a, int b) { cluster_->world().fabric().cut(broker(a).host(), broker(b).host()); }

  template <class Request>
  typename Request::Response ask(int at, const Request& request, ApiVersion version) {
    return cluster_->world().run(
        *client_,
        [](sim::Machine& client, int to, const Request& asked, ApiVersion in) -> awaitable<typename Request::Response> {
          auto peer = co_await Peer::connect(client, to);
          auto response = co_await peer->call(asked, in);
          peer->close();
          co_return response;
        }(*client_, at, request, version),
        1min);
  }
  /// So many records for all replicas, one after the other.
  void produce(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string batch = make_batch({});
      const auto answer = ask(leader_, testing::produce_request("t", 0, batch, kAll), kProduceVersion);
      ASSERT_EQ(testing::only_row(answer).error_code, ErrorCode::kNone);
    }
  }
  void set_flush(const std::string& value) {
    wire::IncrementalAlterConfigsRequest request;
    request.resources.push_back({.resource_type = 2,
                                 .resource_name = "t",
                                 .configs = {{.name = "mq.flush", .config_operation = 0, .value = value}}});
    ASSERT_EQ(ask(leader_, request, 1).responses.at(0).error_code, ErrorCode::kNone);
  }

  /// The leader has acknowledged records that the follower, which alone is eligible beside it, has lost with its power.
  void lose_records_of_the_eligible() {
    broker(other()).kill();
    ASSERT_TRUE(until([&] { return key(leader_).isr.size() == 2; }));
    produce(5);
    broker(follower_).lose_power(sim::PowerLoss::drop_all);
    ASSERT_TRUE(until([&] { return key(leader_).elr == std::vector{id(follower_)}; }));
    // What it lacks it does not get.
    cut(leader_, follower_);
  }
  /// The leader dies; whoever leads then has all that was acknowledged.
  void expect_that_nothing_acknowledged_is_lost() {
    ASSERT_TRUE(until([&] { return image(follower_).is_ready(id(follower_)); }));
    EXPECT_EQ(end(follower_), Offset{0}) << "it has lost them";
    broker(leader_).kill();
    ASSERT_TRUE(until([&] { return key(follower_).leader != id(leader_); }));
    EXPECT_EQ(key(follower_).leader, kNoBroker);
    cluster_->world().fabric().heal();
    ASSERT_TRUE(broker(leader_).start());
    ASSERT_TRUE(until([&] { return end(follower_) == Offset{5} && end(leader_) == Offset{5}; }));
  }
  void TearDown() override {
    if (!HasFailure()) return;
    for (int i = 0; i < kBrokers; ++i)
      for (const std::string& line : broker(i).machine().log_lines()) std::cerr << i << ' ' << line << '\n';
  }

  std::unique_ptr<sim::Cluster> cluster_;
  sim::Machine* client_ = nullptr;
  int leader_ = 0;
  int follower_ = 1;
};

using History1x4 = ClusterHistory;
using History1x5 = ClusterHistory;
using History1x12 = ClusterHistory;
using History1x17 = ClusterHistory;

TEST_F(History1x4, AnAsyncLogAfterAnUncleanStopMayLackWhatItsRecoveryDoesNotMiss) {
  start("async");
  lose_records_of_the_eligible();
  ASSERT_TRUE(broker(follower_).start());
  expect_that_nothing_acknowledged_is_lost();
}

TEST_F(History1x4, AStartThatIsKilledBeforeItHasToldIsForgottenAndTheNextOneTells) {
  start("async");
  lose_records_of_the_eligible();
  const cluster::BrokerEpoch before = image(leader_).find_broker(id(follower_))->epoch;
  broker(follower_).begin_start();
  ASSERT_TRUE(until([&] { return image(leader_).find_broker(id(follower_))->epoch > before; }));
  // It opens its logs, and nobody hears of what it finds.
  cluster_->model_store().set_trouble({.lost_request_one_in = 1}, 1);
  cluster_->world().run_for(1s);
  broker(follower_).kill();
  cluster_->model_store().set_trouble({}, 1);
  ASSERT_TRUE(until([&] { return key(leader_).leader == id(leader_); }));
  EXPECT_EQ(key(leader_).elr, std::vector{id(follower_)});
  ASSERT_TRUE(broker(follower_).start());
  expect_that_nothing_acknowledged_is_lost();
}

TEST_F(History1x5, WhatALogMayHaveLostIsJudgedByItsSlotAndNotByTheSettingOfToday) {
  start("async");
  lose_records_of_the_eligible();
  set_flush("ack");
  ASSERT_TRUE(broker(follower_).start());
  expect_that_nothing_acknowledged_is_lost();
}

TEST_F(History1x12, ATopicThatWasMadeAnewWhileABrokerWasAwayIsMadeThereAtItsStart) {
  start("ack");
  produce(3);
  const Uuid before = topic(leader_)->id;
  broker(follower_).kill();
  ASSERT_TRUE(until([&] { return key(leader_).isr.size() == 2; }));
  const auto removed =
      cluster_->world().run(broker(leader_).machine(), broker(leader_).node().topics().remove("t"), 1min);
  ASSERT_EQ(removed.error, ErrorCode::kNone) << removed.message;
  std::vector<NewTopic> wanted{{.name = "t"}};
  wanted.front().assignments = {{0, {id(leader_).value(), id(other()).value(), id(follower_).value()}}};
  const auto made = cluster_->world().run(broker(leader_).machine(),
                                          broker(leader_).node().topics().create(std::move(wanted), false), 1min);
  ASSERT_EQ(made.front().error, ErrorCode::kNone) << made.front().message;
  ASSERT_NE(topic(leader_)->id, before);
  const auto started = broker(follower_).start();
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_TRUE(until([&] { return find(follower_) != nullptr && key(leader_).isr.size() == 3; }));
  EXPECT_EQ(end(follower_), Offset{0});
}

TEST_F(History1x12, ALogWhosePartitionWasMovedAwayMeanwhileStaysAndTheStoreIsNotTakenForAnOlderOne) {
  start("ack");
  produce(3);
  broker(follower_).kill();
  ASSERT_TRUE(until([&] { return key(leader_).isr.size() == 2; }));
  const auto settings_of = [](const cluster::Topic&) { return controller::TopicSettings{.insync_replicas_min = 2}; };
  controller::Plan plan = controller::plan_reassignment(image(leader_), {.topic = topic(leader_)->id, .index = 0},
                                                        {id(leader_), id(other())}, settings_of)
                              .plan;
  ASSERT_EQ(plan.transactions.size(), 1u);
  ASSERT_TRUE(cluster_->world().run(
      broker(leader_).machine(), broker(leader_).node().store().transact(std::move(plan.transactions.front())), 1min));
  ASSERT_TRUE(until([&] { return key(leader_).replicas.size() == 2; }));
  const auto started = broker(follower_).start();
  ASSERT_TRUE(started) << started.error().message;
  const std::string directory = std::string(sim::Cluster::kDataDir) + "/t-0";
  EXPECT_TRUE(broker(follower_).machine().files().exists(directory).value());
  EXPECT_EQ(end(leader_), Offset{3});
}

TEST_F(History1x17, OnlyABrokerOfNowFetchesAsAReplica) {
  start("ack");
  wire::FetchRequest request;
  request.replica_state = {.replica_id = id(follower_).value(),
                           .replica_epoch = image(leader_).find_broker(id(follower_))->epoch.value()};
  EXPECT_EQ(ask(leader_, request, 16).error_code, ErrorCode::kNone);
  ++request.replica_state.replica_epoch;
  EXPECT_EQ(ask(leader_, request, 16).error_code, ErrorCode::kStaleBrokerEpoch);
}

}  // namespace
}  // namespace mq::broker

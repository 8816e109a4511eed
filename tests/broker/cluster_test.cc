// Several brokers over one metadata store: who is a member, who leads, and what becomes of it when one goes.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/administration.h"
#include "broker/endpoint.h"
#include "broker/settings.h"
#include "broker_fixture.h"
#include "controller/cluster_plans.h"
#include "env/files.h"
#include "group/partition_for.h"
#include "seeds.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/drain_broker.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/unregister_broker.h"

namespace mq::broker {
namespace {

using testing::Peer;

constexpr Duration kSessionTimeout = 3s;
/// A session ends, the controller sees it, and its changes come everywhere.
constexpr Duration kUntilOthersLead = kSessionTimeout + 2s;
/// A process ends, its connections do, and its changes come everywhere.
constexpr Duration kUntilSeenGone = 300ms;
/// Brokers connect to the controller, and it to them.
constexpr Duration kUntilWatched = 1s;

std::set<std::int32_t> set_of(const std::vector<BrokerId>& brokers) {
  const std::vector<std::int32_t> ids = ids_of(brokers);
  return {ids.begin(), ids.end()};
}

class ClusterTest : public ::testing::Test {
 public:
  void make(int brokers = 3, std::function<void(NodeConfig&)> configure = {}) {
    cluster_ = std::make_unique<sim::Cluster>(
        7, sim::ClusterOptions{.brokers = brokers, .store = sim::Store::model, .configure = [&](NodeConfig& config) {
                                 config.offsets_partitions = 6;
                                 if (configure) configure(config);
                               }});
    client_ = &cluster_->add_client("client");
  }
  /// Makes them and starts all.
  void start(int brokers = 3, std::function<void(NodeConfig&)> configure = {}) {
    make(brokers, std::move(configure));
    const auto started = cluster_->start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(until([&] { return all_agree() && image(0).controller().has_value(); }, 5s));
    cluster_->world().run_for(kUntilWatched);
  }

  [[nodiscard]] sim::Broker& broker(int index) { return cluster_->broker(index); }
  [[nodiscard]] const cluster::ClusterImage& image(int index) { return *broker(index).node().first_shard().image(); }
  [[nodiscard]] const cluster::Topic& topic(int index, std::string_view name) { return *image(index).find_topic(name); }
  /// Every broker that runs has the newest image.
  bool all_agree() {
    std::set<cluster::Revision> known;
    for (int index = 0; index < cluster_->size(); ++index)
      if (broker(index).is_made()) known.insert(image(index).revision());
    return known.size() == 1;
  }
  bool until(const std::function<bool()>& done, Duration at_most) { return cluster_->world().run_until(done, at_most); }
  template <class T>
  T run(awaitable<T> task) {
    return cluster_->world().run(*client_, std::move(task), 1min);
  }
  template <class Request>
  typename Request::Response ask(int index, const Request& request, ApiVersion version) {
    return run(
        [](sim::Machine& client, int to, const Request& asked, ApiVersion in) -> awaitable<typename Request::Response> {
          auto peer = co_await Peer::connect(client, to);
          auto response = co_await peer->call(asked, in);
          peer->close();
          co_return response;
        }(*client_, index, request, version));
  }

  void create(int index, std::string name, std::int32_t partitions, std::int16_t replicas = -1,
              std::map<std::string, std::string> configs = {}) {
    std::vector<NewTopic> wanted(1);
    wanted.front() = {.name = name, .partitions = partitions, .replicas = replicas, .configs = std::move(configs)};
    const auto outcomes = cluster_->world().run(broker(index).machine(),
                                                broker(index).node().topics().create(std::move(wanted), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
    ASSERT_TRUE(until([&] { return all_agree() && has_logs(name); }, 5s));
  }
  /// Each broker has a log of each partition that it is a replica of.
  bool has_logs(std::string_view name) {
    for (int index = 0; index < cluster_->size(); ++index) {
      if (!broker(index).is_made()) continue;
      const cluster::Topic& known = topic(index, name);
      for (std::int32_t at = 0; at < known.partition_count(); ++at)
        if (known.find_partition(at)->has_replica(id(index)) && !find(index, known, at)) return false;
    }
    return true;
  }
  [[nodiscard]] Partition* find(int index, const cluster::Topic& known, std::int32_t at) {
    return broker(index).node().owner_of(known.id, at).find(known.id, at);
  }
  [[nodiscard]] static BrokerId id(int index) { return BrokerId{index + 1}; }
  [[nodiscard]] static int index_of(BrokerId id) { return id.value() - 1; }
  [[nodiscard]] int controller() {
    int alive = 0;
    while (!broker(alive).is_made()) ++alive;
    return image(alive).controller() ? index_of(image(alive).controller()->broker) : -1;
  }
  /// As broker `at` knows it: somebody leads each partition, and neither leaders nor ISRs have `gone` among them.
  bool is_led_without(int at, std::string_view name, BrokerId gone) {
    for (const cluster::Partition& partition : topic(at, name).partitions)
      if (partition.leader == kNoBroker || partition.leader == gone || set_of(partition.isr).contains(gone.value()))
        return false;
    return true;
  }
  [[nodiscard]] bool leads_any(int at, std::string_view name, BrokerId leader) {
    return std::ranges::any_of(topic(at, name).partitions,
                               [&](const cluster::Partition& partition) { return partition.leader == leader; });
  }

  std::unique_ptr<sim::Cluster> cluster_;
  sim::Machine* client_ = nullptr;
};

/// Everything in `directory`, as a copy of the disk would have it.
void copy_directory(env::Files& from, env::Files& to, const std::string& directory) {
  ASSERT_TRUE(to.make_directories(directory));
  for (const env::DirEntry& entry : from.list(directory).value()) {
    const std::string path = directory + "/" + entry.name;
    if (entry.is_directory) {
      copy_directory(from, to, path);
    } else {
      ASSERT_TRUE(env::replace_atomically(to, path, env::read_whole(from, path).value()));
    }
  }
}

// --- Members ---------------------------------------------------------------------------------------------------------

TEST_F(ClusterTest, ThreeBrokersKnowEachOtherAndOneIsTheController) {
  start();
  for (int index = 0; index < 3; ++index) {
    for (int other = 0; other < 3; ++other) EXPECT_TRUE(image(index).is_ready(id(other)));
    EXPECT_EQ(image(index).cluster_id(), image(0).cluster_id());
    ASSERT_TRUE(image(index).controller());
    EXPECT_TRUE(image(index).is_ready(image(index).controller()->broker));
  }
}

TEST_F(ClusterTest, TheClusterGivesIdsToThoseThatHaveNone) {
  make(3, [](NodeConfig& config) { config.node_id = kNoBroker; });
  ASSERT_TRUE(cluster_->start());
  std::set<BrokerId> ids;
  for (int index = 0; index < 3; ++index) ids.insert(broker(index).node().id());
  EXPECT_EQ(ids, (std::set{BrokerId{1}, BrokerId{2}, BrokerId{3}}));
  const BrokerId before = broker(1).node().id();
  broker(1).stop();
  ASSERT_TRUE(broker(1).start());
  EXPECT_EQ(broker(1).node().id(), before) << "its directory keeps it";
}

TEST_F(ClusterTest, BrokersThatStartAtOnceGetDifferentIds) {
  make(3, [](NodeConfig& config) { config.node_id = kNoBroker; });
  for (int index = 0; index < 3; ++index) broker(index).begin_start();
  ASSERT_TRUE(until([&] { return broker(0).started() && broker(1).started() && broker(2).started(); }, 1min));
  std::set<BrokerId> ids;
  for (int index = 0; index < 3; ++index) {
    ASSERT_TRUE(*broker(index).started()) << broker(index).started()->error().message;
    ids.insert(broker(index).node().id());
  }
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(ClusterTest, WhoComesAgainHasAHigherBrokerEpoch) {
  start();
  const cluster::BrokerEpoch before = image(0).find_broker(id(2))->epoch;
  broker(2).kill();
  ASSERT_TRUE(broker(2).start());
  EXPECT_GT(image(2).find_broker(id(2))->epoch, before);
  EXPECT_TRUE(image(2).is_ready(id(2)));
}

TEST_F(ClusterTest, WhoLostItsSessionRegistersAnewAndLeadsAgain) {
  start();
  create(0, "t", 6, 3);
  const cluster::BrokerEpoch before = image(0).find_broker(id(1))->epoch;
  cluster_->model_store().end_all_sessions();
  EXPECT_TRUE(until(
      [&] {
        for (int index = 0; index < 3; ++index)
          if (!image(0).is_ready(id(index)) || image(0).find_broker(id(index))->epoch <= before) return false;
        return all_agree() && image(0).controller().has_value();
      },
      20s));
  const auto is_led = [&](const cluster::Partition& partition) {
    return partition.leader != kNoBroker &&
           image(0).find_broker(partition.leader)->epoch == partition.leader_broker_epoch;
  };
  EXPECT_TRUE(until([&] { return std::ranges::all_of(topic(0, "t").partitions, is_led); }, 20s));
}

TEST_F(ClusterTest, WhomOthersHaveTakenForGoneRegistersAnewThoughItsSessionStands) {
  start();
  const cluster::BrokerEpoch before = image(0).find_broker(id(1))->epoch;
  controller::Plan plan = controller::plan_dead(image(0), id(1), before);
  ASSERT_EQ(plan.transactions.size(), 1u);
  const auto erased = cluster_->world().run(
      broker(0).machine(), broker(0).node().store().transact(std::move(plan.transactions.front())), 1min);
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_TRUE(
      until([&] { return image(0).find_broker(id(1))->epoch > before && image(0).is_ready(id(1)); }, kSessionTimeout));
}

TEST_F(ClusterTest, ACopiedDirectoryIsRefusedOnceTheOriginalHasStartedAgain) {
  make(4);
  for (int index = 0; index < 3; ++index) ASSERT_TRUE(broker(index).start());
  broker(2).stop();
  copy_directory(broker(2).machine().files(), broker(3).machine().files(), sim::Cluster::kDataDir);
  ASSERT_TRUE(broker(2).start());
  broker(2).stop();
  broker(3).config.node_id = id(2);
  const auto started = broker(3).start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_NE(started.error().message.find("is a copy of the directory of broker 3"), std::string::npos)
      << started.error().message;
  EXPECT_NE(started.error().message.find("an empty directory and another id"), std::string::npos);
}

TEST_F(ClusterTest, AnIdOfAnotherDirectoryIsRefused) {
  make(3);
  ASSERT_TRUE(broker(0).start());
  broker(1).config.node_id = id(0);
  const auto started = broker(1).start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_NE(started.error().message.find("belongs to another data directory"), std::string::npos)
      << started.error().message;
}

TEST_F(ClusterTest, ADirectoryOfAMemberIsRefusedWithoutTheCluster) {
  start();
  broker(0).stop();
  sim::Cluster alone(8);
  copy_directory(broker(0).machine().files(), alone.broker().machine().files(), sim::Cluster::kDataDir);
  const auto started = alone.broker().start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_NE(started.error().message.find("start it with --meta"), std::string::npos) << started.error().message;
}

TEST_F(ClusterTest, AListenerThatNobodyCouldReachIsRefusedBeforeAnythingIsMade) {
  make(3, [](NodeConfig& config) {
    config.listeners.front().address.host = "0.0.0.0";
    config.listeners.front().advertised_host.clear();
  });
  const auto started = broker(0).start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_NE(started.error().message.find("--advertise"), std::string::npos) << started.error().message;
}

// --- Preferred leaders -----------------------------------------------------------------------------------------------

class PreferredLeaders : public ClusterTest {
 protected:
  /// A broker has gone and come back: the others lead what it led.
  void come_back(std::function<void(NodeConfig&)> configure = {}) {
    start(3, std::move(configure));
    create(0, "t", 6, 3);
    broker(2).kill();
    ASSERT_TRUE(until([&] { return is_led_without(0, "t", id(2)); }, 20s));
    ASSERT_TRUE(broker(2).start());
    const auto is_full = [](const cluster::Partition& partition) { return partition.isr.size() == 3; };
    ASSERT_TRUE(until([&] { return std::ranges::all_of(topic(0, "t").partitions, is_full); }, 20s));
  }
  bool are_preferred() {
    return std::ranges::all_of(topic(0, "t").partitions, [](const cluster::Partition& partition) {
      return partition.leader == partition.replicas.front();
    });
  }
};

TEST_F(PreferredLeaders, LeadAgainWhenTheyHaveBeenInSyncForAMinute) {
  come_back();
  cluster_->world().run_for(50s);
  EXPECT_FALSE(leads_any(0, "t", id(2))) << "it has just come";
  EXPECT_TRUE(until([&] { return are_preferred(); }, 20s));
}

TEST_F(PreferredLeaders, WhoGoesAgainMeanwhileWaitsAnew) {
  come_back();
  cluster_->world().run_for(40s);
  broker(2).kill();
  ASSERT_TRUE(until([&] { return is_led_without(0, "t", id(2)); }, 20s));
  ASSERT_TRUE(broker(2).start());
  cluster_->world().run_for(50s);
  EXPECT_FALSE(leads_any(0, "t", id(2)));
  EXPECT_TRUE(until([&] { return are_preferred(); }, 30s));
}

TEST_F(PreferredLeaders, DoNotLeadAgainWhereTheSettingSaysSo) {
  come_back([](NodeConfig& config) { config.preferred_leaders = false; });
  cluster_->world().run_for(3min);
  EXPECT_FALSE(leads_any(0, "t", id(2)));
}

// --- Drained ---------------------------------------------------------------------------------------------------------

class Drained : public ClusterTest {
 protected:
  wire::DrainBrokerResponse drain(int asked, std::int32_t id, bool is_wanted = true) {
    return ask(asked, wire::DrainBrokerRequest{.broker_id = id, .is_wanted = is_wanted}, 0);
  }
  void drain_well(int index, bool is_wanted = true) {
    const auto answer = drain((index + 1) % 3, id(index).value(), is_wanted);
    ASSERT_EQ(answer.error_code, ErrorCode::kNone) << answer.error_message.value_or("");
  }
  bool leads_nothing(int index) {
    const cluster::ClusterImage& known = image((index + 1) % 3);
    for (const cluster::TopicPtr& topic : known.topics())
      if (leads_any((index + 1) % 3, topic->name, id(index))) return false;
    return true;
  }
  bool are_all_in_sync() {
    return std::ranges::all_of(topic(0, "t").partitions, [](const auto& one) { return one.isr.size() == 3; });
  }
  bool names_drained(int asked, int index) {
    for (const auto& row : ask(asked, wire::DescribeClusterRequest{}, 2).brokers)
      if (row.broker_id == id(index).value()) return row.is_drained;
    return false;
  }
};

TEST_F(Drained, ABrokerLeadsNothingFollowsOnAndMayLeadAgain) {
  start();
  create(0, "t", 6, 3);
  const int drained = (controller() + 1) % 3;
  ASSERT_FALSE(leads_nothing(drained));
  EXPECT_FALSE(names_drained(controller(), drained));
  drain_well(drained);
  EXPECT_TRUE(until([&] { return all_agree() && leads_nothing(drained); }, 1s));
  EXPECT_TRUE(are_all_in_sync());
  EXPECT_TRUE(names_drained(controller(), drained));
  create(drained, "u", 6, 3);
  EXPECT_FALSE(leads_any(drained, "u", id(drained))) << "new partitions neither";
  cluster_->world().run_for(2min);
  EXPECT_TRUE(leads_nothing(drained)) << "it is no preferred leader";
  drain_well(drained, false);
  EXPECT_TRUE(until([&] { return leads_any(drained, "t", id(drained)); }, 90s));
}

TEST_F(Drained, ItsCoordinatorsAndTheControllersPartMoveToo) {
  start();
  create(0, "t", 6, 3);
  const int drained = controller();
  (void)ask(drained, wire::FindCoordinatorRequest{.key = "g"}, 3);
  ASSERT_TRUE(until([&] { return image(0).find_topic("__consumer_offsets") != nullptr && all_agree(); }, 5s));
  ASSERT_TRUE(leads_any(0, "__consumer_offsets", id(drained)));
  drain_well(drained);
  EXPECT_TRUE(until([&] { return controller() >= 0 && controller() != drained && leads_nothing(drained); }, 5s));
  cluster_->world().run_for(10s);
  EXPECT_NE(controller(), drained) << "it does not come back";
}

TEST_F(Drained, WhoDiesIsReplacedLongBeforeItsSessionEnds) {
  start();
  create(0, "t", 6, 3);
  const int gone = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  drain_well(gone);
  ASSERT_TRUE(until([&] { return all_agree() && leads_nothing(gone); }, 1s));
  cluster_->world().run_for(kUntilWatched);
  broker(gone).kill();
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilSeenGone));
}

TEST_F(Drained, LeadsWhereNobodyElseCan) {
  start();
  create(0, "t", 6, 3);
  const int last = controller();
  drain_well(last);
  ASSERT_TRUE(until([&] { return leads_nothing(last); }, 5s));
  for (const int gone : {(last + 1) % 3, (last + 2) % 3}) broker(gone).kill();
  EXPECT_TRUE(until(
      [&] {
        return std::ranges::all_of(topic(last, "t").partitions,
                                   [&](const cluster::Partition& one) { return one.leader == id(last); });
      },
      2 * kUntilOthersLead + kSessionTimeout))
      << "and is the controller that elects itself";
}

TEST_F(Drained, EndsWithARestartAndNotWithASession) {
  start();
  create(0, "t", 6, 3);
  const int drained = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  drain_well(drained);
  const cluster::BrokerEpoch before = image(other).find_broker(id(drained))->epoch;
  cluster_->model_store().end_all_sessions();
  ASSERT_TRUE(until(
      [&] {
        return image(other).find_broker(id(drained))->epoch > before && image(other).is_ready(id(drained)) &&
               all_agree();
      },
      20s));
  EXPECT_TRUE(image(other).is_drained(id(drained)));
  EXPECT_TRUE(broker(drained).stop());
  ASSERT_TRUE(broker(drained).start());
  ASSERT_TRUE(until([&] { return all_agree() && image(other).is_ready(id(drained)); }, 5s));
  EXPECT_FALSE(image(other).is_drained(id(drained)));
}

TEST_F(Drained, IsRefusedWhereItMeansNothing) {
  start();
  create(0, "t", 6, 3);
  EXPECT_EQ(drain(0, 77).error_code, ErrorCode::kBrokerIdNotRegistered);
  drain_well(1);
  drain_well(1);
  drain_well(2);
  const auto last = drain(1, id(0).value());
  EXPECT_EQ(last.error_code, ErrorCode::kInvalidRequest);
  EXPECT_NE(last.error_message.value_or("").find("no other broker could lead"), std::string::npos);
  ASSERT_TRUE(until([&] { return all_agree(); }, 5s));
  broker(2).kill();
  ASSERT_TRUE(until([&] { return !image(0).is_alive(id(2)); }, kUntilOthersLead));
  EXPECT_EQ(drain(0, id(2).value(), false).error_code, ErrorCode::kNone) << "the mark may go at any time";
  EXPECT_EQ(drain(0, id(2).value()).error_code, ErrorCode::kInvalidRequest);
}

// --- Elections that may lose records ---------------------------------------------------------------------------------

/// Nobody but the follower is left, which has been out of the ISR since before the last records.
class OnlyOneThatLacksRecords : public ClusterTest {
 protected:
  void create_and_lose(const char* is_allowed) {
    start();
    create(0, "t", 1, 2, {{"min.insync.replicas", "1"}, {"unclean.leader.election.enable", is_allowed}});
    const cluster::Partition& partition = *topic(0, "t").find_partition(0);
    const BrokerId leader = partition.leader;
    follower_ = partition.replicas[partition.replicas.front() == leader ? 1 : 0];
    while (id(third_) == leader || id(third_) == follower_) ++third_;
    broker(index_of(follower_)).kill();
    ASSERT_TRUE(until([&] { return key().isr == std::vector{leader}; }, 20s));
    broker(index_of(leader)).kill();
    ASSERT_TRUE(until([&] { return key().leader == kNoBroker; }, 20s));
    ASSERT_TRUE(broker(index_of(follower_)).start());
  }
  [[nodiscard]] const cluster::Partition& key() { return *topic(third_, "t").find_partition(0); }

  BrokerId follower_;
  int third_ = 0;
};

TEST_F(OnlyOneThatLacksRecords, LeadsWhereTheTopicAllowsIt) {
  create_and_lose("true");
  EXPECT_TRUE(until([&] { return key().leader == follower_; }, 20s));
  EXPECT_NE(key().unclean_since, kNoLeaderEpoch);
}

TEST_F(OnlyOneThatLacksRecords, DoesNotLeadElsewhere) {
  create_and_lose("false");
  EXPECT_FALSE(until([&] { return key().leader != kNoBroker; }, 20s));
}

// --- Topics ----------------------------------------------------------------------------------------------------------

TEST_F(ClusterTest, PartitionsSpreadAndEachBrokerHasItsLogsOnly) {
  start();
  create(1, "t", 9, 2);
  std::map<BrokerId, int> led;
  for (std::int32_t at = 0; at < 9; ++at) {
    const cluster::Partition& partition = *topic(0, "t").find_partition(at);
    EXPECT_EQ(partition.replicas.size(), 2u);
    EXPECT_EQ(partition.isr, partition.replicas);
    ++led[partition.leader];
    for (int index = 0; index < 3; ++index) {
      EXPECT_EQ(find(index, topic(index, "t"), at) != nullptr, partition.has_replica(id(index)));
      if (const Partition* there = find(index, topic(index, "t"), at))
        EXPECT_EQ(there->is_leader(), partition.leader == id(index));
    }
  }
  EXPECT_EQ(led, (std::map<BrokerId, int>{{id(0), 3}, {id(1), 3}, {id(2), 3}}));
}

TEST_F(ClusterTest, WhoNamesNoFactorGetsThreeReplicasAndTwoInSync) {
  start(4);
  create(0, "t", 1);
  EXPECT_EQ(topic(3, "t").find_partition(0)->replicas.size(), 3u);
  EXPECT_TRUE(topic(3, "t").has_default_factor);
  EXPECT_EQ(resolve_settings(topic(0, "t").configs, broker(0).node().config())->insync_replicas_min, 2u);
}

TEST_F(ClusterTest, SettingsOfAllBrokersCountOnEachAndThoseOfOneOnThatOneOnly) {
  start();
  const auto set = [&](BrokerId whose, const char* name, const char* value) {
    const auto refusal = cluster_->world().run(broker(0).machine(),
                                               broker(0).node().services().administration().change_config(
                                                   whose,
                                                   [name, value](config::Overrides& configs) -> Result<void> {
                                                     configs[name] = value;
                                                     return {};
                                                   },
                                                   false),
                                               1min);
    EXPECT_EQ(refusal.error, ErrorCode::kNone) << refusal.message;
  };
  const auto partitions = [&](int index) { return broker(index).node().config().partitions_default; };
  set(kNoBroker, "num.partitions", "3");
  set(id(2), "num.partitions", "5");
  EXPECT_TRUE(until([&] { return partitions(0) == 3 && partitions(1) == 3 && partitions(2) == 5; }, 5s));
  broker(2).kill();
  ASSERT_TRUE(broker(2).start());
  EXPECT_EQ(partitions(2), 5);
}

TEST_F(ClusterTest, WithTwoBrokersADefaultFactorIsTwo) {
  start(2);
  create(0, "t", 1);
  EXPECT_EQ(topic(1, "t").find_partition(0)->replicas.size(), 2u);
}

TEST_F(ClusterTest, TopicsOfTheFirstBrokerGetAnotherReplicaWhenAnotherBrokerComes) {
  make();
  ASSERT_TRUE(broker(0).start());
  create(0, "t", 2);
  create(0, "wanted-so", 1, 1);
  EXPECT_EQ(topic(0, "t").find_partition(0)->replicas, std::vector{id(0)});
  ASSERT_TRUE(broker(1).start());
  const auto is_on_both = [](const cluster::Partition& partition) {
    return partition.replicas == std::vector{id(0), id(1)};
  };
  EXPECT_TRUE(until(
      [&] { return all_agree() && std::ranges::all_of(topic(1, "t").partitions, is_on_both) && has_logs("t"); }, 20s));
  EXPECT_EQ(topic(1, "wanted-so").find_partition(0)->replicas.size(), 1u);
}

TEST_F(ClusterTest, ADeletedTopicIsGoneEverywhere) {
  start();
  create(0, "t", 6, 3);
  const Uuid deleted = topic(0, "t").id;
  const auto outcome = cluster_->world().run(broker(2).machine(), broker(2).node().topics().remove("t"), 1min);
  EXPECT_EQ(outcome.error, ErrorCode::kNone) << outcome.message;
  EXPECT_TRUE(until(
      [&] {
        for (int index = 0; index < 3; ++index)
          if (image(index).find_topic(std::string_view("t")) != nullptr || image(index).tombstones().contains(deleted))
            return false;
        return true;
      },
      10s))
      << "the last one that has nothing left of it erases the tombstone";
}

// --- What clients are told -------------------------------------------------------------------------------------------

TEST_F(ClusterTest, EveryBrokerNamesAllBrokersAndLeaders) {
  start();
  create(0, "t", 6, 3);
  for (int index = 0; index < 3; ++index) {
    wire::MetadataRequest request;
    request.topics = {{.name = "t"}};
    const auto metadata = ask(index, request, 12);
    std::map<std::int32_t, std::string> hosts;
    for (const auto& each : metadata.brokers) hosts[each.node_id] = each.host;
    EXPECT_EQ(hosts, (std::map<std::int32_t, std::string>{{1, "broker-1"}, {2, "broker-2"}, {3, "broker-3"}}));
    EXPECT_EQ(metadata.controller_id, image(0).controller()->broker.value());
    for (const auto& row : metadata.topics.at(0).partitions) {
      EXPECT_EQ(row.error_code, ErrorCode::kNone);
      EXPECT_EQ(row.leader_id, topic(0, "t").find_partition(row.partition_index)->leader.value());
      EXPECT_TRUE(row.offline_replicas.empty());
    }
    const auto described = ask(index, wire::DescribeClusterRequest{}, 0);
    EXPECT_EQ(described.brokers.size(), 3u);
    EXPECT_EQ(described.controller_id, metadata.controller_id);
  }
}

TEST_F(ClusterTest, WhatAnotherBrokerLeadsIsRefused) {
  start();
  create(0, "t", 3, 3, {{"min.insync.replicas", "1"}});
  for (std::int32_t at = 0; at < 3; ++at) {
    for (int index = 0; index < 3; ++index) {
      const bool leads = topic(0, "t").find_partition(at)->leader == id(index);
      const std::string batch = testing::make_batch({});
      const auto produced =
          ask(index, testing::produce_request("t", at, batch, testing::kLeader), testing::kProduceVersion);
      EXPECT_EQ(testing::only_row(produced).error_code, leads ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower);
      wire::ListOffsetsRequest offsets;
      offsets.replica_id = -1;
      offsets.topics = {{.name = "t", .partitions = {{.partition_index = at, .timestamp = -2}}}};
      EXPECT_EQ(ask(index, offsets, 7).topics.at(0).partitions.at(0).error_code,
                leads ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower);
      wire::FetchRequest fetch;
      fetch.topics = {{.topic = "t", .partitions = {{.partition = at, .partition_max_bytes = 1000}}}};
      // Who asks like this knows nothing of followers that answer (KIP-392).
      EXPECT_EQ(ask(index, fetch, 10).responses.at(0).partitions.at(0).error_code,
                leads ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower);
    }
  }
}

TEST_F(ClusterTest, OneBrokerCoordinatesAGroupAndTheOthersNameIt) {
  start();
  wire::FindCoordinatorRequest request;
  request.coordinator_keys = {"g"};
  ASSERT_EQ(ask(0, request, 4).coordinators.at(0).error_code, ErrorCode::kNone) << "it makes the topic";
  ASSERT_TRUE(until([&] { return all_agree() && has_logs(kOffsetsTopic); }, 5s));
  const cluster::Topic& offsets = topic(0, kOffsetsTopic);
  EXPECT_EQ(offsets.configs.at("min.insync.replicas"), "2");
  const BrokerId leader = offsets.find_partition(group::partition_for("g", offsets.partition_count()))->leader;
  for (int index = 0; index < 3; ++index) {
    const auto found = ask(index, request, 4).coordinators.at(0);
    EXPECT_EQ(found.node_id, leader.value());
    EXPECT_EQ(found.host, sim::Cluster::host_of(index_of(leader)));
    wire::HeartbeatRequest heartbeat;
    heartbeat.group_id = "g";
    heartbeat.member_id = "nobody";
    EXPECT_EQ(ask(index, heartbeat, 4).error_code,
              id(index) == leader ? ErrorCode::kUnknownMemberId : ErrorCode::kNotCoordinator);
    wire::OffsetFetchRequest fetched;
    fetched.groups = {{.group_id = "g"}};
    EXPECT_EQ(ask(index, fetched, 8).groups.at(0).error_code,
              id(index) == leader ? ErrorCode::kNone : ErrorCode::kNotCoordinator);
  }
}

/// History 1.9.
TEST_F(ClusterTest, WhoHearsNeitherTheStoreNorItsFollowersMayBeReplacedAndServesNobody) {
  start();
  create(0, "t", 1, 3);
  wire::FindCoordinatorRequest wanted;
  wanted.coordinator_keys = {"g"};
  ASSERT_EQ(ask(0, wanted, 4).coordinators.at(0).error_code, ErrorCode::kNone) << "it makes the topic";
  ASSERT_TRUE(until([&] { return all_agree() && has_logs(kOffsetsTopic); }, 5s));
  const cluster::Topic& offsets = topic(0, kOffsetsTopic);
  const int leader = index_of(topic(0, "t").find_partition(0)->leader);
  const int coordinator =
      index_of(offsets.find_partition(group::partition_for("g", offsets.partition_count()))->leader);
  const auto produced = [&](std::int16_t acks) {
    const std::string batch = testing::make_batch({});
    auto request = testing::produce_request("t", 0, batch, acks);
    request.timeout_ms = 1'000;
    return testing::only_row(ask(leader, request, testing::kProduceVersion)).error_code;
  };
  const auto heard_of = [&] {
    wire::HeartbeatRequest heartbeat;
    heartbeat.group_id = "g";
    heartbeat.member_id = "nobody";
    return ask(coordinator, heartbeat, 4).error_code;
  };
  const auto named_leader = [&] {
    wire::MetadataRequest request;
    request.topics = {{.name = "t"}};
    return ask(leader, request, 12).topics.at(0).partitions.at(0).leader_id;
  };
  const auto found = [&] { return ask(coordinator, wanted, 4).coordinators.at(0).error_code; };
  const auto fetched = [&] {
    wire::FetchRequest fetch;
    fetch.topics = {{.topic = "t", .partitions = {{.partition = 0, .partition_max_bytes = 1000}}}};
    return ask(leader, fetch, 11).responses.at(0).partitions.at(0).error_code;
  };
  const auto expect_service = [&] {
    EXPECT_EQ(produced(testing::kLeader), ErrorCode::kNone);
    EXPECT_EQ(heard_of(), ErrorCode::kUnknownMemberId);
    EXPECT_EQ(named_leader(), id(leader).value());
    EXPECT_EQ(found(), ErrorCode::kNone);
    EXPECT_EQ(fetched(), ErrorCode::kNone);
  };
  expect_service();

  cluster_->model_store().set_trouble({.lost_request_one_in = 1}, 1);
  cluster_->world().run_for(3 * kSessionTimeout);
  expect_service();  // whom others had elected would not be fetched from
  wire::CreateTopicsRequest creation;
  creation.topics = {{.name = "u", .num_partitions = 1, .replication_factor = 1}};
  creation.timeout_ms = 2'000;
  const Instant asked = cluster_->world().now();
  const auto refused = ask(0, creation, 7).topics.at(0);
  EXPECT_NE(refused.error_code, ErrorCode::kNone);
  EXPECT_TRUE(refused.error_message.value_or("").contains("cannot be reached since"))
      << refused.error_message.value_or("");
  EXPECT_LT(cluster_->world().now() - asked, 2s);

  for (const auto& [from, to] : {std::pair(0, 1), std::pair(1, 2), std::pair(0, 2)})
    cluster_->world().fabric().cut(broker(from).host(), broker(to).host());
  cluster_->world().run_for(2 * kSessionTimeout);
  EXPECT_EQ(produced(testing::kLeader), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(produced(testing::kAll), ErrorCode::kRequestTimedOut) << "nobody but it has the record";
  EXPECT_EQ(heard_of(), ErrorCode::kNotCoordinator);
  EXPECT_EQ(named_leader(), kNoBroker.value());
  EXPECT_EQ(found(), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(fetched(), ErrorCode::kNone) << "what is committed is so for everybody";

  cluster_->world().fabric().heal();
  cluster_->world().run_for(2 * kSessionTimeout);
  expect_service();  // its followers are there again
  cluster_->model_store().set_trouble({}, 1);
  EXPECT_TRUE(until(
      [&] {
        for (int index = 0; index < 3; ++index)
          if (!image(0).is_ready(id(index))) return false;
        return is_led_without(0, "t", kNoBroker);
      },
      20s));
}

// --- What operators ask ----------------------------------------------------------------------------------------------

wire::AlterPartitionReassignmentsRequest move_to(std::string topic, std::int32_t index,
                                                 std::optional<std::vector<std::int32_t>> replicas) {
  wire::AlterPartitionReassignmentsRequest request;
  auto& of = request.topics.emplace_back();
  of.name = std::move(topic);
  of.partitions.push_back({.partition_index = index, .replicas = std::move(replicas)});
  return request;
}

wire::ElectLeadersRequest elect(std::int8_t type, std::vector<std::int32_t> partitions) {
  wire::ElectLeadersRequest request;
  request.election_type = type;
  request.topic_partitions.emplace().push_back({.topic = "t", .partitions = std::move(partitions)});
  return request;
}

TEST_F(ClusterTest, APartitionMovesWithItsRecordsWhoeverIsAsked) {
  start();
  for (int asked = 0; asked < 3; ++asked) {
    const std::string name = fmt::format("t{}", asked);
    create(0, name, 1, 1);
    const int from = index_of(topic(0, name).find_partition(0)->leader);
    const int to = (from + 1) % 3;
    const std::string batch = testing::make_batch({.records = 3});
    const auto produced = ask(from, testing::produce_request(name, 0, batch), testing::kProduceVersion);
    ASSERT_EQ(testing::only_row(produced).error_code, ErrorCode::kNone);
    const auto answer = ask(asked, move_to(name, 0, std::vector{id(to).value()}), 1);
    EXPECT_EQ(answer.responses.at(0).partitions.at(0).error_code, ErrorCode::kNone)
        << answer.responses.at(0).partitions.at(0).error_message.value_or("");
    EXPECT_TRUE(
        until([&] { return all_agree() && topic(0, name).find_partition(0)->replicas == std::vector{id(to)}; }, 20s));
    EXPECT_EQ(topic(0, name).find_partition(0)->leader, id(to));
    ASSERT_TRUE(until([&] { return find(to, topic(to, name), 0)->is_leader(); }, 5s));
    wire::ListOffsetsRequest offsets;
    offsets.replica_id = -1;
    offsets.topics = {{.name = name, .partitions = {{.partition_index = 0, .timestamp = -1}}}};
    EXPECT_EQ(ask(to, offsets, 7).topics.at(0).partitions.at(0).offset, 3);
    const TopicPartition moved{name, 0};
    const std::string directory = fmt::format("{}/{}", sim::Cluster::kDataDir, moved.to_string());
    EXPECT_TRUE(until([&] { return !broker(from).machine().files().exists(directory).value_or(true); }, 20s))
        << "its log is gone where it was";
    EXPECT_EQ(find(from, topic(from, name), 0), nullptr);
  }
}

TEST_F(ClusterTest, ATopicThatSomebodyGaveFewerReplicasDoesNotGrowAgain) {
  start();
  create(0, "t", 1);
  ASSERT_TRUE(topic(0, "t").has_default_factor);
  std::vector<BrokerId> two = topic(0, "t").find_partition(0)->replicas;
  two.pop_back();
  EXPECT_EQ(ask(1, move_to("t", 0, ids_of(two)), 1).responses.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  ASSERT_TRUE(until([&] { return all_agree() && topic(0, "t").find_partition(0)->replicas == two; }, 5s));
  EXPECT_FALSE(topic(0, "t").has_default_factor);
  cluster_->world().run_for(20s);
  EXPECT_EQ(topic(0, "t").find_partition(0)->replicas, two);
}

TEST_F(ClusterTest, AMoveToABrokerThatIsGoneWaitsIsListedAndCalledOff) {
  start();
  create(0, "t", 1, 1);
  const int from = index_of(topic(0, "t").find_partition(0)->leader);
  const int gone = (from + 1) % 3;
  const int other = (from + 2) % 3;
  broker(gone).kill();
  const auto error_of = [&](const wire::AlterPartitionReassignmentsRequest& request) {
    return ask(other, request, 1).responses.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(error_of(move_to("t", 0, std::nullopt)), ErrorCode::kNoReassignmentInProgress);
  EXPECT_EQ(error_of(move_to("t", 0, std::vector<std::int32_t>{})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of(move_to("t", 0, std::vector{1, 1})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of(move_to("t", 0, std::vector{9})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(error_of(move_to("t", 5, std::vector{1})), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(error_of(move_to("u", 0, std::vector{1})), ErrorCode::kUnknownTopicOrPartition);
  auto wider = move_to("t", 0, std::vector{id(from).value(), id(other).value()});
  wider.allow_replication_factor_change = false;
  EXPECT_EQ(error_of(wider), ErrorCode::kInvalidReplicationFactor);
  auto twice = move_to("t", 0, std::vector{id(gone).value()});
  twice.topics.push_back(twice.topics.front());
  const auto answered = ask(other, twice, 1);
  EXPECT_EQ(answered.responses.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(answered.responses.at(1).partitions.at(0).error_code, ErrorCode::kInvalidRequest);

  const auto listed = ask(other, wire::ListPartitionReassignmentsRequest{}, 0);
  ASSERT_EQ(listed.topics.size(), 1u);
  EXPECT_EQ(listed.topics.at(0).partitions.at(0).adding_replicas, std::vector{id(gone).value()});
  EXPECT_EQ(listed.topics.at(0).partitions.at(0).removing_replicas, std::vector{id(from).value()});
  wire::ListPartitionReassignmentsRequest of_another;
  of_another.topics.emplace().push_back({.name = "t", .partition_indexes = {3}});
  EXPECT_TRUE(ask(other, of_another, 0).topics.empty());
  ASSERT_TRUE(until([&] { return all_agree(); }, 5s));
  EXPECT_EQ(topic(from, "t").find_partition(0)->leader, id(from)) << "it is served meanwhile";

  EXPECT_EQ(error_of(move_to("t", 0, std::nullopt)), ErrorCode::kNone);
  EXPECT_TRUE(ask(other, wire::ListPartitionReassignmentsRequest{}, 0).topics.empty());
  EXPECT_EQ(topic(other, "t").find_partition(0)->replicas, std::vector{id(from)});
}

TEST_F(ClusterTest, ThePreferredReplicaLeadsAgainWhenSomebodyAsks) {
  start();
  create(0, "t", 3, 3);
  const auto is_as_placed = [&] {
    return std::ranges::all_of(topic(0, "t").partitions, [](const cluster::Partition& partition) {
      return partition.leader == partition.replicas.front() && partition.isr.size() == 3;
    });
  };
  ASSERT_TRUE(is_as_placed());
  const int stopped = (controller() + 1) % 3;
  broker(stopped).stop();
  ASSERT_TRUE(broker(stopped).start());
  ASSERT_TRUE(until(
      [&] {
        return all_agree() && std::ranges::all_of(topic(0, "t").partitions,
                                                  [](const cluster::Partition& one) { return one.isr.size() == 3; });
      },
      20s));
  ASSERT_FALSE(is_as_placed()) << "others lead what it led";
  wire::ElectLeadersRequest all;
  const auto elected = ask((stopped + 1) % 3, all, 2);
  ASSERT_EQ(elected.replica_election_results.size(), 1u) << "only those that were not led as they should be";
  EXPECT_EQ(elected.replica_election_results.at(0).partition_result.at(0).error_code, ErrorCode::kNone);
  EXPECT_TRUE(until([&] { return all_agree() && is_as_placed(); }, 5s));
  EXPECT_TRUE(ask(0, all, 2).replica_election_results.empty());
  const auto again = ask(0, elect(0, {0, 9}), 2).replica_election_results.at(0).partition_result;
  EXPECT_EQ(again.at(0).error_code, ErrorCode::kElectionNotNeeded);
  EXPECT_EQ(again.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(ask(0, elect(7, {0}), 2).error_code, ErrorCode::kInvalidRequest);
}

// The first of the replicas would do for the protocol; it has lost more.
TEST_F(ClusterTest, AnUncleanElectionAsksWhoHasTheGreatestLogWhicheverBrokerIsAsked) {
  for (const bool is_controller_asked : {true, false}) {
    start();
    create(0, "t", 1, 3, {{"min.insync.replicas", "1"}});
    const std::vector<BrokerId> replicas = topic(0, "t").find_partition(0)->replicas;
    const int leader = index_of(replicas[0]), shorter = index_of(replicas[1]), longer = index_of(replicas[2]);
    const auto key = [&](int seen_by) { return *topic(seen_by, "t").find_partition(0); };
    const auto lose = [&](int index, std::size_t left) {
      const std::string batch = testing::make_batch({.records = 3});
      const auto produced = ask(leader, testing::produce_request("t", 0, batch), testing::kProduceVersion);
      ASSERT_EQ(testing::only_row(produced).error_code, ErrorCode::kNone);
      broker(index).kill();
      ASSERT_TRUE(until([&] { return key(leader).isr.size() == left; }, 20s));
    };
    ASSERT_EQ(key(0).leader, replicas[0]);
    lose(shorter, 2);
    lose(longer, 1);
    broker(leader).kill();
    ASSERT_TRUE(broker(longer).start());
    ASSERT_TRUE(broker(shorter).start());
    ASSERT_TRUE(until(
        [&] {
          return image(longer).is_ready(id(shorter)) && image(longer).is_ready(id(longer)) &&
                 image(longer).controller() && key(longer).leader == kNoBroker && image(shorter).controller();
        },
        30s));
    const bool is_longer_controller = image(longer).controller()->broker == id(longer);
    const int asked = is_longer_controller == is_controller_asked ? longer : shorter;
    const auto answer = ask(asked, elect(1, {0}), 2).replica_election_results.at(0).partition_result.at(0);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone) << answer.error_message.value_or("");
    EXPECT_EQ(key(asked).leader, id(longer));
    cluster_.reset();
  }
}

TEST_F(ClusterTest, AnUncleanElectionIsForWhatNobodyLeads) {
  start();
  create(0, "t", 1, 1);
  const int gone = index_of(topic(0, "t").find_partition(0)->leader);
  const int other = (gone + 1) % 3;
  const auto error_of = [&] {
    return ask(other, elect(1, {0}), 2).replica_election_results.at(0).partition_result.at(0).error_code;
  };
  EXPECT_EQ(error_of(), ErrorCode::kElectionNotNeeded);
  broker(gone).kill();
  ASSERT_TRUE(until([&] { return topic(other, "t").find_partition(0)->leader == kNoBroker; },
                    kSessionTimeout + kUntilOthersLead));
  EXPECT_EQ(error_of(), ErrorCode::kEligibleLeadersNotAvailable) << "it has no other replica";
  EXPECT_EQ(ask(other, move_to("t", 0, std::vector{id(other).value()}), 1).responses.at(0).partitions.at(0).error_code,
            ErrorCode::kNone);
  EXPECT_EQ(error_of(), ErrorCode::kNone);
  EXPECT_TRUE(until(
      [&] {
        return topic(other, "t").find_partition(0)->replicas == std::vector{id(other)} &&
               find(other, topic(other, "t"), 0) != nullptr && find(other, topic(other, "t"), 0)->is_leader();
      },
      20s));
}

TEST_F(ClusterTest, ABrokerThatIsGoneCanBeUnregisteredAndItsIdIsNotGivenAgain) {
  make(4);
  for (int index = 0; index < 3; ++index) ASSERT_TRUE(broker(index).start());
  ASSERT_TRUE(until([&] { return image(0).controller().has_value(); }, 5s));
  create(0, "t", 3, 3);
  const int gone = (controller() + 1) % 3;
  const int other = (gone + 1) % 3;
  const auto unregister = [&](std::int32_t broker) {
    wire::UnregisterBrokerRequest request;
    request.broker_id = broker;
    return ask(other, request, 0);
  };
  const auto alive = unregister(id(gone).value());
  EXPECT_EQ(alive.error_code, ErrorCode::kInvalidRequest);
  EXPECT_NE(alive.error_message.value_or("").find("is alive"), std::string::npos);
  EXPECT_EQ(unregister(77).error_code, ErrorCode::kBrokerIdNotRegistered);
  broker(gone).kill();
  ASSERT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilOthersLead));
  wire::DescribeClusterRequest describe;
  EXPECT_EQ(ask(other, describe, 2).brokers.size(), 2u);
  describe.include_fenced_brokers = true;
  const auto described = ask(other, describe, 2);
  ASSERT_EQ(described.brokers.size(), 3u);
  for (const auto& row : described.brokers) EXPECT_EQ(row.is_fenced, row.broker_id == id(gone).value());

  EXPECT_EQ(unregister(id(gone).value()).error_code, ErrorCode::kNone);
  EXPECT_EQ(ask(other, describe, 2).brokers.size(), 2u);
  const auto refused = broker(gone).start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().message.find("was unregistered"), std::string::npos) << refused.error().message;
  broker(3).config.node_id = kNoBroker;
  ASSERT_TRUE(broker(3).start());
  EXPECT_EQ(broker(3).node().id(), id(3)) << "an id that nobody had";
  EXPECT_TRUE(until([&] { return image(other).is_ready(id(3)); }, 5s));
}

// --- Who goes --------------------------------------------------------------------------------------------------------

TEST_F(ClusterTest, WhoIsKilledLeavesTheIsrsAndOthersLead) {
  start();
  create(0, "t", 6, 3);
  const int gone = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  ASSERT_TRUE(leads_any(other, "t", id(gone)));
  broker(gone).kill();
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilOthersLead));
  EXPECT_FALSE(image(other).is_alive(id(gone)));
  wire::MetadataRequest request;
  request.topics = {{.name = "t"}};
  const auto metadata = ask(other, request, 12);
  EXPECT_EQ(metadata.brokers.size(), 2u);
  for (const auto& row : metadata.topics.at(0).partitions)
    EXPECT_EQ(row.offline_replicas, std::vector{id(gone).value()});
}

TEST_F(ClusterTest, WhenTheControllerIsKilledAnotherOneTakesOver) {
  start();
  create(0, "t", 6, 3);
  const int gone = controller();
  const int other = (gone + 1) % 3;
  broker(gone).kill();
  EXPECT_TRUE(until([&] { return controller() >= 0 && controller() != gone; }, kUntilOthersLead));
  // Who has no session is spared at first: it may be on its way.
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kSessionTimeout + kUntilOthersLead));
}

TEST_F(ClusterTest, AKilledLeaderIsReplacedLongBeforeItsSessionEnds) {
  start();
  create(0, "t", 6, 3);
  const int gone = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  broker(gone).kill();
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilSeenGone));
}

TEST_F(ClusterTest, AKilledControllerAndWhatItLedAreReplacedLongBeforeItsSessionEnds) {
  start();
  create(0, "t", 6, 3);
  const int gone = controller();
  const int other = (gone + 1) % 3;
  broker(gone).kill();
  EXPECT_TRUE(until([&] { return controller() >= 0 && controller() != gone; }, kUntilSeenGone));
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilSeenGone));
}

TEST_F(ClusterTest, AMachineThatIsSilentIsNotTakenForGoneBeforeItsSessionEnds) {
  start();
  create(0, "t", 6, 3);
  const int gone = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  broker(gone).lose_power();
  EXPECT_FALSE(until([&] { return !image(other).is_alive(id(gone)); }, kSessionTimeout - 1100ms));
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(gone)); }, kUntilOthersLead));
}

TEST_F(ClusterTest, ABrokerWhoseConnectionsAreResetIsNotTakenForGone) {
  start();
  create(0, "t", 6, 3);
  const int reset = (controller() + 1) % 3;
  const cluster::BrokerEpoch before = image(0).find_broker(id(reset))->epoch;
  EXPECT_GT(cluster_->world().fabric().reset(broker(reset).host(), broker(controller()).host()), 0u);
  EXPECT_FALSE(until([&] { return !image(0).is_alive(id(reset)); }, kSessionTimeout));
  EXPECT_EQ(image(0).find_broker(id(reset))->epoch, before);
}

TEST_F(ClusterTest, WhoWasWronglyTakenForGoneOnceHasOnlyItsSessionFromThenOn) {
  start();
  create(0, "t", 6, 3);
  const int guessed = (controller() + 1) % 3;
  const int other = (controller() + 2) % 3;
  const cluster::BrokerEpoch before = image(0).find_broker(id(guessed))->epoch;
  controller::Plan plan = controller::plan_dead(image(0), id(guessed), before);
  ASSERT_TRUE(cluster_->world().run(broker(0).machine(),
                                    broker(0).node().store().transact(std::move(plan.transactions.front())), 1min));
  ASSERT_TRUE(until(
      [&] {
        return image(0).find_broker(id(guessed))->epoch > before && image(0).is_ready(id(guessed)) && all_agree();
      },
      kUntilOthersLead));
  cluster_->world().run_for(kUntilWatched);
  broker(guessed).kill();
  EXPECT_FALSE(until([&] { return !image(other).is_alive(id(guessed)); }, kUntilSeenGone));
  EXPECT_TRUE(until([&] { return is_led_without(other, "t", id(guessed)); }, kUntilOthersLead));
}

TEST_F(ClusterTest, WhoSeesTwoGoneAtOnceTrustsItsEyesNoMoreAndAnotherOneIsTheController) {
  start(5);
  create(0, "t", 6, 3);
  const int ill = controller();
  const int gone = (ill + 1) % 5;
  const int gone_too = (ill + 2) % 5;
  const int other = (ill + 3) % 5;
  broker(gone).kill();
  broker(gone_too).kill();
  const auto count = [&] {
    return (image(other).is_alive(id(gone)) ? 0 : 1) + (image(other).is_alive(id(gone_too)) ? 0 : 1);
  };
  ASSERT_TRUE(until([&] { return count() == 1; }, kUntilSeenGone));
  EXPECT_TRUE(until([&] { return controller() >= 0 && controller() != ill; }, kSessionTimeout));
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(until([&] { return count() == 2; }, kUntilOthersLead));
  EXPECT_TRUE(image(other).is_alive(id(ill)));
}

TEST_F(ClusterTest, WhoSeesTwoStopOneAfterTheOtherStillSeesTheNextOneDie) {
  start(5);
  create(0, "t", 6, 3);
  for (int stopped = 0; stopped < 2; ++stopped) {
    const int leaving = controller();
    EXPECT_TRUE(broker(leaving).stop());
    ASSERT_TRUE(until([&] { return controller() >= 0 && controller() != leaving; }, kUntilOthersLead));
    EXPECT_TRUE(until([&] { return is_led_without(controller(), "t", id(leaving)); }, kUntilSeenGone));
    cluster_->world().run_for(kUntilWatched);
  }
  const int watching = controller();
  int dying = 0;
  while (dying == watching || !broker(dying).is_made()) ++dying;
  broker(dying).kill();
  EXPECT_TRUE(until([&] { return !image(watching).is_alive(id(dying)); }, kUntilSeenGone));
}

TEST_F(ClusterTest, WhatNobodyElseHasInSyncWaitsForItsLeader) {
  start();
  create(0, "t", 3, 1);
  broker(1).kill();
  const auto its_own = [&](int at) -> const cluster::Partition& {
    return *std::ranges::find_if(topic(at, "t").partitions, [&](const cluster::Partition& partition) {
      return partition.replicas.front() == id(1);
    });
  };
  EXPECT_TRUE(until([&] { return its_own(0).leader == kNoBroker; }, kSessionTimeout + kUntilOthersLead));
  const LeaderEpoch before = its_own(0).leader_epoch;
  ASSERT_TRUE(broker(1).start());
  EXPECT_TRUE(until([&] { return its_own(0).leader == id(1); }, kUntilOthersLead));
  EXPECT_GT(its_own(0).leader_epoch, before);
}

TEST_F(ClusterTest, ACleanStopHandsLeadershipOverBeforeItEnds) {
  start();
  create(0, "t", 6, 3);
  for (const int leaving : {controller(), (controller() + 1) % 3}) {
    ASSERT_TRUE(leads_any(leaving, "t", id(leaving)));
    sim::Broker& stopping = broker(leaving);
    const Instant begun = cluster_->world().now();
    EXPECT_TRUE(stopping.stop());
    const int other = (leaving + 1) % 3 == controller() ? (leaving + 2) % 3 : (leaving + 1) % 3;
    EXPECT_LT(cluster_->world().now() - begun, 1s);
    EXPECT_FALSE(leads_any(other, "t", id(leaving)));
    ASSERT_TRUE(stopping.start());
    ASSERT_TRUE(until([&] { return all_agree(); }, 5s));
  }
}

TEST_F(ClusterTest, AStopWithoutTheStoreIsCleanAndTakesAFewSeconds) {
  start();
  create(0, "t", 6, 3);
  cluster_->model_store().set_trouble({.lost_request_one_in = 1}, 1);
  for (const Duration lost_for : {100ms, 10'000ms}) {
    cluster_->world().run_for(lost_for);
    sim::Broker& stopping = broker(lost_for < 1s ? 0 : 1);
    const Instant begun = cluster_->world().now();
    EXPECT_TRUE(stopping.stop()) << "what the store says concerns no log";
    EXPECT_LT(cluster_->world().now() - begun, 8s);
    EXPECT_TRUE(std::ranges::any_of(stopping.machine().log_lines(), [](const std::string& line) {
      return line.contains("leadership could not be handed over");
    }));
  }
}

TEST_F(ClusterTest, TheLastOneStopsWithoutWaitingForAnybody) {
  start();
  create(0, "t", 6, 3);
  for (int index = 0; index < 3; ++index) {
    const Instant begun = cluster_->world().now();
    EXPECT_TRUE(broker(index).stop());
    EXPECT_LT(cluster_->world().now() - begun, 1s);
  }
}

TEST_F(ClusterTest, AllComeAgainAfterAllWereKilled) {
  start();
  create(0, "t", 6, 3);
  for (int index = 0; index < 3; ++index) broker(index).kill();
  for (int index = 0; index < 3; ++index) broker(index).begin_start();
  ASSERT_TRUE(until([&] { return broker(0).started() && broker(1).started() && broker(2).started(); }, 1min));
  for (int index = 0; index < 3; ++index)
    ASSERT_TRUE(*broker(index).started()) << broker(index).started()->error().message;
  EXPECT_TRUE(until([&] { return is_led_without(0, "t", kNoBroker); }, 20s));
}

// --- A store that is ill ---------------------------------------------------------------------------------------------

class IllStore : public ClusterTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  /// No two brokers lead a partition in the same epoch, whatever they have heard.
  void expect_one_leader_in_an_epoch() {
    std::set<std::pair<std::int32_t, LeaderEpoch>> led;
    for (int index = 0; index < cluster_->size(); ++index) {
      if (!broker(index).is_made()) continue;
      for (std::int32_t at = 0; at < 6; ++at) {
        const Partition* partition = find(index, topic_, at);
        if (partition == nullptr || !partition->is_leader()) continue;
        EXPECT_TRUE(led.emplace(at, partition->leader_epoch()).second) << "partition " << at;
      }
    }
  }
  void run_for(Duration time) {
    const Instant end = cluster_->world().now() + time;
    until(
        [&] {
          expect_one_leader_in_an_epoch();
          return HasFailure() || cluster_->world().now() >= end;
        },
        time);
  }
  /// Every broker is ready, and each partition has a leader of now, which knows it.
  bool is_well() {
    for (int index = 0; index < cluster_->size(); ++index)
      if (!image(0).is_ready(id(index)) || broker(index).started() == std::nullopt) return false;
    if (!all_agree() || !image(0).controller()) return false;
    for (std::int32_t at = 0; at < 6; ++at) {
      const BrokerId leader = topic(0, "t").find_partition(at)->leader;
      if (leader == kNoBroker) return false;
      const Partition* partition = find(index_of(leader), topic_, at);
      if (partition == nullptr || !partition->is_leader()) return false;
    }
    return true;
  }

  cluster::Topic topic_;
};

TEST_P(IllStore, DelaysTheClusterAndNeverGivesItTwoLeaders) {
  start();
  create(0, "t", 6, 3);
  topic_ = topic(0, "t");
  sim::Rng rng(GetParam());
  cluster_->model_store().set_trouble({.lost_request_one_in = 20,
                                       .lost_answer_one_in = 20,
                                       .late_one_in = 20,
                                       .false_alarm_one_in = 5,
                                       .forgotten_one_in = 50,
                                       .stale_one_in = 10,
                                       .delay_max = 20ms},
                                      GetParam());
  for (int round = 0; round < 12 && !HasFailure(); ++round) {
    const int index = static_cast<int>(rng.below(3));
    if (rng.one_in(6)) cluster_->model_store().end_all_sessions();
    if (broker(index).is_made()) {
      broker(index).kill();
    } else {
      broker(index).begin_start();
    }
    run_for(rng.delay(50ms, 6s));
  }
  cluster_->model_store().set_trouble({}, GetParam());
  for (int index = 0; index < 3; ++index) {
    if (broker(index).is_made() && broker(index).started() && !*broker(index).started()) broker(index).kill();
    if (!broker(index).is_made()) broker(index).begin_start();
  }
  EXPECT_TRUE(until([&] { return is_well(); }, 2min));
  if (HasFailure())
    for (int index = 0; index < 3; ++index)
      for (const std::string& line : broker(index).machine().log_lines())
        std::cerr << index + 1 << ": " << line << "\n";
}

INSTANTIATE_TEST_SUITE_P(Seeds, IllStore, ::testing::ValuesIn(seeds(20)));

}  // namespace
}  // namespace mq::broker

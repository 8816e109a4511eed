// The disk of a broker is gone, and an empty directory takes over its id.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/topics.h"
#include "broker_fixture.h"
#include "env/files.h"
#include "refused_start.h"

namespace mq::broker {
namespace {

constexpr BrokerId kReplaced{3};
/// The broker with this id, and the machine with an empty disk that takes its place.
constexpr int kOld = 2;
constexpr int kNew = 3;

class DiskReplaced : public ::testing::Test {
 protected:
  /// Three brokers with two topics: one that all have, and one that only the third has.
  void make(std::uint64_t seed = 7) {
    cluster_ = std::make_unique<sim::Cluster>(seed, sim::ClusterOptions{.brokers = 4, .store = sim::Store::model});
    client_ = &cluster_->add_client("client");
    for (int index = 0; index <= kOld; ++index) {
      const auto started = broker(index).start();
      ASSERT_TRUE(started) << started.error().message;
    }
    create({.name = "shared", .partitions = 6, .replicas = 3});
    create({.name = "alone", .partitions = -1, .replicas = -1, .assignments = {{0, {kReplaced.value()}}}});
    ASSERT_TRUE(until([&] { return has_logs(); }));
    for (std::int32_t at = 0; at < 6; ++at) produce("shared", at, 4);
    produce("alone", 0, 4);
    broker(kNew).config.node_id = kReplaced;
    broker(kNew).config.disk_replaced = true;
  }

  [[nodiscard]] sim::Broker& broker(int index) { return cluster_->broker(index); }
  [[nodiscard]] const cluster::ClusterImage& image(int index) { return *broker(index).node().first_shard().image(); }
  bool until(const std::function<bool()>& done, Duration at_most = 60s) {
    return cluster_->world().run_until(done, at_most);
  }
  void create(NewTopic wanted) {
    std::vector<NewTopic> all;
    all.push_back(std::move(wanted));
    const auto outcomes =
        cluster_->world().run(broker(0).machine(), broker(0).node().topics().create(std::move(all), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
  }
  bool has_logs() {
    for (int index = 0; index <= kOld; ++index)
      for (const char* name : {"shared", "alone"}) {
        const cluster::Topic* topic = image(index).find_topic(std::string_view(name));
        if (topic == nullptr) return false;
        for (std::int32_t at = 0; at < topic->partition_count(); ++at)
          if (topic->find_partition(at)->has_replica(BrokerId{index + 1}) && find(index, name, at) == nullptr)
            return false;
      }
    return true;
  }
  [[nodiscard]] Partition* find(int index, std::string_view name, std::int32_t at) {
    const cluster::Topic& topic = *image(index).find_topic(name);
    return broker(index).node().owner_of(topic.id, at).find(topic.id, at);
  }
  void produce(const std::string& topic, std::int32_t at, int batches) {
    const int leader = image(0).find_topic(std::string_view(topic))->find_partition(at)->leader.value() - 1;
    const ErrorCode error = cluster_->world().run(
        *client_,
        [](sim::Machine& client, std::string to, std::int32_t partition, int count, int asked) -> awaitable<ErrorCode> {
          auto peer = co_await testing::Peer::connect(client, asked);
          const std::string batch = testing::make_batch({});
          ErrorCode first = ErrorCode::kNone;
          for (int i = 0; i < count; ++i) {
            const auto answer =
                co_await peer->call(testing::produce_request(to, partition, batch), testing::kProduceVersion);
            if (first == ErrorCode::kNone) first = testing::only_row(answer).error_code;
          }
          peer->close();
          co_return first;
        }(*client_, topic, at, batches, leader),
        1min);
    EXPECT_EQ(error, ErrorCode::kNone);
  }
  /// All have all, and the new disk is in sync.
  void expect_copied() {
    ASSERT_TRUE(until([&] {
      const cluster::PartitionList& all = image(0).find_topic("shared")->partitions;
      return std::ranges::all_of(all, [](const cluster::Partition& each) { return each.isr.size() == 3; }) &&
             image(0).find_topic("alone")->find_partition(0)->leader == kReplaced &&
             image(kNew).revision() == image(0).revision();
    }));
    for (std::int32_t at = 0; at < 6; ++at) {
      for (const int index : {0, 1, kNew})
        EXPECT_EQ(find(index, "shared", at)->log().log_end(), Offset{4}) << index << " of " << at;
    }
    EXPECT_EQ(find(kNew, "alone", 0)->log().log_end(), Offset{0}) << "nobody else had it";
    EXPECT_GT(image(0).find_topic("alone")->find_partition(0)->leader_epoch, LeaderEpoch{0});
  }
  Error refused(int index) { return error_of_start(broker(index)); }

  std::unique_ptr<sim::Cluster> cluster_;
  sim::Machine* client_ = nullptr;
};

TEST_F(DiskReplaced, AnEmptyDirectoryTakesOverTheIdAndCopiesWhatOthersHave) {
  make();
  broker(kOld).kill();
  const auto started = broker(kNew).start();
  ASSERT_TRUE(started) << started.error().message;
  expect_copied();
  // The old machine comes back.
  expect_refused(refused(kOld), "belongs to another data directory");
  // Left in the settings, the option has no effect.
  ASSERT_TRUE(broker(kNew).stop());
  const auto again = broker(kNew).start();
  ASSERT_TRUE(again) << again.error().message;
  expect_copied();
}

TEST_F(DiskReplaced, WhoseStartIsCutAnywhereGoesOn) {
  make();
  broker(kOld).stop();
  const Instant begun = cluster_->world().now();
  ASSERT_TRUE(broker(kNew).start());
  const Duration whole = cluster_->world().now() - begun;
  constexpr int kCuts = 30;
  for (int cut = 1; cut < kCuts; ++cut) {
    SCOPED_TRACE(cut);
    make(static_cast<std::uint64_t>(cut));
    if (HasFatalFailure()) return;
    broker(kOld).stop();
    broker(kNew).begin_start();
    cluster_->world().run_for(whole * cut / kCuts);
    if (cut % 2 == 0) {
      broker(kNew).kill();
    } else {
      broker(kNew).lose_power();
    }
    const auto started = broker(kNew).start();
    ASSERT_TRUE(started) << started.error().message;
    expect_copied();
    if (HasFailure()) return;
  }
}

TEST_F(DiskReplaced, WhileTheOldOneRunsItIsRefused) {
  make();
  expect_refused(refused(kNew), "broker 3 is running");
  EXPECT_TRUE(broker(kNew).machine().files().list(sim::Cluster::kDataDir).value().size() <= 1) << "but for the lock";
}

TEST_F(DiskReplaced, WithoutTheOptionItIsRefusedAndTheOptionNamed) {
  make();
  broker(kOld).stop();
  broker(kNew).config.disk_replaced = false;
  expect_refused(refused(kNew), "--disk-replaced");
  broker(kNew).config.disk_replaced = true;
  const auto started = broker(kNew).start();
  ASSERT_TRUE(started) << started.error().message;
  expect_copied();
}

TEST_F(DiskReplaced, AnIdThatNobodyHasIsRefused) {
  make();
  broker(kNew).config.node_id = BrokerId{9};
  expect_refused(refused(kNew), "there is no broker 9");
}

TEST_F(DiskReplaced, ADirectoryWithLogsIsRefused) {
  make();
  broker(kOld).stop();
  ASSERT_TRUE(broker(kNew).machine().files().make_directories(std::string(sim::Cluster::kDataDir) + "/shared-0"));
  expect_refused(refused(kNew), "has logs already");
}

TEST_F(DiskReplaced, WaitsForTheSessionOfOneWhoseMachineDied) {
  make();
  broker(kOld).lose_power();
  const auto started = broker(kNew).start();
  ASSERT_TRUE(started) << started.error().message;
  expect_copied();
}

}  // namespace
}  // namespace mq::broker

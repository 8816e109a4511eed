#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/node_context.h"
#include "broker/partition.h"
#include "broker/partition_host.h"
#include "broker/settings.h"
#include "broker/shard_context.h"
#include "log/log_dir.h"
#include "sim/machine/world.h"

namespace mq::broker::testing {

/// One shard of a simulated machine with a data directory, and no broker on it.
class ShardTest : public ::testing::Test {
 public:
  static constexpr const char* kDataDir = "/data";

  void start(std::function<void(NodeConfig&)> change = {}) {
    machine_ = &world_.add_machine("broker-1", {.shards = 1});
    NodeConfig config;
    config.node_id = BrokerId{1};
    config.data_dir = kDataDir;
    if (change) change(config);
    NodeEnv env{.shards = machine_->shards(),
                .files = machine_->files(),
                .disk_pool = machine_->pool(),
                .metadata_pool = machine_->metadata_pool(),
                .random = machine_->random(),
                .logger = machine_->logger(),
                .store = {}};
    node_ = &machine_->make<NodeContext>(
        std::move(env), std::move(config),
        NodeContext::Wishes{.go_offline = [this](const Error&) { ++times_offline_; }, .free_space = [] {}});
    node_->opened_log_dir = log::LogDir::open(machine_->files(), kDataDir).value();
    ASSERT_TRUE(node_->log_dir().set_identity({.node = BrokerId{1}, .cluster_id = "c", .directory_id = "d"}));
    ASSERT_TRUE(node_->log_dir().begin_writing());
    shard_ = &machine_->make<ShardContext>(*node_, machine_->shard(0));
  }

  /// Runs `f()` as a task of the shard.
  template <class F>
  void on_shard(F f) {
    world_.run(*machine_, [](F task) -> awaitable<void> {
      task();
      co_return;
    }(std::move(f)));
  }
  /// A partition of a topic of that name, led by this broker. Names that begin alike have the same topic id.
  std::shared_ptr<Partition> make_partition(PartitionHost& host, const std::string& topic,
                                            const cluster::ConfigMap& configs = {}, std::int32_t index = 0) {
    const TopicPartition name{topic, index};
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(topic.front());
    const auto settings = resolve_settings(configs, node_->config());
    auto log =
        log::Log::create(machine_->files(), node_->log_dir().directory_of(name), name, id, settings->log).value();
    const cluster::Partition key{.replicas = {BrokerId{1}}, .isr = {BrokerId{1}}, .leader = BrokerId{1}};
    return std::make_shared<Partition>(*shard_, host, name, id, key, *settings, std::move(log));
  }
  [[nodiscard]] bool logged(std::string_view text) const { return times_logged(text) > 0; }
  [[nodiscard]] std::size_t times_logged(std::string_view text) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(machine_->log_lines(), [&](const std::string& line) { return line.contains(text); }));
  }

  sim::World world_{1};
  sim::Machine* machine_ = nullptr;
  NodeContext* node_ = nullptr;
  ShardContext* shard_ = nullptr;
  int times_offline_ = 0;
};

/// Remembers what a partition asks for.
class IdleHost final : public PartitionHost {
 public:
  void sync_now(Partition&) override { ++syncs; }
  void sync_soon(Partition&) override { ++lazy_syncs; }
  void sync_by_time(Partition&) override { ++timed_syncs; }
  void sync_slots(std::move_only_function<void()> then) override { slots.push_back(std::move(then)); }
  void checkpoint_soon(std::shared_ptr<Partition> partition) override { checkpoints.push_back(std::move(partition)); }
  void save_start(std::shared_ptr<Partition>, Offset start) override { starts.push_back(start); }
  void producers_came(std::size_t count) override { producers += count; }
  void work_ended() override { ++works_ended; }
  void propose(Partition& partition) override { proposals.push_back(partition.replica().proposal()); }
  void raise_epoch(Partition&) override { ++raised_epochs; }
  void role_changed(Partition&) override { ++roles; }
  void has_news(Partition&) override { ++news; }

  int syncs = 0;
  int lazy_syncs = 0;
  int timed_syncs = 0;
  std::vector<std::move_only_function<void()>> slots;
  std::vector<std::shared_ptr<Partition>> checkpoints;
  std::vector<Offset> starts;
  std::size_t producers = 0;
  int works_ended = 0;
  std::vector<std::vector<replication::Replica::Proposed>> proposals;
  int raised_epochs = 0;
  int roles = 0;
  int news = 0;
};

}  // namespace mq::broker::testing

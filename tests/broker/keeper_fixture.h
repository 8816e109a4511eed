#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/all_shards.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "sim/machine/model_metadata.h"
#include "sim/machine/world.h"

namespace mq::broker::testing {

/// Keeps what it is given, as shards would.
class KeptByShards final : public AllShards {
 public:
  explicit KeptByShards(env::Files& files) : files_(files) {}

  awaitable<bool> install(ImagePtr image) override {
    images.push_back(std::move(image));
    co_return true;
  }
  env::Files& files_of(const Uuid&, std::int32_t) override { return files_; }
  awaitable<bool> put(std::vector<std::unique_ptr<log::Log>> made, ImagePtr image) override {
    for (auto& log : made) {
      EXPECT_NE(image->find_topic(log->topic_id()), nullptr);
      const std::string name = log->partition().to_string();
      logs[name] = std::move(log);
    }
    co_return true;
  }
  awaitable<bool> registered(cluster::BrokerEpoch epoch) override {
    epochs.push_back(epoch);
    co_return true;
  }
  awaitable<std::vector<std::int32_t>> without_log(Uuid topic, std::vector<std::int32_t> partitions) override {
    for (const auto& [name, log] : logs)
      if (log->topic_id() == topic) std::erase(partitions, log->partition().partition);
    co_return partitions;
  }
  awaitable<bool> take(Uuid topic) override {
    std::erase_if(logs, [&](const auto& log) { return log.second->topic_id() == topic; });
    co_return true;
  }
  awaitable<bool> take(Uuid topic, std::vector<std::int32_t> partitions) override {
    std::erase_if(logs, [&](const auto& log) {
      return log.second->topic_id() == topic &&
             std::ranges::find(partitions, log.second->partition().partition) != partitions.end();
    });
    co_return true;
  }
  awaitable<bool> topics_deleted(std::vector<cluster::TopicPtr> topics) override {
    for (const cluster::TopicPtr& topic : topics) deleted.push_back(topic->name);
    co_return true;
  }
  awaitable<bool> topics_are_gone(std::vector<cluster::TopicPtr> topics) override {
    for (const cluster::TopicPtr& topic : topics) {
      EXPECT_EQ(images.back()->find_topic(topic->id), nullptr);
      gone.push_back(topic->name);
    }
    co_return true;
  }

  std::vector<ImagePtr> images;
  std::vector<cluster::BrokerEpoch> epochs;               ///< under which the broker has registered
  std::map<std::string, std::unique_ptr<log::Log>> logs;  ///< by the names of their directories
  std::vector<std::string> deleted;
  std::vector<std::string> gone;

 private:
  env::Files& files_;
};

/// What exists once in a broker, on a simulated machine: without shards, connections or requests.
class NodeParts : public ::testing::Test {
 public:
  static constexpr const char* kDataDir = "/data";
  static constexpr BrokerId kSelf{1};

  explicit NodeParts(std::uint64_t seed = 1) : world_(seed), machine_(world_.add_machine("broker", {.shards = 1})) {
    begin_process();
  }

  /// Of the process that was killed, or lost its power, nothing is left but what is on the disk.
  void begin_process() {
    if (!machine_.is_running()) machine_.start();
    NodeConfig config;
    config.data_dir = kDataDir;
    config.node_id = kSelf;
    NodeEnv env{.shards = machine_.shards(),
                .files = machine_.files(),
                .disk_pool = machine_.pool(),
                .metadata_pool = machine_.metadata_pool(),
                .random = machine_.random(),
                .logger = machine_.logger(),
                .store = {.name = "the store", .open = {}}};
    node_ = &machine_.make<NodeContext>(std::move(env), std::move(config),
                                        NodeContext::Wishes{.go_offline = [](const Error&) {}, .free_space = [] {}});
    shards_ = &machine_.make<KeptByShards>(machine_.files());
  }
  /// As a start does: with an identity, ready to be written to.
  Result<void> open_directory() {
    return run([](NodeContext* node) -> awaitable<Result<void>> {
      co_return co_await node->disk_pool().run(node->home(), [node]() -> Result<void> {
        MQ_TRY(node->opened_log_dir, log::LogDir::open(node->machine.files, kDataDir));
        MQ_CHECK(node->log_dir().begin_writing());
        if (node->log_dir().identity()) return {};
        return node->log_dir().set_identity({.node = kSelf, .cluster_id = "c", .directory_id = "d"});
      });
    }(node_));
  }
  template <class T>
  T run(awaitable<T> task) {
    return world_.run(machine_, std::move(task), 10min);
  }
  [[nodiscard]] bool logged(std::string_view text) const {
    return std::ranges::any_of(machine_.log_lines(),
                               [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  sim::World world_;
  sim::Machine& machine_;
  NodeContext* node_ = nullptr;
  KeptByShards* shards_ = nullptr;
};

}  // namespace mq::broker::testing

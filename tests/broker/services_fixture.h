#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/administration.h"
#include "broker/call.h"
#include "broker/connection_host.h"
#include "broker/group_service.h"
#include "broker/large_reads.h"
#include "broker/producer_ids.h"
#include "broker/request_room.h"
#include "broker/store_acceptance.h"
#include "broker/topics.h"
#include "cluster/image.h"
#include "sim/machine/world.h"

namespace mq::broker::testing {

/// What requests work with, on a machine of three shards: without a broker, its disk and its clients.
class ServicesTest : public ::testing::Test {
 public:
  static constexpr int kShards = 3;

  void SetUp() override {
    NodeEnv env{.shards = machine_.shards(),
                .files = machine_.files(),
                .disk_pool = machine_.pool(),
                .metadata_pool = machine_.metadata_pool(),
                .random = machine_.random(),
                .logger = machine_.logger(),
                .store = {}};
    parts_ = &machine_.make<NodeParts>(std::move(env), config_);
    for (env::Shard* shard : machine_.shards()) shards_.push_back(&machine_.make<ShardParts>(*parts_, *shard));
    add_topic("t", 8);
  }

  void add_topic(std::string name, std::size_t partitions) {
    cluster::Topic topic{.name = std::move(name), .partitions = {}};
    machine_.random().fill(topic.id.bytes);
    topic.partitions.resize(partitions, {.replicas = {BrokerId{1}}, .isr = {BrokerId{1}}, .leader = BrokerId{1}});
    image_ = image_.with_topic(std::move(topic));
  }
  [[nodiscard]] const cluster::Topic& topic(std::string_view name) const { return *image_.find_topic(name); }

  [[nodiscard]] NodeServices& node() const { return parts_->services; }
  [[nodiscard]] ShardServices& home() const { return node().first_shard(); }
  [[nodiscard]] Call call(const Needs& needs) const { return {home(), needs, Request{}, Responder{}}; }

  template <class T>
  T run(awaitable<T> task) {
    return world_.run(machine_, std::move(task), 1min);
  }

  sim::World world_{1};
  sim::Machine& machine_ = world_.add_machine("machine", {.shards = kShards});
  NodeConfig config_;
  cluster::ClusterImage image_;

 private:
  struct NodeParts {
    NodeParts(NodeEnv env, NodeConfig config) : context(std::move(env), std::move(config), {}) {}
    NodeContext context;
    Listeners listeners;
    std::unique_ptr<Topics> topics;
    std::unique_ptr<ProducerIds> producer_ids;
    std::unique_ptr<Administration> administration;
    std::unique_ptr<StoreAcceptance> store_acceptance;
    NodeServices services{{.context = context,
                           .listeners = listeners,
                           .topics = topics,
                           .producer_ids = producer_ids,
                           .administration = administration,
                           .store_acceptance = store_acceptance}};
  };
  /// Nobody is connected.
  struct NoConnections final : ConnectionHost {
    using ConnectionHost::ConnectionHost;
    void start_request(Request, Responder) override {}
    void request_ended() override {}
    void wake_sweep() override {}
    void adopt(std::shared_ptr<Connection>) override {}
  };
  struct ShardParts {
    ShardParts(NodeParts& node, env::Shard& shard)
        : context(node.context, shard),
          cluster(node.context.configs, shard),
          groups(context, [this](const Uuid& id, std::int32_t index) { return partitions.find(id, index); }),
          services(node.services, {.context = context,
                                   .cluster = cluster,
                                   .partitions = partitions,
                                   .groups = groups,
                                   .connections = connections}) {}
    ShardContext context;
    ClusterView cluster;
    PartitionTable partitions;
    RequestRoom::Connections open;
    GroupService groups;
    RequestRoom room{context, open, 1 << 20, std::make_shared<ExtraFrame>()};
    LargeReads large_reads{context, room};
    NoConnections connections{context, room, large_reads};
    ShardServices services;
  };

  NodeParts* parts_ = nullptr;
  std::vector<ShardParts*> shards_;
};

}  // namespace mq::broker::testing

#include "broker/node_context.h"

#include <utility>

#include "base/assert.h"

namespace mq::broker {
namespace {

NodeEnv with_shards(NodeEnv env) {
  MQ_ASSERT(!env.shards.empty());
  return env;
}

}  // namespace

NodeContext::NodeContext(NodeEnv env, NodeConfig config, Wishes wishes)
    : machine(with_shards(std::move(env))),
      configs(std::move(config)),
      store_contact(machine.shards.front()->clock(), machine.store.name),
      disk_health(machine.logger, configs.get().data_dir, std::move(wishes.go_offline)),
      disk_space(machine, configs, life, std::move(wishes.free_space)),
      synced_ends(machine, life, disk_health, opened_log_dir),
      cluster_metrics(machine.store.is_shared ? std::make_unique<ClusterMetrics>() : nullptr) {}

DescriptorShares NodeContext::descriptors() const {
  return share_descriptors(machine.descriptors_max, config().connections_max, machine.shards.size());
}

}  // namespace mq::broker

#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "broker/cluster_metrics.h"
#include "broker/config_in_force.h"
#include "broker/copy_rate.h"
#include "broker/descriptors.h"
#include "broker/disk_health.h"
#include "broker/disk_space.h"
#include "broker/life.h"
#include "broker/node_env.h"
#include "broker/store_contact.h"
#include "broker/synced_ends_writer.h"
#include "cluster/image.h"
#include "log/log_dir.h"

namespace mq::broker {

class LeaderWishes;

/// What exists once in a broker and every part of it may use: the machine, the settings, and the state of the data
/// directory. Decides nothing, and knows nobody who uses it.
class NodeContext {
 public:
  /// What these parts ask of the others, each on any thread.
  struct Wishes {
    std::function<void(const Error&)> go_offline;  ///< see DiskHealth
    std::function<void()> free_space;              ///< see DiskSpace
  };
  NodeContext(NodeEnv env, NodeConfig config, Wishes wishes);

  [[nodiscard]] const NodeConfig& config() const { return configs.get(); }
  [[nodiscard]] env::Pool& disk_pool() const { return machine.disk_pool; }
  [[nodiscard]] env::Logger& logger() const { return machine.logger; }
  /// Whether it shares its metadata with other brokers, as a member of their cluster.
  [[nodiscard]] bool is_member() const { return machine.store.is_shared; }
  /// Where what exists once runs.
  [[nodiscard]] env::Shard& home() const { return *machine.shards.front(); }
  [[nodiscard]] log::LogDir& log_dir() const { return *opened_log_dir; }
  /// As connections and the open files of logs share them now. Any thread.
  [[nodiscard]] DescriptorShares descriptors() const;

  const NodeEnv machine;
  ConfigInForce configs;
  Life life;
  StoreContact store_contact;
  std::unique_ptr<log::LogDir> opened_log_dir;  ///< null until the start has opened it
  DiskHealth disk_health;
  DiskSpace disk_space;
  SyncedEndsWriter synced_ends;
  CopyRate reassignment_rate;
  /// Of this broker's registration in a cluster: what it leads names this incarnation. kNoBrokerEpoch on a store of its
  /// own. Set on the first shard, before the shards hear of it.
  std::atomic<cluster::BrokerEpoch> broker_epoch{cluster::kNoBrokerEpoch};
  /// The process has registered more than once. Set on the first shard.
  std::atomic<bool> has_registered_anew{false};
  /// The start waits, since the metadata store is not the one that this broker knew: it takes part in nothing, and only
  /// answers what says so and helps (`ApiEntry::is_answered_held`). Set on the first shard.
  std::atomic<bool> is_held{false};
  /// Of a member of a cluster; null on a store of its own.
  const std::unique_ptr<ClusterMetrics> cluster_metrics;
  LeaderWishes* leader_wishes = nullptr;  ///< of a whole broker; while it lives
};

}  // namespace mq::broker

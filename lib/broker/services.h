#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/access.h"
#include "broker/await_on.h"
#include "broker/bound_listener.h"
#include "broker/cluster_view.h"
#include "broker/partition_table.h"
#include "broker/shard_context.h"
#include "record/validate.h"

namespace mq::broker {

class Administration;
class ConnectionHost;
class GroupService;
class ProducerIds;
class ShardServices;
class StoreAcceptance;
class Topics;

/// What a request may use of the broker beside its own shard. Any thread, but for what says where it runs.
class NodeServices {
 public:
  /// All of them outlive it. The last four come to be while nothing is served yet.
  struct Parts {
    NodeContext& context;
    const Listeners& listeners;
    const std::unique_ptr<Topics>& topics;
    const std::unique_ptr<ProducerIds>& producer_ids;
    const std::unique_ptr<Administration>& administration;
    const std::unique_ptr<StoreAcceptance>& store_acceptance;
  };
  explicit NodeServices(Parts parts) : parts_(parts) {}

  [[nodiscard]] NodeContext& context() const { return parts_.context; }
  [[nodiscard]] const NodeConfig& config() const { return parts_.context.config(); }
  [[nodiscard]] BrokerId id() const { return config().node_id; }
  [[nodiscard]] const Listeners& listeners() const { return parts_.listeners; }
  /// On the first shard.
  [[nodiscard]] Topics& topics() const { return *parts_.topics; }
  /// On the first shard.
  [[nodiscard]] ProducerIds& producer_ids() const { return *parts_.producer_ids; }
  /// On the first shard.
  [[nodiscard]] Administration& administration() const { return *parts_.administration; }

  /// On the first shard.
  [[nodiscard]] StoreAcceptance& store_acceptance() const { return *parts_.store_acceptance; }

  /// Empty: everybody may do everything.
  [[nodiscard]] const Authorizer& authorizer() const { return authorizer_; }
  /// While nothing is served.
  void set_authorizer(Authorizer authorizer) { authorizer_ = std::move(authorizer); }

  [[nodiscard]] const std::vector<ShardServices*>& shards() const { return shards_; }
  [[nodiscard]] ShardServices& first_shard() const { return *shards_.front(); }
  /// The shard whose thread alone touches this partition. A pure function, so that every shard agrees.
  [[nodiscard]] ShardServices& owner_of(const Uuid& topic_id, std::int32_t partition) const;

 private:
  friend class ShardServices;
  const Parts parts_;
  std::vector<ShardServices*> shards_;
  Authorizer authorizer_;
};

/// What a request may use of one shard: of that of its connection, on whose thread it runs, and of those that own
/// partitions, where it gets with `await_on`. Decides nothing. The shard's thread only, but for `node` and `shard`.
class ShardServices {
 public:
  /// All of them outlive it.
  struct Parts {
    ShardContext& context;
    ClusterView& cluster;
    PartitionTable& partitions;
    GroupService& groups;
    ConnectionHost& connections;
  };
  /// It is the next shard of `node`.
  ShardServices(NodeServices& node, Parts parts) : node_(node), parts_(parts), tasks_for_others_(parts.context.shard) {
    node.shards_.push_back(this);
  }
  ShardServices(const ShardServices&) = delete;
  ShardServices& operator=(const ShardServices&) = delete;

  [[nodiscard]] NodeServices& node() const { return node_; }
  [[nodiscard]] ShardContext& context() const { return parts_.context; }
  [[nodiscard]] env::Shard& shard() const { return parts_.context.shard; }
  [[nodiscard]] env::TaskGroup& tasks() const { return parts_.context.tasks; }
  [[nodiscard]] ShardMetrics& metrics() const { return parts_.context.metrics; }
  [[nodiscard]] PeerLog& peer_log() const { return parts_.context.peer_log; }

  [[nodiscard]] ClusterView& cluster() const { return parts_.cluster; }
  /// The cluster as this shard knows it. Take a copy of the pointer before suspending.
  [[nodiscard]] const std::shared_ptr<const cluster::ClusterImage>& image() const { return parts_.cluster.image(); }
  /// A partition that lives here, or null.
  [[nodiscard]] Partition* find(const Uuid& topic_id, std::int32_t index) const {
    return parts_.partitions.find(topic_id, index);
  }
  [[nodiscard]] PartitionTable& partitions() const { return parts_.partitions; }
  [[nodiscard]] GroupService& groups() const { return parts_.groups; }
  /// Where a connection moves to that is to live here.
  [[nodiscard]] ConnectionHost& connections() const { return parts_.connections; }

  /// What other shards wait for (see `await_on`).
  [[nodiscard]] env::TaskGroup& tasks_for_others() { return tasks_for_others_; }
  /// For the checks of produced batches.
  [[nodiscard]] record::Codecs& codecs() { return codecs_; }
  /// The timers of fetches that wait for more, so that a stop can end their patience.
  [[nodiscard]] std::vector<env::Timer*>& parked_fetches() { return parked_fetches_; }
  [[nodiscard]] const std::vector<env::Timer*>& parked_fetches() const { return parked_fetches_; }

 private:
  NodeServices& node_;
  const Parts parts_;
  env::TaskGroup tasks_for_others_;
  record::Codecs codecs_;
  std::vector<env::Timer*> parked_fetches_;
};

inline ShardServices& NodeServices::owner_of(const Uuid& topic_id, std::int32_t partition) const {
  // Neighbours go to different shards, so that the few partitions of a busy topic use every core.
  const std::size_t hash = std::hash<Uuid>{}(topic_id) + static_cast<std::size_t>(partition);
  return *shards_[hash % shards_.size()];
}

/// Runs the coroutine that `make` returns on the shard of `there` and resumes on the shard of `here` with its result.
/// Call on `here`'s thread.
template <class F, class T = typename std::invoke_result_t<F&>::value_type>
awaitable<T> await_on(ShardServices& here, ShardServices& there, F make) {
  return await_on(here.shard(), there.shard(), there.tasks_for_others(), std::move(make));
}

}  // namespace mq::broker

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "broker/await_on.h"
#include "broker/cluster_view.h"
#include "broker/connection_set.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/settings.h"
#include "broker/shard_context.h"
#include "broker/shard_logs.h"
#include "broker/topics.h"
#include "cluster/image.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "log/cut_files.h"

namespace mq::broker {

class GroupService;

/// One shard of the broker, put together of its parts: logs, connections, groups, its view of the cluster. Everything
/// here is touched by the shard's own thread only; other shards post.
class ShardBroker final {
 public:
  ShardBroker(Node& node, env::Shard& shard, ConnectionSet::Shared shared_by_connections);
  ~ShardBroker();

  [[nodiscard]] Node& node() const { return node_; }
  [[nodiscard]] env::Shard& shard() const { return shard_; }
  [[nodiscard]] ShardContext& context() { return context_; }
  [[nodiscard]] env::TaskGroup& tasks() { return context_.tasks; }
  /// For what works on logs or their files beside the requests: a stop waits for it before it closes the logs.
  [[nodiscard]] env::TaskGroup& log_tasks() { return context_.log_tasks; }
  [[nodiscard]] ShardMetrics& metrics() { return context_.metrics; }
  /// For what a client can cause; what the machine causes goes to the node's logger.
  [[nodiscard]] PeerLog& peer_log() { return context_.peer_log; }
  /// What requests see of it.
  [[nodiscard]] ShardServices& services() { return services_; }
  [[nodiscard]] GroupService& groups() { return *groups_; }

  /// The cluster as this shard knows it. Take a copy of the pointer before suspending.
  [[nodiscard]] const std::shared_ptr<const cluster::ClusterImage>& image() const { return cluster_.image(); }
  void install(std::shared_ptr<const cluster::ClusterImage> image);

  [[nodiscard]] ShardLogs& logs() { return logs_; }
  /// What the logs of this shard are opened with. Any thread.
  [[nodiscard]] env::Files& log_files() { return logs_.files(); }
  /// A partition that lives here, or null.
  [[nodiscard]] Partition* find(const Uuid& topic_id, std::int32_t index) {
    return logs_.table().find(topic_id, index);
  }
  void put(std::shared_ptr<Partition> partition) { logs_.put(std::move(partition)); }
  /// One that will live here. Any thread.
  [[nodiscard]] std::shared_ptr<Partition> make_partition(TopicPartition name, Uuid topic_id,
                                                          const cluster::Partition& key, const TopicSettings& settings,
                                                          std::unique_ptr<log::Log> log) {
    return logs_.make(std::move(name), topic_id, key, settings, std::move(log));
  }
  /// See ShardLogs.
  awaitable<std::vector<std::shared_ptr<Partition>>> remove(Uuid topic_id) { return logs_.remove(topic_id); }
  awaitable<std::vector<std::shared_ptr<Partition>>> remove(Uuid topic_id, std::vector<std::int32_t> partitions) {
    return logs_.remove(topic_id, std::move(partitions));
  }
  /// Destroys what holds unanswered requests; the node is gone.
  void drop_requests();

  [[nodiscard]] ConnectionSet& connection_set() { return connections_; }
  [[nodiscard]] std::size_t connection_count() const { return connections().size(); }
  [[nodiscard]] const std::vector<std::shared_ptr<Connection>>& connections() const {
    return connections_.connections();
  }
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

  // Start and stop, in this order; each on this shard.
  /// Opens the logs of every partition that belongs here and is neither here yet nor `not_made`. Returns those whose
  /// recovery could not show that nothing was lost.
  awaitable<Result<std::vector<UncertainLog>>> open_logs(const std::set<std::pair<Uuid, PartitionId>>& not_made);
  /// Loads the groups and begins to look after the logs.
  void start();
  /// Takes no further request, ends parked fetches, groups and housekeeping; the connections end as soon as what they
  /// wait for is answered.
  void stop_serving();
  /// Returns when no connection and no request is left here. From `patience` on nobody waits for a peer to read.
  awaitable<bool> end_requests(Instant patience);
  /// Returns when every task has ended; nothing starts one any more.
  awaitable<bool> end_tasks();
  /// See ShardLogs::close.
  awaitable<bool> close_logs() { return logs_.close(); }

 private:
  class Connections final : public ConnectionSet {
   public:
    Connections(ShardContext& shard, Shared shared, ShardServices& services)
        : ConnectionSet(shard, std::move(shared)), services_(services) {}
    void start_request(Request request, Responder responder) override;

   private:
    ShardServices& services_;
  };
  /// Tells it what the image has of it.
  void tell_image(Partition& partition, const cluster::Topic& topic) const;
  /// A partition whose log is to be opened, with all that the pool needs for it.
  struct WantedLog {
    const cluster::Topic* topic = nullptr;
    std::int32_t index = 0;
    std::shared_ptr<const TopicSettings> settings;
  };
  struct OpenedLog {
    std::shared_ptr<Partition> partition;
    log::RecoveryReport report;
    log::KeptCuts cuts;
    LeaderEpoch latest_epoch = kNoLeaderEpoch;  ///< that it has, if metadata may not know
  };
  /// Any thread.
  Result<OpenedLog> open_log(const WantedLog& wanted);
  [[nodiscard]] bool may_lack_something(const log::Log& log, const log::RecoveryReport& report) const;

  Node& node_;
  env::Shard& shard_;
  ShardContext context_;
  ShardLogs logs_;
  std::unique_ptr<GroupService> groups_;
  ClusterView cluster_;
  ShardServices services_;
  Connections connections_;
  bool started_ = false;
};

/// Runs the coroutine that `make` returns on the shard of `there` and resumes on the shard of `here` with its result.
/// Call on `here`'s thread.
template <class F, class T = typename std::invoke_result_t<F&>::value_type>
awaitable<T> await_on(ShardBroker& here, ShardBroker& there, F make) {
  return await_on(here.services(), there.services(), std::move(make));
}

}  // namespace mq::broker

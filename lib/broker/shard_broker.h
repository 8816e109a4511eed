#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/await_on.h"
#include "broker/cluster_view.h"
#include "broker/connection.h"
#include "broker/connection_host.h"
#include "broker/large_reads.h"
#include "broker/metrics.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/partition_table.h"
#include "broker/request_room.h"
#include "broker/services.h"
#include "broker/settings.h"
#include "broker/shard_context.h"
#include "broker/slot_syncer.h"
#include "broker/syncer.h"
#include "broker/topics.h"
#include "cluster/image.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "log/cut_files.h"
#include "log/open_files.h"

namespace mq::broker {

class GroupService;

/// What one shard of the broker holds: its partitions, its connections, its view of the cluster. Everything here is
/// touched by the shard's own thread only; other shards post.
class ShardBroker final : private log::OpenFiles::Owner, private PartitionHost, private ConnectionHost {
 public:
  ShardBroker(Node& node, env::Shard& shard);
  ~ShardBroker() override;

  [[nodiscard]] Node& node() const { return node_; }
  [[nodiscard]] env::Shard& shard() const { return shard_; }
  [[nodiscard]] ShardContext& context() { return context_; }
  [[nodiscard]] env::TaskGroup& tasks() { return context_.tasks; }
  /// For what works on logs or their files beside the requests: a stop waits for it before it closes the logs.
  [[nodiscard]] env::TaskGroup& log_tasks() { return context_.log_tasks; }
  [[nodiscard]] ShardMetrics& metrics() { return context_.metrics; }
  /// For what a client can cause; what the machine causes goes to the node's logger.
  [[nodiscard]] PeerLog& peer_log() { return context_.peer_log; }
  /// Sets what is not counted as it happens: levels, and sums over partitions and groups.
  void refresh_metrics();
  /// What requests see of it.
  [[nodiscard]] ShardServices& services() { return services_; }
  [[nodiscard]] GroupService& groups() { return *groups_; }

  /// The cluster as this shard knows it. Take a copy of the pointer before suspending.
  [[nodiscard]] const std::shared_ptr<const cluster::ClusterImage>& image() const { return cluster_.image(); }
  void install(std::shared_ptr<const cluster::ClusterImage> image);

  /// What the logs of this shard are opened with. Any thread.
  [[nodiscard]] env::Files& log_files() { return open_files_; }

  /// A partition that lives here, or null.
  [[nodiscard]] Partition* find(const Uuid& topic_id, std::int32_t index) { return partitions_.find(topic_id, index); }
  void put(std::shared_ptr<Partition> partition);
  /// One that will live here. Any thread.
  [[nodiscard]] std::shared_ptr<Partition> make_partition(TopicPartition name, Uuid topic_id,
                                                          const cluster::Partition& key, const TopicSettings& settings,
                                                          std::unique_ptr<log::Log> log) {
    PartitionHost& host = *this;
    return std::make_shared<Partition>(context_, host, std::move(name), topic_id, key, settings, std::move(log));
  }
  /// Destroys what holds unanswered requests; the node is gone.
  void drop_requests();
  /// Takes the partitions of a topic out; who waits for them is told that they are gone. Returns when nothing of ours
  /// works on their files any more, so that their directories may lose their names.
  awaitable<std::vector<std::shared_ptr<Partition>>> remove(Uuid topic_id);

  template <class F>
  void for_each_partition(F f) const {
    partitions_.for_each(f);
  }

  // Start and stop, in this order; each on this shard.
  /// Opens the logs of every partition that lives here. Returns those whose recovery could not show that nothing was
  /// lost.
  awaitable<Result<std::vector<UncertainLog>>> open_logs();
  /// Loads the groups and begins to look after the logs.
  void start();
  /// Takes no further request, ends parked fetches, groups and housekeeping; the connections end as soon as what they
  /// wait for is answered.
  void stop_serving();
  /// Returns when no connection and no request is left here. From `patience` on nobody waits for a peer to read.
  awaitable<bool> end_requests(Instant patience);
  /// Returns when every task has ended; nothing starts one any more.
  awaitable<bool> end_tasks();
  /// Syncs and closes every log; false when one did not end well, so that the stop was not clean.
  awaitable<bool> close_logs();

  // Connections.
  /// Counted by the acceptor on the first shard, so that it can choose the shard with the fewest without asking.
  [[nodiscard]] std::size_t connections_assigned() const {
    return connections_assigned_.load(std::memory_order_relaxed);
  }
  void assign_connection() { connections_assigned_.fetch_add(1, std::memory_order_relaxed); }
  void adopt(std::unique_ptr<env::Stream> stream, const BoundListener& listener);
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  [[nodiscard]] const std::vector<std::shared_ptr<Connection>>& connections() const { return connections_; }
  /// The next look at the logs is now, not when it is due.
  void look_soon() {
    looks_soon_ = true;
    look_timer_->cancel();
  }

 private:
  void sync_soon(log::Log& log) override;
  void was_synced(log::Log& log, const Result<void>& outcome) override;
  void sync_now(Partition& partition) override { syncer_.start(partition); }
  void sync_soon(Partition& partition) override { syncer_.put_off(partition); }
  void sync_by_time(Partition& partition) override { syncer_.begin_timing(partition); }
  void sync_slots(std::move_only_function<void()> then) override { slot_syncer_.sync(std::move(then)); }
  void checkpoint_soon(std::shared_ptr<Partition> partition) override;
  /// Over the shard's part of the broker's limit the longest idle are forgotten, of the partitions that remember the
  /// most.
  void producers_came(std::size_t count) override;
  void work_ended() override { work_ended_.notify_all(); }
  void start_request(Request request, Responder responder) override;
  void request_ended() override;
  void wake_sweep() override {
    if (sweep_sleeps_) sweep_timer_->cancel();
  }
  void adopt(std::shared_ptr<Connection> connection) override;
  void serve(std::shared_ptr<Connection> connection);
  awaitable<void> run_connection(std::shared_ptr<Connection> connection);
  awaitable<void> sweep_connections();
  void return_memory();
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
    bool is_new = false;                        ///< its directory was made and is not synced
  };
  /// Any thread.
  Result<OpenedLog> open_log(const WantedLog& wanted);
  /// Checkpoints that were begun, to be run together.
  using Removals = std::vector<std::pair<std::shared_ptr<Partition>, log::RemovalJob>>;
  struct ToSave {
    std::vector<std::shared_ptr<Partition>> partitions;
    std::vector<log::CheckpointJob> jobs;
    Removals removals;
  };
  awaitable<void> look_after_logs();
  awaitable<void> look_after(Partition& partition, ToSave& to_save);
  awaitable<void> save(ToSave begun);
  awaitable<void> remove(Removals removals);
  awaitable<void> checkpoint(Partition& partition);
  awaitable<void> compact(Partition& partition, log::CompactionJob& job);
  void note_ends(Partition& partition);
  /// Logs the error; a failed disk takes the directory offline. What can be made anew or tried again is not final.
  void note_failure(std::string_view what, const Error& error);
  void note_failure(std::string_view what, const Error& error, bool is_final);

  Node& node_;
  env::Shard& shard_;
  ShardContext context_;
  env::Event connection_or_requests_ended_;
  env::Event work_ended_;  ///< of a retired partition
  Syncer syncer_;
  SlotSyncer slot_syncer_;
  RequestRoom room_;
  LargeReads large_reads_;
  log::OpenFiles open_files_;
  std::unique_ptr<GroupService> groups_;
  ClusterView cluster_;
  PartitionTable partitions_;
  ShardServices services_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> connections_assigned_{0};
  std::unique_ptr<env::Timer> look_timer_;
  std::unique_ptr<env::Timer> sweep_timer_;
  bool sweeping_ = false;
  bool sweep_sleeps_ = false;  ///< until the first connection was idle for too long
  bool started_ = false;
  bool logs_are_lent_ = false;  ///< to the pool, which closes them
  bool looks_soon_ = false;
  /// Not answered or dropped yet, also those whose connection is gone: a stop waits for them, since they may be on
  /// their way to a log.
  std::size_t requests_ = 0;
  std::size_t producers_ = 0;  ///< at least as many as are remembered: who expires is not taken off at once
};

/// Runs the coroutine that `make` returns on the shard of `there` and resumes on the shard of `here` with its result.
/// Call on `here`'s thread.
template <class F, class T = typename std::invoke_result_t<F&>::value_type>
awaitable<T> await_on(ShardBroker& here, ShardBroker& there, F make) {
  return await_on(here.services(), there.services(), std::move(make));
}

}  // namespace mq::broker

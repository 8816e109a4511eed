#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/all_shards.h"
#include "broker/bound_listener.h"
#include "broker/cluster_join.h"
#include "broker/connection_limits.h"
#include "broker/metrics.h"
#include "broker/node_context.h"
#include "broker/services.h"
#include "cluster/image.h"
#include "controller/upkeep_plans.h"
#include "env/network.h"
#include "env/task_group.h"
#include "meta/metadata_store.h"

namespace mq::broker {

class Acceptor;
class Administration;
class IsrWriter;
class LogKeeper;
class LogOpening;
class Caretaker;
class Membership;
class MetadataFollower;
class PeerWatch;
class MetadataWriter;
class ProducerIds;
class ShardBroker;
class StoreAcceptance;
class Topics;
using controller::UncertainLog;

/// One broker. Made, started and stopped on the first shard; works the same on real and on simulated machines.
class Node final : private AllShards, private StartingShards {
 public:
  Node(NodeEnv env, NodeConfig config);
  /// Does no I/O: destroying a running node is a `kill -9`.
  ~Node();

  /// Listens, opens the data directory, loads the metadata, recovers the logs, and then begins to serve those who
  /// connected meanwhile too. When it fails before it has opened the directory, nothing was made.
  awaitable<Result<void>> start();
  /// Graceful stop: listeners, connections (what was asked is answered, unless the client does not read), groups,
  /// tasks, logs synced, clean marker. False: not all of it went well, and the next start checks the logs.
  awaitable<bool> stop();

  /// Other settings from now on, in every shard on return unless the node stops. Of the fields only those that are read
  /// whenever they count may differ: what dynamic options set. On the first shard.
  awaitable<void> reconfigure(NodeConfig config);

  [[nodiscard]] NodeContext& context() { return context_; }
  [[nodiscard]] DiskHealth& disk_health() { return context_.disk_health; }
  [[nodiscard]] const DiskHealth& disk_health() const { return context_.disk_health; }
  [[nodiscard]] DiskSpace& disk_space() { return context_.disk_space; }
  [[nodiscard]] const DiskSpace& disk_space() const { return context_.disk_space; }
  /// In force at this moment. The reference stays valid while the node lives. Any thread.
  [[nodiscard]] const NodeConfig& config() const { return context_.config(); }
  [[nodiscard]] const NodeEnv& machine() const { return context_.machine; }
  [[nodiscard]] env::Logger& logger() const { return context_.logger(); }
  /// What requests see of it.
  [[nodiscard]] NodeServices& services() { return services_; }
  [[nodiscard]] const Listeners& listeners() const { return listeners_; }
  [[nodiscard]] const Uuid& cluster_id() const;
  [[nodiscard]] BrokerId id() const { return config().node_id; }
  /// False until `start` has opened the data directory.
  [[nodiscard]] bool has_log_dir() const { return context_.opened_log_dir != nullptr; }
  [[nodiscard]] log::LogDir& log_dir() const { return context_.log_dir(); }
  [[nodiscard]] meta::MetadataStore& store() const;
  [[nodiscard]] Topics& topics() const { return *topics_; }
  [[nodiscard]] ProducerIds& producer_ids() const { return *producer_ids_; }

  [[nodiscard]] const std::vector<std::unique_ptr<ShardBroker>>& shards() const { return shards_; }
  /// The shard whose thread alone touches this partition. A pure function, so that every shard agrees.
  [[nodiscard]] ShardBroker& owner_of(const Uuid& topic_id, std::int32_t partition) const;
  [[nodiscard]] ShardBroker& first_shard() const { return *shards_.front(); }

  /// During a start on metadata that has gone back: the epochs that it has are not the last ones. Any thread.
  [[nodiscard]] bool accepts_store() const;
  /// Why the start waits with all that a broker does: the metadata store is not the one that it knew. Nothing: it does
  /// not. On the first shard.
  [[nodiscard]] std::optional<std::string> why_held() const;
  [[nodiscard]] bool is_offline() const { return context_.disk_health.is_offline(); }
  [[nodiscard]] bool is_stopping() const { return context_.life.is_stopping(); }
  [[nodiscard]] DescriptorShares descriptors() const { return context_.descriptors(); }
  /// Any thread.
  [[nodiscard]] std::size_t connection_count() const { return connection_limits_.count(); }
  /// Hold between any two tasks of the first shard; each shard has its own, too.
  void check_invariants() const;

 private:
  /// Nothing more is acknowledged.
  void go_offline(const Error& error);
  /// Any thread.
  void look_after_logs_soon();
  void tell_recovery(Duration took);
  /// Returns when the store is the one that this directory knew, or was accepted in its stead.
  awaitable<Result<ClusterJoin::Found>> look_at_store(Uuid wanted);
  /// From now on the listeners answer what says that this broker waits, and why.
  awaitable<void> hold(const cluster::ClusterImage& seen, const std::string& why);
  awaitable<bool> install(ImagePtr image) override;
  /// Puts `base_` in force with what `image` has for this broker and for all.
  void take_settings(const cluster::ClusterImage& image);
  env::Files& files_of(const Uuid& topic, std::int32_t partition) override;
  awaitable<bool> put(std::vector<std::unique_ptr<log::Log>> logs, ImagePtr image) override;
  awaitable<bool> registered(cluster::BrokerEpoch epoch) override;
  awaitable<std::vector<std::int32_t>> without_log(Uuid topic, std::vector<std::int32_t> partitions) override;
  awaitable<bool> take(Uuid topic) override;
  awaitable<bool> take(Uuid topic, std::vector<std::int32_t> partitions) override;
  awaitable<bool> topics_deleted(std::vector<cluster::TopicPtr> topics) override;
  awaitable<bool> topics_are_gone(std::vector<cluster::TopicPtr> topics) override;
  awaitable<Result<std::vector<UncertainLog>>> open_logs(std::set<std::pair<Uuid, PartitionId>> not_made) override;
  awaitable<bool> hold_appends(std::vector<UncertainLog> logs) override;
  awaitable<void> end_serving();

  NodeContext context_;
  NodeConfig base_;  ///< as file and command line say
  /// What of it is set in metadata, and in force with it.
  struct LiveOptions {
    cluster::ConfigMap own;
    cluster::ConfigMap all;
    friend bool operator==(const LiveOptions&, const LiveOptions&) = default;
  };
  LiveOptions live_;
  ConnectionLimits connection_limits_;
  bool is_open_ = false;  ///< all logs are: a stop can be a clean one
  NodeServices services_{{.context = context_,
                          .listeners = listeners_,
                          .topics = topics_,
                          .producer_ids = producer_ids_,
                          .administration = administration_,
                          .store_acceptance = store_acceptance_}};
  std::vector<std::unique_ptr<ShardBroker>> shards_;
  std::unique_ptr<MetadataWriter> writer_;
  std::unique_ptr<LogKeeper> log_keeper_;
  std::unique_ptr<Topics> topics_;
  std::unique_ptr<ProducerIds> producer_ids_;
  std::unique_ptr<ClusterJoin> join_;
  std::unique_ptr<StoreAcceptance> store_acceptance_;
  std::unique_ptr<Membership> membership_;
  std::unique_ptr<IsrWriter> isr_writer_;
  std::unique_ptr<PeerWatch> peer_watch_;
  std::unique_ptr<Caretaker> caretaker_;
  std::unique_ptr<MetadataFollower> follower_;
  std::unique_ptr<Administration> administration_;
  std::unique_ptr<LogOpening> log_opening_;
  Listeners listeners_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace mq::broker

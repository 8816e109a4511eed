#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/bound_listener.h"
#include "broker/connection_limits.h"
#include "broker/data_directory.h"
#include "broker/metrics.h"
#include "broker/node_context.h"
#include "broker/services.h"
#include "cluster/image.h"
#include "env/network.h"
#include "env/task_group.h"
#include "meta/metadata_store.h"
#include "meta/store_source.h"

namespace mq::broker {

class Acceptor;
class ProducerIds;
class ShardBroker;
class Topics;
struct UncertainLog;

/// One broker. Made, started and stopped on the first shard; works the same on real and on simulated machines.
class Node {
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
  [[nodiscard]] const Uuid& cluster_id() const { return cluster_id_; }
  [[nodiscard]] BrokerId id() const { return config().node_id; }
  /// False until `start` has opened the data directory.
  [[nodiscard]] bool has_log_dir() const { return context_.opened_log_dir != nullptr; }
  [[nodiscard]] log::LogDir& log_dir() const { return context_.log_dir(); }
  [[nodiscard]] meta::MetadataStore& store() const { return *store_; }
  [[nodiscard]] Topics& topics() const { return *topics_; }
  [[nodiscard]] ProducerIds& producer_ids() const { return *producer_ids_; }

  [[nodiscard]] const std::vector<std::unique_ptr<ShardBroker>>& shards() const { return shards_; }
  /// The shard whose thread alone touches this partition. A pure function, so that every shard agrees.
  [[nodiscard]] ShardBroker& owner_of(const Uuid& topic_id, std::int32_t partition) const;
  [[nodiscard]] ShardBroker& first_shard() const { return *shards_.front(); }

  /// Everything that changes metadata goes through here: the revision is remembered outside of the store, so that a
  /// start notices when the store has gone back in time. Fills in the write id. On the first shard.
  awaitable<Result<meta::Revision>> commit(meta::Transaction transaction);
  /// During a start on metadata that has gone back: the epochs that it has are not the last ones. Any thread.
  [[nodiscard]] bool accepts_store() const { return accepts_store_; }
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
  struct OpenedMetadata {
    meta::Revision revision;
    std::vector<std::string> orphans;  ///< keys that a creation or a deletion left when it was cut off
    Unclaimed unclaimed;
  };
  /// `wanted` is the cluster that this must be, or zero.
  awaitable<Result<OpenedMetadata>> open_metadata(Uuid wanted);
  /// Refuses metadata that has gone back in time, unless the operator accepts it.
  awaitable<Result<Unclaimed>> check_store(meta::Revision revision, const cluster::ClusterImage& image);
  /// Nothing that was given out under the metadata that was lost is given out again.
  awaitable<Result<void>> end_acceptance();
  /// Durably.
  awaitable<Result<void>> remember_revision(std::int64_t revision);
  /// The revision of the last commit is remembered soon.
  void note_revision();
  /// Moves what metadata does not name out of the way, and forgets the deleted topics of which nothing is left.
  awaitable<Result<void>> tidy_up(OpenedMetadata found);
  awaitable<Result<void>> open_partitions();
  /// The disk was too full to raise their epochs: they take no appends until it is done.
  awaitable<void> hold_appends(const std::vector<UncertainLog>& logs);
  awaitable<bool> raise_epochs_late(std::vector<UncertainLog> logs);
  awaitable<void> end_serving();

  NodeContext context_;
  ConnectionLimits connection_limits_;
  Uuid cluster_id_;
  std::unique_ptr<meta::MetadataStore> store_;
  meta::Revision revision_;     ///< of the last commit that we know of
  bool accepts_store_ = false;  ///< changed while no shard opens logs
  bool is_open_ = false;        ///< all logs are: a stop can be a clean one
  NodeServices services_{{.context = context_,
                          .cluster_id = cluster_id_,
                          .listeners = listeners_,
                          .topics = topics_,
                          .producer_ids = producer_ids_}};
  std::vector<std::unique_ptr<ShardBroker>> shards_;
  std::unique_ptr<Topics> topics_;
  std::unique_ptr<ProducerIds> producer_ids_;
  Listeners listeners_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace mq::broker

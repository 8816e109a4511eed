#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/connection_rate.h"
#include "broker/data_directory.h"
#include "broker/descriptors.h"
#include "broker/disk_space.h"
#include "broker/metrics.h"
#include "broker/node_config.h"
#include "cluster/image.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/logger.h"
#include "env/network.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "log/log_dir.h"
#include "meta/metadata_store.h"
#include "meta/store_source.h"

namespace mq::broker {

class Connection;
class ExtraFrame;
class FetchSessionSlots;
class ProducerIds;
class ShardBroker;
class Topics;

/// The machine that a node runs on: everything that is not a decision. All of it outlives the node.
struct NodeEnv {
  std::vector<env::Shard*> shards;  ///< at least one; the first also runs what exists once (metadata, listeners)
  env::Files& files;
  env::Pool& disk_pool;      ///< fdatasync, cold reads, large decompressions, compaction
  env::Pool& metadata_pool;  ///< one thread: the embedded store, and what must not wait for a sync of the logs
  env::Random& random;
  env::Logger& logger;
  meta::StoreSource store;
  std::size_t descriptors_max = 0;      ///< that the process may have open; 0: without limit
  std::function<void()> return_memory;  ///< gives the machine what is free, on the pool; may be empty
};

/// A listener and what clients that came in through it are told.
struct BoundListener {
  ListenerConfig config;
  env::Address address;  ///< with the real port
  std::unique_ptr<env::Listener> listener;
};

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

  /// In force at this moment. The reference stays valid while the node lives. Any thread.
  [[nodiscard]] const NodeConfig& config() const { return *config_.load(std::memory_order_acquire); }
  [[nodiscard]] const NodeEnv& machine() const { return env_; }
  [[nodiscard]] env::Logger& logger() const { return env_.logger; }
  [[nodiscard]] const std::vector<std::unique_ptr<BoundListener>>& listeners() const { return listeners_; }
  [[nodiscard]] const Uuid& cluster_id() const { return cluster_id_; }
  [[nodiscard]] BrokerId id() const { return config().node_id; }
  /// False until `start` has opened the data directory.
  [[nodiscard]] bool has_log_dir() const { return log_dir_ != nullptr; }
  [[nodiscard]] log::LogDir& log_dir() const { return *log_dir_; }
  [[nodiscard]] meta::MetadataStore& store() const { return *store_; }
  [[nodiscard]] Topics& topics() const { return *topics_; }
  [[nodiscard]] ProducerIds& producer_ids() const { return *producer_ids_; }

  [[nodiscard]] const std::vector<std::unique_ptr<ShardBroker>>& shards() const { return shards_; }
  /// The shard whose thread alone touches this partition. A pure function, so that every shard agrees.
  [[nodiscard]] ShardBroker& owner_of(const Uuid& topic_id, std::int32_t partition) const;
  [[nodiscard]] ShardBroker& first_shard() const { return *shards_.front(); }

  [[nodiscard]] std::uint64_t next_connection_id() { return connection_ids_.fetch_add(1, std::memory_order_relaxed); }
  /// The data directory failed (D-1): nothing more is acknowledged from it. Any thread.
  void disk_failed(const Error& error);
  /// The disk could not give what the data directory has somewhere: counted, and kept for /readyz; that place alone is
  /// not served. Who meets it tells the operator. Any thread.
  void read_failed(const Error& error);
  struct FailedReads {
    std::uint64_t count = 0;
    std::string last;  ///< with file and position
  };
  /// Any thread.
  [[nodiscard]] FailedReads failed_reads() const;
  [[nodiscard]] DiskSpace& disk_space() const { return *disk_space_; }
  /// LogDir::note_synced was called: what it noted is written soon. Any thread.
  void note_synced_ends();
  /// Everything that changes metadata goes through here: the revision is remembered outside of the store, so that a
  /// start notices when the store has gone back in time. Fills in the write id. On the first shard.
  awaitable<Result<meta::Revision>> commit(meta::Transaction transaction);
  /// During a start on metadata that has gone back: the epochs that it has are not the last ones. Any thread.
  [[nodiscard]] bool accepts_store() const { return accepts_store_; }
  [[nodiscard]] bool is_offline() const { return offline_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_stopping() const { return stopping_.load(std::memory_order_relaxed); }
  /// Being destroyed: nobody is answered any more.
  [[nodiscard]] bool is_gone() const { return gone_.load(std::memory_order_relaxed); }
  /// As connections and the open files of logs share them now. Any thread.
  [[nodiscard]] DescriptorShares descriptors() const {
    return share_descriptors(env_.descriptors_max, config().connections_max, env_.shards.size());
  }
  [[nodiscard]] std::size_t connection_count() const { return connections_.load(std::memory_order_relaxed); }
  /// Any thread.
  void release_connection(const env::Address& from);
  [[nodiscard]] const std::shared_ptr<FetchSessionSlots>& fetch_session_slots() const { return fetch_session_slots_; }
  [[nodiscard]] const std::shared_ptr<ExtraFrame>& extra_frame() const { return extra_frame_; }

 private:
  void keep(NodeConfig config);
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
  awaitable<void> write_synced_ends();
  awaitable<Result<void>> open_partitions();
  Result<void> listen();
  awaitable<void> accept_on(BoundListener& bound);
  /// When the connection may be served, and it counts until it is released; or the limit that it would be over.
  [[nodiscard]] std::expected<Instant, ConnectionLimit> take_connection(const env::Address& from);
  /// Forgets the addresses that nobody has come from lately, when there are many.
  void forget_sources();
  void serve(std::unique_ptr<env::Stream> stream, const BoundListener& bound);
  void delay(std::unique_ptr<env::Stream> stream, const BoundListener& bound, Instant until);
  awaitable<void> serve_delayed();
  awaitable<void> end_serving();

  NodeEnv env_;
  // Somebody may still look at an earlier one; they are few, since each took a person to make.
  std::vector<std::unique_ptr<const NodeConfig>> configs_;
  std::atomic<const NodeConfig*> config_{nullptr};
  Uuid cluster_id_;
  std::unique_ptr<log::LogDir> log_dir_;
  std::unique_ptr<meta::MetadataStore> store_;
  std::shared_ptr<ExtraFrame> extra_frame_;
  meta::Revision revision_;     ///< of the last commit that we know of
  bool accepts_store_ = false;  ///< changed while no shard opens logs
  bool is_open_ = false;        ///< all logs are: a stop can be a clean one
  std::vector<std::unique_ptr<ShardBroker>> shards_;
  std::unique_ptr<DiskSpace> disk_space_;
  std::unique_ptr<Topics> topics_;
  std::unique_ptr<ProducerIds> producer_ids_;
  std::vector<std::unique_ptr<BoundListener>> listeners_;
  std::unique_ptr<env::TaskGroup> acceptors_;
  std::atomic<std::uint64_t> connection_ids_{1};
  std::atomic<std::size_t> connections_{0};
  // Accepting is the first shard's; so is what follows.
  struct Source {
    std::size_t connections = 0;
    ConnectionRate rate;
  };
  boost::unordered_flat_map<std::string, Source> sources_;  ///< by IP address
  std::size_t sources_looked_at_ = 0;                       ///< how many there were when `forget_sources` last looked
  ConnectionRate rate_;                                     ///< of all listeners
  struct Delayed {
    std::unique_ptr<env::Stream> stream;
    const BoundListener* bound = nullptr;
  };
  std::multimap<Instant, Delayed> delayed_;  ///< taken, to be served then
  std::unique_ptr<env::Timer> delay_timer_;
  std::shared_ptr<FetchSessionSlots> fetch_session_slots_;
  std::atomic<bool> offline_{false};
  mutable std::mutex failed_reads_mutex_;  ///< guards what follows
  FailedReads failed_reads_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> gone_{false};
  std::atomic<bool> synced_ends_noted_{false};  ///< since what is to be written was gathered last
  bool writes_synced_ends_ = false;             ///< the coroutine runs; the first shard's
  std::unique_ptr<env::Timer> synced_ends_timer_;
};

}  // namespace mq::broker

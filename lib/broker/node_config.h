#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/effective.h"
#include "config/option.h"
#include "env/network.h"
#include "model/ids.h"

namespace mq::broker {

/// One `--listen` with what its clients are told.
struct ListenerConfig {
  std::string name = "plain";
  env::Address address;
  std::string advertised_host;        ///< empty: the local address of each connection
  std::uint16_t advertised_port = 0;  ///< 0: the port listened on
};

/// What a node is told when it starts. Plain values, already validated.
struct NodeConfig {
  std::string data_dir;
  BrokerId node_id{1};         ///< kNoBroker: that of the data, or one that the cluster gives it
  std::string cluster_id;      ///< empty: from the data, or made
  bool accept_store = false;   ///< go on with metadata that has gone back in time
  bool adopt = false;          ///< a directory of a broker alone becomes the first member of a cluster
  bool disk_replaced = false;  ///< a new directory takes over `node_id`, whose own is gone
  std::vector<ListenerConfig> listeners;

  bool auto_create_topics = true;
  bool delete_topics = true;
  bool preferred_leaders = true;  ///< auto.leader.rebalance.enable
  std::int32_t partitions_default = 1;
  std::int32_t replicas_default = 3;    ///< default.replication.factor; fewer where there are fewer brokers
  std::string rack;                     ///< broker.rack, told to clients; empty: none
  std::string inter_broker_listener;    ///< inter.broker.listener.name; empty: the first that is no unix socket
  std::int64_t reassignment_rate = -1;  ///< mq.reassignment.rate, bytes a second; below 1: no limit
  Duration session_timeout = 3s;        ///< mq.session.timeout.ms; the store may grant more
  /// Broker-wide topic defaults by topic option name ("retention.ms"), below what a topic sets itself.
  config::Overrides topic_defaults;
  /// What was set in file, option or -X, by broker option name.
  config::Overrides broker_options;
  /// See the functions of these names. Empty: nothing is set in metadata.
  config::Layers option_layers;
  config::Layers default_layers;
  std::string log_level;  ///< mq.log.level; empty: not from options

  std::int32_t request_bytes_max = 100 << 20;         ///< socket.request.max.bytes
  std::size_t queued_request_bytes_max = 256u << 20;  ///< queued.max.request.bytes, all shards together
  std::size_t connections_max = 10'000;
  std::size_t connections_per_ip_max = 2'147'483'647;  ///< max.connections.per.ip
  std::int64_t connection_rate_max = 2'147'483'647;    ///< max.connection.creation.rate
  std::int64_t connection_rate_per_ip_max = 500;       ///< mq.max.connection.creation.rate.per.ip
  Duration connections_max_idle = 10min;
  /// What one request may name, together, of topics, partitions, groups and whatever else it lists (N-19).
  std::size_t partitions_per_request_max = 100'000;
  std::int32_t fetch_bytes_max = 55 << 20;  ///< fetch.max.bytes
  std::size_t fetch_sessions_max = 1000;    ///< max.incremental.fetch.session.cache.slots
  std::int32_t partitions_total_max = 200'000;

  std::int32_t offsets_partitions = 50;            ///< offsets.topic.num.partitions
  std::int32_t offsets_replicas_default = 3;       ///< offsets.topic.replication.factor; fewer of fewer brokers
  std::int32_t offsets_segment_bytes = 100 << 20;  ///< offsets.topic.segment.bytes
  Duration offsets_retention = 7 * 24h;
  Duration offsets_retention_check_interval = 10min;
  Duration group_session_timeout_min = 6s;
  Duration group_session_timeout_max = 30min;
  Duration group_initial_rebalance_delay = 0s;  ///< Kafka waits 3 s; a shell should not
  std::int32_t group_members_max = 1000;
  std::size_t groups_max = 100'000;
  std::size_t group_bytes_max = 256u << 20;  ///< mq.group.memory.bytes, all shards together
  std::int32_t offset_metadata_chars_max = 4096;

  Duration replica_lag_max = 30s;  ///< a follower that lags behind for so long leaves the ISR

  Duration producer_expiration = 24h;                 ///< producer.id.expiration.ms
  std::size_t producers_max = 1'000'000;              ///< idempotent producers remembered, counted in each partition
  bool compaction = true;                             ///< log.cleaner.enable
  std::uint64_t compaction_memory_bytes = 16u << 20;  ///< log.cleaner.dedupe.buffer.size
  Duration housekeeping_interval = 30s;               ///< retention, compaction, old segments
  std::uint64_t disk_reserve_bytes = 16u << 20;       ///< mq.disk.reserve.bytes
};

/// Takes the broker options (file, command line) into `config`: limits, groups, topic defaults. What only a process can
/// do (listeners, directories) is left to the caller. invalid_argument: an unknown name or a bad value, with what would
/// be right.
[[nodiscard]] Result<void> apply_options(const config::Overrides& options, NodeConfig& config);

/// `base` with what metadata has for this broker (`own`) and for all brokers, which counts more than file and command
/// line; what this version does not know of it is passed over. invalid_argument: together they make no sense.
[[nodiscard]] Result<NodeConfig> with_live_options(const NodeConfig& base, const config::Overrides& own,
                                                   const config::Overrides& all);

/// invalid_argument: a broker with the file and command line of `config` could not use these.
[[nodiscard]] Result<void> check_live_options(const NodeConfig& config, const config::Overrides& own,
                                              const config::Overrides& all);

/// What is in force, by where it comes from: the options of the broker, and the defaults of topics.
[[nodiscard]] config::Layers option_layers(const NodeConfig& config);
[[nodiscard]] config::Layers default_layers(const NodeConfig& config);

}  // namespace mq::broker

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/option.h"

namespace mq::config {

/// The settings of one broker, typed; those that are defaults of topics come from `topic_defaults`.
struct BrokerConfig {
  std::int32_t node_id = 0;
  std::string cluster_id;     ///< empty: the one in the data, or a new one
  std::string rack;           ///< empty: none
  std::string meta;           ///< URL of the cluster's store; empty: a store of its own
  std::string meta_password;  ///< `file:PATH`, `cred:NAME`; empty: none
  Duration session_timeout{};
  std::string inter_broker_listener;              ///< empty: the first that is no unix socket
  std::vector<std::string> listeners;             ///< NAME://HOST:PORT or unix:PATH
  std::vector<std::string> advertised_listeners;  ///< empty: the address of each connection
  std::vector<std::string> log_dirs;              ///< empty: the place for data of this user
  std::int32_t threads = 0;                       ///< 0: one per core
  std::string log_level;                          ///< debug, info, warn or error
  std::string metrics_listen;                     ///< empty: no HTTP

  bool auto_create_topics = true;
  bool delete_topics = true;
  bool preferred_leaders = true;  ///< auto.leader.rebalance.enable
  std::int32_t partitions_default = 0;
  std::int32_t replication_factor_default = 0;

  std::int32_t request_bytes_max = 0;
  std::int64_t queued_request_bytes_max = 0;
  std::int32_t connections_max = 0;
  std::int32_t connections_per_ip_max = 0;
  std::int32_t connection_rate_max = 0;
  std::int32_t connection_rate_per_ip_max = 0;
  std::int64_t reassignment_rate = -1;
  Duration connection_idle_max{};
  std::int32_t fetch_bytes_max = 0;
  std::int32_t fetch_sessions_max = 0;
  Duration producer_id_expiration{};

  std::int32_t offsets_partitions = 0;
  std::int32_t offsets_replication_factor = 0;
  std::int32_t offsets_segment_bytes = 0;
  Duration offsets_retention{};
  Duration offsets_retention_check_interval{};
  std::int32_t offset_metadata_chars_max = 0;
  Duration group_session_timeout_min{};
  Duration group_session_timeout_max{};
  Duration group_initial_rebalance_delay{};
  std::int32_t group_members_max = 0;
  std::int64_t group_bytes_max = 0;

  Duration retention_check_interval{};
  bool cleaner_enabled = true;
  std::int64_t cleaner_memory_bytes = 0;
  std::int64_t disk_reserve_bytes = 0;
};

/// Has the options of a member of a cluster that nobody set: where several brokers are, three replicas of which two are
/// in sync are the default. Nothing when `overrides` name no store of a cluster.
void add_member_defaults(Overrides& overrides);

/// invalid_argument: an unknown name, a value out of range, or values that do not go together.
[[nodiscard]] Result<BrokerConfig> resolve_broker_config(const Overrides& overrides);

}  // namespace mq::config

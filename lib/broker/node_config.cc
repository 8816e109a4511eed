#include "broker/node_config.h"

#include <utility>

#include "config/broker_config.h"
#include "config/effective.h"
#include "config/topic_config.h"

namespace mq::broker {

Result<void> apply_options(const config::Overrides& options, NodeConfig& config) {
  MQ_TRY(const config::BrokerConfig broker, config::resolve_broker_config(options));
  MQ_TRY(config.topic_defaults, config::topic_defaults(options));
  // Each alone may be fine and the whole not (a segment smaller than a message): say so now, not at the first topic.
  MQ_TRY(const config::TopicConfig whole, config::resolve_topic_config({}, config.topic_defaults));
  (void)whole;
  const bool is_member = !broker.meta.empty();
  for (const auto& [name, replicas] :
       {std::pair("default.replication.factor", broker.replication_factor_default),
        std::pair("offsets.topic.replication.factor", broker.offsets_replication_factor)})
    if (replicas != 1 && !is_member)
      return fail(Errc::invalid_argument, "{} = {}, but this broker is alone: only 1 can be", name, replicas);
  config.broker_options = options;
  config.auto_create_topics = broker.auto_create_topics;
  config.delete_topics = broker.delete_topics;
  config.partitions_default = broker.partitions_default;
  config.replicas_default = broker.replication_factor_default;
  config.offsets_replicas_default = broker.offsets_replication_factor;
  config.rack = broker.rack;
  config.inter_broker_listener = broker.inter_broker_listener;
  config.session_timeout = broker.session_timeout;
  config.request_bytes_max = broker.request_bytes_max;
  config.queued_request_bytes_max = static_cast<std::size_t>(broker.queued_request_bytes_max);
  config.connections_max = static_cast<std::size_t>(broker.connections_max);
  config.connections_per_ip_max = static_cast<std::size_t>(broker.connections_per_ip_max);
  config.connection_rate_max = broker.connection_rate_max;
  config.connection_rate_per_ip_max = broker.connection_rate_per_ip_max;
  config.connections_max_idle = broker.connection_idle_max;
  config.fetch_bytes_max = broker.fetch_bytes_max;
  config.fetch_sessions_max = static_cast<std::size_t>(broker.fetch_sessions_max);
  config.offsets_partitions = broker.offsets_partitions;
  config.offsets_segment_bytes = broker.offsets_segment_bytes;
  config.offsets_retention = broker.offsets_retention;
  config.offsets_retention_check_interval = broker.offsets_retention_check_interval;
  config.group_session_timeout_min = broker.group_session_timeout_min;
  config.group_session_timeout_max = broker.group_session_timeout_max;
  config.group_initial_rebalance_delay = broker.group_initial_rebalance_delay;
  config.group_members_max = broker.group_members_max;
  config.group_bytes_max = static_cast<std::size_t>(broker.group_bytes_max);
  config.offset_metadata_chars_max = broker.offset_metadata_chars_max;
  config.producer_expiration = broker.producer_id_expiration;
  config.compaction = broker.cleaner_enabled;
  config.compaction_memory_bytes = static_cast<std::uint64_t>(broker.cleaner_memory_bytes);
  config.housekeeping_interval = broker.retention_check_interval;
  config.disk_reserve_bytes = static_cast<std::uint64_t>(broker.disk_reserve_bytes);
  return {};
}

}  // namespace mq::broker

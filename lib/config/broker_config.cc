#include "config/broker_config.h"

#include "base/mutant.h"
#include "config/topic_config.h"
#include "config/typed_options.h"

namespace mq::config {

void add_member_defaults(Overrides& overrides) {
  const auto meta = overrides.find("mq.meta");
  if (meta == overrides.end() || meta->second.empty()) return;
  overrides.try_emplace("default.replication.factor", "3");
  overrides.try_emplace("offsets.topic.replication.factor", "3");
  overrides.try_emplace("min.insync.replicas", is_mutant("minone") ? "1" : "2");
  // Its service ends no session earlier.
  if (meta->second.starts_with("zookeeper:")) overrides.try_emplace("mq.session.timeout.ms", "4000");
}

Result<BrokerConfig> resolve_broker_config(const Overrides& overrides) {
  const Overrides* const layers[] = {&overrides};
  MQ_TRY(const TypedOptions options, TypedOptions::resolve(broker_options(), layers));
  const auto span = [&](std::string_view name) { return saturated(options.millis(name)); };

  BrokerConfig config{
      .node_id = options.int32("node.id"),
      .cluster_id = options.text("mq.cluster.id"),
      .rack = options.text("broker.rack"),
      .meta = options.text("mq.meta"),
      .meta_password = options.text("mq.meta.password"),
      .session_timeout = span("mq.session.timeout.ms"),
      .inter_broker_listener = options.text("inter.broker.listener.name"),
      .listeners = options.list("listeners"),
      .advertised_listeners = options.list("advertised.listeners"),
      .log_dirs = options.list("log.dirs"),
      .threads = options.int32("mq.threads"),
      .log_level = options.text("mq.log.level"),
      .metrics_listen = options.text("mq.metrics.listen"),
      .auto_create_topics = options.boolean("auto.create.topics.enable"),
      .delete_topics = options.boolean("delete.topic.enable"),
      .preferred_leaders = options.boolean("auto.leader.rebalance.enable"),
      .partitions_default = options.int32("num.partitions"),
      .replication_factor_default = options.int32("default.replication.factor"),
      .request_bytes_max = options.int32("socket.request.max.bytes"),
      .queued_request_bytes_max = options.int64("queued.max.request.bytes"),
      .connections_max = options.int32("max.connections"),
      .connections_per_ip_max = options.int32("max.connections.per.ip"),
      .connection_rate_max = options.int32("max.connection.creation.rate"),
      .connection_rate_per_ip_max = options.int32("mq.max.connection.creation.rate.per.ip"),
      .reassignment_rate = options.int64("mq.reassignment.rate"),
      .connection_idle_max = span("connections.max.idle.ms"),
      .fetch_bytes_max = options.int32("fetch.max.bytes"),
      .fetch_sessions_max = options.int32("max.incremental.fetch.session.cache.slots"),
      .producer_id_expiration = span("producer.id.expiration.ms"),
      .offsets_partitions = options.int32("offsets.topic.num.partitions"),
      .offsets_replication_factor = options.int32("offsets.topic.replication.factor"),
      .offsets_segment_bytes = options.int32("offsets.topic.segment.bytes"),
      .offsets_retention = std::chrono::minutes(options.int64("offsets.retention.minutes")),
      .offsets_retention_check_interval = span("offsets.retention.check.interval.ms"),
      .offset_metadata_chars_max = options.int32("offset.metadata.max.bytes"),
      .group_session_timeout_min = span("group.min.session.timeout.ms"),
      .group_session_timeout_max = span("group.max.session.timeout.ms"),
      .group_initial_rebalance_delay = span("group.initial.rebalance.delay.ms"),
      .group_members_max = options.int32("group.max.size"),
      .group_bytes_max = options.int64("mq.group.memory.bytes"),
      .retention_check_interval = span("log.retention.check.interval.ms"),
      .cleaner_enabled = options.boolean("log.cleaner.enable"),
      .cleaner_memory_bytes = options.int64("log.cleaner.dedupe.buffer.size"),
      .disk_reserve_bytes = options.int64("mq.disk.reserve.bytes"),
  };
  if (config.listeners.empty())
    return fail(Errc::invalid_argument, "listeners is empty: nobody could reach this broker");
  if (config.group_session_timeout_min > config.group_session_timeout_max)
    return fail(Errc::invalid_argument, "group.min.session.timeout.ms is over group.max.session.timeout.ms");
  if (config.queued_request_bytes_max < config.request_bytes_max)
    return fail(Errc::invalid_argument,
                "queued.max.request.bytes ({}) is less than one request (socket.request.max.bytes, {})",
                config.queued_request_bytes_max, config.request_bytes_max);
  return config;
}

}  // namespace mq::config

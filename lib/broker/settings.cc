#include "broker/settings.h"

#include "config/topic_config.h"

namespace mq::broker {
namespace {

// What a batch may expand to, so that a small message cannot fill the memory (N-18).
record::DecompressLimits expansion_of(std::int32_t message_bytes_max) {
  return record::decompress_limits(static_cast<std::size_t>(message_bytes_max));
}

config::TopicConfig resolve(const config::Overrides& overrides, const NodeConfig& node) {
  for (const config::Overrides* topic : {&overrides, static_cast<const config::Overrides*>(nullptr)}) {
    auto resolved = config::resolve_topic_config(topic != nullptr ? *topic : config::Overrides{}, node.topic_defaults);
    if (resolved) return *resolved;
  }
  return config::resolve_topic_config({}).value();
}

}  // namespace

config::Overrides to_overrides(const cluster::ConfigMap& configs) { return {configs.begin(), configs.end()}; }

std::shared_ptr<const TopicSettings> resolve_settings(const cluster::ConfigMap& configs, const NodeConfig& node) {
  const config::TopicConfig topic = resolve(to_overrides(configs), node);
  auto log = std::make_shared<log::LogConfig>();
  log->segment_bytes = static_cast<std::uint64_t>(topic.segment_bytes);
  log->segment_ms = topic.segment_age_max.count();
  log->segment_jitter_ms = topic.segment_jitter.count();
  log->segment_index_bytes = static_cast<std::uint32_t>(topic.segment_index_bytes);
  log->index_interval_bytes = static_cast<std::uint32_t>(topic.index_interval_bytes);
  log->retention_ms = topic.retention ? topic.retention->count() : -1;
  log->retention_bytes = topic.retention_bytes.value_or(-1);
  log->cleanup_delete = topic.cleanup_delete;
  log->cleanup_compact = topic.cleanup_compact;
  log->delete_retention_ms = topic.delete_retention.count();
  log->min_cleanable_ratio = topic.cleanable_dirty_ratio_min;
  log->min_compaction_lag_ms = topic.compaction_lag_min.count();
  log->max_compaction_lag_ms = topic.compaction_lag_max.count();
  log->compaction_memory_bytes = node.compaction_memory_bytes;
  log->batch_bytes_max = static_cast<std::uint32_t>(topic.message_bytes_max);
  log->flush_on_ack = topic.flush == config::Flush::ack;
  log->flush_messages = topic.flush_messages;
  log->flush_interval = config::saturated(topic.flush_interval);
  log->preallocate = topic.preallocate;
  log->timestamp_type =
      topic.log_append_time ? record::TimestampType::log_append_time : record::TimestampType::create_time;
  log->file_delete_delay = config::saturated(topic.file_delete_delay);
  log->producer_expiration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(node.producer_expiration).count();

  auto settings = std::make_shared<TopicSettings>();
  settings->log = std::move(log);
  settings->insync_replicas_min = static_cast<std::size_t>(topic.insync_replicas_min);
  settings->unclean_leader_election = topic.unclean_leader_election;
  settings->replica_lag_max = node.replica_lag_max;
  settings->rules.batch_bytes_max = static_cast<std::size_t>(topic.message_bytes_max);
  settings->rules.decompress = expansion_of(topic.message_bytes_max);
  settings->rules.keys_required = topic.cleanup_compact;
  settings->rules.log_append_time = topic.log_append_time;
  settings->rules.timestamp_before_max_ms = topic.timestamp_before_max_ms;
  settings->rules.timestamp_after_max_ms = topic.timestamp_after_max_ms;
  return settings;
}

controller::SettingsOf plan_settings(const NodeConfig& node) {
  static constexpr std::string_view kMin = "min.insync.replicas";
  static constexpr std::string_view kUnclean = "unclean.leader.election.enable";
  return [&node, unset = resolve_settings({}, node)](const cluster::Topic& topic) {
    // Plans ask for every topic: only a few have a setting of their own.
    const bool has_own = topic.configs.contains(kMin) || topic.configs.contains(kUnclean);
    const auto settings = has_own ? resolve_settings(topic.configs, node) : unset;
    return controller::TopicSettings{.insync_replicas_min = settings->insync_replicas_min,
                                     .unclean_leader_election = settings->unclean_leader_election};
  };
}

Result<config::Overrides> checked_topic_configs(const config::Overrides& configs, const NodeConfig& node) {
  MQ_TRY(const config::TopicConfig resolved, config::resolve_topic_config(configs, node.topic_defaults));
  (void)resolved;
  return config::normalised(config::topic_options(), configs);
}

}  // namespace mq::broker

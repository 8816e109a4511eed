#include "broker/node_config.h"

#include <string_view>
#include <utility>

#include "config/broker_config.h"
#include "config/effective.h"
#include "config/live.h"
#include "config/topic_config.h"

namespace mq::broker {
namespace {

using config::BrokerConfig;

/// What one option of those that count at once becomes, but for the defaults of topics.
struct LiveRow {
  std::string_view option;
  void (*take)(const BrokerConfig& from, NodeConfig& to);
};
constexpr LiveRow kLiveRows[] = {
    {"auto.create.topics.enable",
     [](const BrokerConfig& from, NodeConfig& to) { to.auto_create_topics = from.auto_create_topics; }},
    {"auto.leader.rebalance.enable",
     [](const BrokerConfig& from, NodeConfig& to) { to.preferred_leaders = from.preferred_leaders; }},
    {"connections.max.idle.ms",
     [](const BrokerConfig& from, NodeConfig& to) { to.connections_max_idle = from.connection_idle_max; }},
    {"delete.topic.enable", [](const BrokerConfig& from, NodeConfig& to) { to.delete_topics = from.delete_topics; }},
    {"fetch.max.bytes", [](const BrokerConfig& from, NodeConfig& to) { to.fetch_bytes_max = from.fetch_bytes_max; }},
    {"log.cleaner.dedupe.buffer.size",
     [](const BrokerConfig& from, NodeConfig& to) {
       to.compaction_memory_bytes = static_cast<std::uint64_t>(from.cleaner_memory_bytes);
     }},
    {"log.cleaner.enable", [](const BrokerConfig& from, NodeConfig& to) { to.compaction = from.cleaner_enabled; }},
    {"log.retention.check.interval.ms",
     [](const BrokerConfig& from, NodeConfig& to) { to.housekeeping_interval = from.retention_check_interval; }},
    {"max.connection.creation.rate",
     [](const BrokerConfig& from, NodeConfig& to) { to.connection_rate_max = from.connection_rate_max; }},
    {"max.connections", [](const BrokerConfig& from,
                           NodeConfig& to) { to.connections_max = static_cast<std::size_t>(from.connections_max); }},
    {"max.connections.per.ip",
     [](const BrokerConfig& from, NodeConfig& to) {
       to.connections_per_ip_max = static_cast<std::size_t>(from.connections_per_ip_max);
     }},
    {"mq.group.memory.bytes",
     [](const BrokerConfig& from, NodeConfig& to) {
       to.group_bytes_max = static_cast<std::size_t>(from.group_bytes_max);
     }},
    {"mq.log.level", [](const BrokerConfig& from, NodeConfig& to) { to.log_level = from.log_level; }},
    {"mq.max.connection.creation.rate.per.ip",
     [](const BrokerConfig& from, NodeConfig& to) { to.connection_rate_per_ip_max = from.connection_rate_per_ip_max; }},
    {"mq.reassignment.rate",
     [](const BrokerConfig& from, NodeConfig& to) { to.reassignment_rate = from.reassignment_rate; }},
    {"num.partitions",
     [](const BrokerConfig& from, NodeConfig& to) { to.partitions_default = from.partitions_default; }},
    {"producer.id.expiration.ms",
     [](const BrokerConfig& from, NodeConfig& to) { to.producer_expiration = from.producer_id_expiration; }},
    {"socket.request.max.bytes",
     [](const BrokerConfig& from, NodeConfig& to) { to.request_bytes_max = from.request_bytes_max; }},
};

void lay_over(config::Overrides& below, const config::Overrides& above) {
  for (const auto& [name, value] : above) below[name] = value;
}

}  // namespace

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
  config.option_layers.clear();
  config.default_layers.clear();
  for (const LiveRow& row : kLiveRows) row.take(broker, config);
  config.replicas_default = broker.replication_factor_default;
  config.offsets_replicas_default = broker.offsets_replication_factor;
  config.rack = broker.rack;
  config.inter_broker_listener = broker.inter_broker_listener;
  config.session_timeout = broker.session_timeout;
  config.queued_request_bytes_max = static_cast<std::size_t>(broker.queued_request_bytes_max);
  config.fetch_sessions_max = static_cast<std::size_t>(broker.fetch_sessions_max);
  config.offsets_partitions = broker.offsets_partitions;
  config.offsets_segment_bytes = broker.offsets_segment_bytes;
  config.offsets_retention = broker.offsets_retention;
  config.offsets_retention_check_interval = broker.offsets_retention_check_interval;
  config.group_session_timeout_min = broker.group_session_timeout_min;
  config.group_session_timeout_max = broker.group_session_timeout_max;
  config.group_initial_rebalance_delay = broker.group_initial_rebalance_delay;
  config.group_members_max = broker.group_members_max;
  config.offset_metadata_chars_max = broker.offset_metadata_chars_max;
  config.disk_reserve_bytes = static_cast<std::uint64_t>(broker.disk_reserve_bytes);
  return {};
}

Result<NodeConfig> with_live_options(const NodeConfig& base, const config::Overrides& own,
                                     const config::Overrides& all) {
  NodeConfig config = base;
  config::Overrides live = config::usable_live(all, config::LiveOf::all);
  config.option_layers = {
      {.source = config::Source::live_broker, .options = config::usable_live(own, config::LiveOf::one)},
      {.source = config::Source::live_default, .options = live},
      {.source = config::Source::static_broker, .options = base.broker_options}};
  lay_over(live, config.option_layers.front().options);
  config::Overrides whole = base.broker_options;
  lay_over(whole, live);
  MQ_TRY(const BrokerConfig broker, config::resolve_broker_config(whole));
  for (const LiveRow& row : kLiveRows)
    if (live.contains(std::string(row.option))) row.take(broker, config);

  config.default_layers.clear();
  for (const config::Layer& layer : config.option_layers) {
    MQ_TRY(config::Overrides defaults, config::topic_defaults(layer.options));
    if (layer.source == config::Source::static_broker) defaults = base.topic_defaults;
    config.default_layers.push_back({.source = layer.source, .options = std::move(defaults)});
  }
  config.topic_defaults.clear();
  for (auto layer = config.default_layers.rbegin(); layer != config.default_layers.rend(); ++layer)
    lay_over(config.topic_defaults, layer->options);
  MQ_TRY(const config::TopicConfig defaults, config::resolve_topic_config({}, config.topic_defaults));
  (void)defaults;
  return config;
}

Result<void> check_live_options(const NodeConfig& config, const config::Overrides& own, const config::Overrides& all) {
  NodeConfig base;
  base.broker_options = config.broker_options;
  MQ_TRY(base.topic_defaults, config::topic_defaults(base.broker_options));
  MQ_TRY(const NodeConfig whole, with_live_options(base, own, all));
  (void)whole;
  return {};
}

config::Layers option_layers(const NodeConfig& config) {
  if (!config.option_layers.empty()) return config.option_layers;
  return {{.source = config::Source::static_broker, .options = config.broker_options}};
}

config::Layers default_layers(const NodeConfig& config) {
  if (!config.default_layers.empty()) return config.default_layers;
  return {{.source = config::Source::static_broker, .options = config.topic_defaults}};
}

}  // namespace mq::broker

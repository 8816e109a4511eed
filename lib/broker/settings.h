#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "broker/node_config.h"
#include "cluster/image.h"
#include "config/option.h"
#include "controller/membership.h"
#include "log/log_config.h"
#include "record/validate.h"

namespace mq::broker {

/// What a topic's settings mean to each part that follows them. Immutable, shared by all partitions of the topic.
struct TopicSettings {
  std::shared_ptr<const log::LogConfig> log;
  record::ValidationRules rules;  ///< but for `now`
  std::size_t insync_replicas_min = 1;
  bool unclean_leader_election = false;
  Duration replica_lag_max = Duration::max();
};

/// The topic's own settings over the broker's. Values were checked before they were stored; should one not be
/// understood (a later version wrote it), the broker's defaults count.
[[nodiscard]] std::shared_ptr<const TopicSettings> resolve_settings(const cluster::ConfigMap& configs,
                                                                    const NodeConfig& node);

/// What plans ask of the settings of topics. `node` outlives it.
[[nodiscard]] controller::SettingsOf plan_settings(const NodeConfig& node);

/// A topic's own settings as they are kept. invalid_argument: an unknown name or a bad value; the message says which
/// and what would be right.
[[nodiscard]] Result<config::Overrides> checked_topic_configs(const config::Overrides& configs, const NodeConfig& node);

[[nodiscard]] config::Overrides to_overrides(const cluster::ConfigMap& configs);

}  // namespace mq::broker

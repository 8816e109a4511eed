#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "broker/node_config.h"
#include "cluster/image.h"
#include "config/topic_config.h"
#include "log/log_config.h"
#include "record/validate.h"

namespace mq::broker {

/// What a topic's settings mean to each part that follows them. Immutable, shared by all partitions of the topic.
struct TopicSettings {
  config::TopicConfig config;
  std::shared_ptr<const log::LogConfig> log;
  record::ValidationRules rules;  ///< but for `now`
};

/// The topic's own settings over the broker's. Values that do not parse (checked before they were stored) fall back to the
/// defaults.
[[nodiscard]] std::shared_ptr<const TopicSettings> resolve_settings(const cluster::ConfigMap& configs, const NodeConfig& node);

/// invalid_argument: an unknown name or a bad value; the message says which and what would be right.
[[nodiscard]] Result<void> check_topic_configs(const std::map<std::string, std::string>& configs, const NodeConfig& node);

}  // namespace mq::broker

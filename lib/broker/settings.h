#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/node_config.h"
#include "cluster/image.h"
#include "log/log_config.h"
#include "record/validate.h"

namespace mq::broker {

/// What a topic's settings mean to each part that follows them. Immutable, shared by all partitions of the topic.
struct TopicSettings {
  std::shared_ptr<const log::LogConfig> log;
  record::ValidationRules rules;  ///< but for `now`
};

/// The topic's own settings over the broker's. Values were checked before they were stored.
[[nodiscard]] std::shared_ptr<const TopicSettings> resolve_settings(const cluster::ConfigMap& configs, const NodeConfig& node);

/// invalid_argument: an unknown name or a bad value; the message says which and what would be right.
[[nodiscard]] Result<void> check_topic_configs(const std::map<std::string, std::string>& configs, const NodeConfig& node);

/// One setting as DescribeConfigs and CreateTopics show it.
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  std::int8_t source = 5;  ///< Kafka's number: 1 topic, 4 static broker, 5 default
  std::int8_t type = 0;
  std::string documentation;
};
[[nodiscard]] std::vector<ConfigEntry> topic_config_entries(const cluster::ConfigMap& configs, const NodeConfig& node);

}  // namespace mq::broker

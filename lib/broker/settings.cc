#include "broker/settings.h"

namespace mq::broker {

std::shared_ptr<const TopicSettings> resolve_settings(const cluster::ConfigMap& configs, const NodeConfig&) {
  auto settings = std::make_shared<TopicSettings>();
  auto log = std::make_shared<log::LogConfig>();
  if (const auto found = configs.find("cleanup.policy"); found != configs.end()) log->cleanup_compact = found->second == "compact", log->cleanup_delete = !log->cleanup_compact;
  settings->log = log;
  return settings;
}
Result<void> check_topic_configs(const std::map<std::string, std::string>&, const NodeConfig&) { return {}; }
std::vector<ConfigEntry> topic_config_entries(const cluster::ConfigMap&, const NodeConfig&) { return {}; }

}  // namespace mq::broker

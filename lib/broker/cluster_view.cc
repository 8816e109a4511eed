#include "broker/cluster_view.h"

#include <utility>

#include "broker/config_in_force.h"
#include "env/shard.h"

namespace mq::broker {

ClusterView::ClusterView(const ConfigInForce& configs, env::Shard& shard)
    : configs_(configs), shard_(shard), image_(std::make_shared<const cluster::ClusterImage>()) {}

std::shared_ptr<const TopicSettings> ClusterView::settings(const cluster::Topic& topic) {
  auto& known = settings_[&topic];
  if (!known) known = resolve_settings(topic.configs, configs_.get());
  return known;
}

record::ValidationRules ClusterView::validation_rules(const cluster::Topic& topic) {
  record::ValidationRules rules = settings(topic)->rules;
  rules.now = shard_.clock().wall_now();
  return rules;
}

std::vector<const cluster::Topic*> ClusterView::install(std::shared_ptr<const cluster::ClusterImage> image,
                                                        std::span<const Uuid> ids) {
  const bool same_defaults = std::exchange(defaults_, &configs_.get()) == &configs_.get();
  std::vector<const cluster::Topic*> changed;
  decltype(settings_) kept;
  for (const Uuid& id : ids) {
    const cluster::Topic* topic = image->find_topic(id);
    if (topic == nullptr) continue;  // about to be removed
    const auto known = settings_.find(topic);
    if (same_defaults && image_->find_topic(id) == topic && known != settings_.end()) {
      kept.insert(*known);
    } else {
      changed.push_back(topic);
    }
  }
  settings_ = std::move(kept);
  image_ = std::move(image);
  return changed;
}

}  // namespace mq::broker

#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <span>
#include <vector>

#include "broker/settings.h"
#include "cluster/image.h"

namespace mq::env {
class Shard;
}  // namespace mq::env

namespace mq::broker {

class ConfigInForce;
struct NodeConfig;

/// The cluster as one shard knows it, with the settings of its topics. On the shard's thread only.
class ClusterView {
 public:
  /// Both outlive it.
  ClusterView(const ConfigInForce& configs, env::Shard& shard);

  /// Never null. Take a copy of the pointer before suspending.
  [[nodiscard]] const std::shared_ptr<const cluster::ClusterImage>& image() const { return image_; }
  /// The settings of a topic of `image`, resolved once.
  [[nodiscard]] std::shared_ptr<const TopicSettings> settings(const cluster::Topic& topic);
  /// How batches for it are checked that are produced now.
  [[nodiscard]] record::ValidationRules validation_rules(const cluster::Topic& topic);

  /// From now on the cluster is `image`. Returns those of the topics `ids` that it has and that are not as they were,
  /// or have other settings. A change of one topic does not cost as much as there are topics.
  std::vector<const cluster::Topic*> install(std::shared_ptr<const cluster::ClusterImage> image,
                                             std::span<const Uuid> ids);

 private:
  const ConfigInForce& configs_;
  env::Shard& shard_;
  std::shared_ptr<const cluster::ClusterImage> image_;
  boost::unordered_flat_map<const cluster::Topic*, std::shared_ptr<const TopicSettings>>
      settings_;                          ///< of topics of `image_`
  const NodeConfig* defaults_ = nullptr;  ///< that they were resolved with
};

}  // namespace mq::broker

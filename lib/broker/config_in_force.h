#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "broker/node_config.h"

namespace mq::broker {

/// The settings that a broker works with, which may be replaced while it runs. Set on one thread, read on any.
class ConfigInForce {
 public:
  explicit ConfigInForce(NodeConfig config) { set(std::move(config)); }

  void set(NodeConfig config) {
    configs_.push_back(std::make_unique<const NodeConfig>(std::move(config)));
    config_.store(configs_.back().get(), std::memory_order_release);
  }
  /// At this moment. The reference stays valid while this lives.
  [[nodiscard]] const NodeConfig& get() const { return *config_.load(std::memory_order_acquire); }

 private:
  // Somebody may still look at an earlier one; they are few, since each took a person to make.
  std::vector<std::unique_ptr<const NodeConfig>> configs_;
  std::atomic<const NodeConfig*> config_{nullptr};
};

}  // namespace mq::broker

#pragma once

#include <atomic>
#include <memory>

namespace mq::broker {

/// How far a broker has come on its way to the end. Any thread may ask.
class Life {
 public:
  /// Nothing new is begun.
  [[nodiscard]] bool is_stopping() const { return stopping_.load(std::memory_order_relaxed); }
  /// Being destroyed: nobody is answered any more.
  [[nodiscard]] bool is_gone() const { return gone_->load(std::memory_order_relaxed); }
  /// The same for what may outlive the broker.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> gone() const { return gone_; }
  void begin_stop() { stopping_ = true; }
  void end() { *gone_ = true; }

 private:
  std::atomic<bool> stopping_{false};
  std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace mq::broker

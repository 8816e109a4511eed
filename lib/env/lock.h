#pragma once

#include <utility>

#include "env/event.h"

namespace mq::env {

/// What coroutines of one shard do one after the other. All calls on that shard's thread; not recursive.
class Lock {
 public:
  explicit Lock(Shard& shard) : released_(shard) {}

  /// Whoever has it holds the lock. Must not outlive it, unless the shard never runs again.
  class [[nodiscard]] Held {
   public:
    explicit Held(Lock& lock) : lock_(&lock) {}
    Held(Held&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    ~Held() {
      if (lock_ != nullptr) lock_->release();
    }

   private:
    Lock* lock_;
  };
  /// Returns once nobody else holds it.
  awaitable<Held> take() {
    while (is_held_) co_await released_.wait();
    is_held_ = true;
    co_return Held(*this);
  }
  [[nodiscard]] bool is_held() const { return is_held_; }

 private:
  void release() {
    is_held_ = false;
    released_.notify_all();
  }

  bool is_held_ = false;
  Event released_;
};

}  // namespace mq::env

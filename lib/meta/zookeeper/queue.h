#pragma once

#include <cstdint>
#include <utility>

#include "env/event.h"
#include "env/shard.h"

namespace mq::meta {

/// What coroutines of one shard do one after the other, in the order in which they came: a writer that comes again at
/// once waits behind those that wait already. All calls on that shard's thread; not recursive.
class Queue {
 public:
  explicit Queue(env::Shard& shard) : moved_(shard) {}

  /// Whoever has it is at the head of the queue. Must not outlive it, unless the shard never runs again.
  class [[nodiscard]] Turn {
   public:
    explicit Turn(Queue& queue) : queue_(&queue) {}
    Turn(Turn&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    ~Turn() {
      if (queue_ != nullptr) queue_->move_on();
    }

   private:
    Queue* queue_;
  };

  awaitable<Turn> take() {
    const std::uint64_t mine = given_++;
    while (now_ != mine) co_await moved_.wait();
    co_return Turn(*this);
  }
  [[nodiscard]] bool is_empty() const { return now_ == given_; }

 private:
  void move_on() {
    ++now_;
    moved_.notify_all();
  }

  std::uint64_t given_ = 0;
  std::uint64_t now_ = 0;
  env::Event moved_;
};

}  // namespace mq::meta

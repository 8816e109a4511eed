#pragma once

#include <cstddef>
#include <exception>

#include "env/event.h"
#include "env/shard.h"

namespace mq::env {

/// The coroutines that someone started and answers for. All calls on one shard's thread. An exception that leaves a
/// coroutine aborts the process: there is nobody to tell.
class TaskGroup {
 public:
  explicit TaskGroup(Shard& shard) : shard_(shard), changed_(shard) {}
  /// Every task has ended (see `join`), or its shard will never run again.
  ~TaskGroup();

  /// Starts `task`; it runs until its first wait before this returns only if the executor does so.
  void spawn(awaitable<void> task);
  /// Waits until every task has ended. The owner ends what they wait for first (closes streams, cancels timers).
  awaitable<void> join();
  [[nodiscard]] std::size_t size() const { return running_; }

 private:
  Shard& shard_;
  std::size_t running_ = 0;
  Event changed_;
};

/// Says what left a coroutine and aborts.
[[noreturn]] void abort_with(const std::exception_ptr& escaped);

}  // namespace mq::env

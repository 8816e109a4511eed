#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "broker/file_work.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "log/log.h"

namespace mq::broker {

/// Brings in on the pool what a log's first append needs of its files: epochs and producers. Who wants to append
/// meanwhile waits, in the order of the calls. Its shard's thread only.
class LogWarmUp {
 public:
  /// All of them outlive it.
  LogWarmUp(ShardContext& shard, log::Log& log, FileWork& work) : shard_(shard), log_(log), work_(work) {}

  [[nodiscard]] bool is_warm() const { return !is_running_ && !log_.is_cold(); }
  /// Calls `then` once it is: at once, but for the first ones after a start. `owner` of this and of what it refers to
  /// is kept meanwhile.
  void when_warm(std::shared_ptr<const void> owner, std::move_only_function<void()> then);
  /// The same for a coroutine.
  [[nodiscard]] awaitable<void> until_warm(std::shared_ptr<const void> owner);
  /// Who waits is destroyed and told nothing.
  void drop() { waiting_.clear(); }

 private:
  static awaitable<void> run(LogWarmUp& self, std::shared_ptr<const void> owner);

  ShardContext& shard_;
  log::Log& log_;
  FileWork& work_;
  std::deque<std::move_only_function<void()>> waiting_;
  bool is_running_ = false;
};

}  // namespace mq::broker

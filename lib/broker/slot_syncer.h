#pragma once

#include <functional>
#include <vector>

#include "broker/shard_context.h"

namespace mq::broker {

/// Makes durable what one shard has noted of the slots of its logs, for whoever must not go on before: one sync at a
/// time, the next one for all who came meanwhile. Its shard's thread only.
class SlotSyncer {
 public:
  explicit SlotSyncer(ShardContext& shard) : shard_(shard) {}

  /// Calls `then` once all that LogDir was told of slots before this is on disk. A full disk is waited for; any other
  /// failure takes the data directory offline, and nobody is called.
  void sync(std::move_only_function<void()> then);
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

 private:
  awaitable<void> run();

  ShardContext& shard_;
  std::vector<std::move_only_function<void()>> waiting_;
  bool is_running_ = false;
};

}  // namespace mq::broker

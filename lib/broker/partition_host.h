#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace mq::broker {

class Partition;

/// What a partition asks of its shard. Its thread only.
class PartitionHost {
 public:
  /// Begins a sync, if there is anything to sync.
  virtual void sync_now(Partition& partition) = 0;
  /// Calls `partition.sync_is_due()` within the lazy round.
  virtual void sync_soon(Partition& partition) = 0;
  /// Calls `partition.sync_is_overdue()` once flush.ms has passed, where it is set.
  virtual void sync_by_time(Partition& partition) = 0;
  /// Calls `then` once all that is noted of the slots of the data directory is on disk; never when that fails.
  virtual void sync_slots(std::move_only_function<void()> then) = 0;
  /// Saves what recovery would otherwise have to read again; calls `partition->checkpoint_done()`.
  virtual void checkpoint_soon(std::shared_ptr<Partition> partition) = 0;
  /// So many more idempotent producers are remembered in its log.
  virtual void producers_came(std::size_t count) = 0;
  /// Nothing works on the files of a retired partition any more.
  virtual void work_ended() = 0;

 protected:
  ~PartitionHost() = default;
};

}  // namespace mq::broker

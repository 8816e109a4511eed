#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "model/ids.h"

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
  /// Writes what was told to LogDir::set_log_start; calls `partition->start_saved(start)`, or `start_not_saved`.
  virtual void save_start(std::shared_ptr<Partition> partition, Offset start) = 0;
  /// So many more idempotent producers are remembered in its log.
  virtual void producers_came(std::size_t count) = 0;
  /// Nothing works on the files of a retired partition any more.
  virtual void work_ended() = 0;
  /// Puts the ISR that its replica proposes into the partition's key. The image follows, or
  /// `partition.proposal_ended`.
  virtual void propose(Partition& partition) = 0;
  /// Raises its leader epoch above all that its log has. The image follows.
  virtual void raise_epoch(Partition& partition) = 0;
  /// It follows somebody, or does so no more, or in another epoch.
  virtual void role_changed(Partition& partition) = 0;
  /// It follows, and has something to tell its leader: more is on its disk, or its log was cut.
  virtual void has_news(Partition& partition) = 0;

 protected:
  ~PartitionHost() = default;
};

}  // namespace mq::broker

#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "broker/damage_log.h"
#include "broker/file_work.h"
#include "broker/partition_host.h"
#include "broker/shard_context.h"
#include "broker/turn_end.h"
#include "env/async.h"
#include "log/log.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/validate.h"

namespace mq::broker {

/// What became of a batch.
struct Appended {
  Offset base_offset{-1};
  /// What an acks=all answer waits for; also for a duplicate, whose original may not be synced yet (P-1).
  Offset end{-1};
  bool needs_flush = false;  ///< flush.messages is reached: no answer before it is on disk
  WallMillis log_append_time = -1;
};

/// Appends the batches of producers to the log of one partition: whether there is room, what is counted, and the one
/// write for all small batches of a turn. Its shard's thread only.
class LogAppender final : public EndsTurn {
 public:
  class Owner {
   public:
    /// Everything up to the log's written end is in the page cache.
    virtual void was_written() = 0;
    /// What was gathered never will be.
    virtual void was_not_written() = 0;
    [[nodiscard]] virtual std::shared_ptr<Partition> share() = 0;

   protected:
    ~Owner() = default;
  };
  /// All of them outlive it.
  LogAppender(Owner& owner, ShardContext& shard, PartitionHost& host, log::Log& log, FileWork& work, DamageLog& damage);

  /// Checks the producer's sequence, assigns offsets, writes: one step (P-8). `batch` is writable: its base offset,
  /// leader epoch and, with log-append time, timestamps are set in place. A small batch is written at the end of the
  /// turn.
  [[nodiscard]] Result<Appended> append(char* batch, const record::ValidatedBatch& validated, LeaderEpoch epoch);
  /// A batch that a follower has fetched and checked, as it stands; see Log::append_as_is. A small one is
  /// written with `end_turn`.
  [[nodiscard]] Result<void> append_copy(const record::BatchView& batch);
  /// No appends in this epoch.
  void hold(LeaderEpoch epoch) { held_in_ = epoch; }

  /// What was gathered in this turn will be written at its end, or later where the disk is full.
  [[nodiscard]] bool will_write() const { return ends_turn_; }
  /// Writes the batches gathered in this turn.
  void end_turn() override;

  /// The log may remember more producers than before: they count towards the shard's part of what the broker remembers.
  void count_producers();
  /// What `PartitionHost::checkpoint_soon` began has ended.
  void checkpoint_done() { checkpoint_runs_ = false; }

 private:
  /// The disk is full: tries again in a moment to write what was gathered.
  static awaitable<void> write_later(LogAppender& self, std::shared_ptr<Partition> kept);
  [[nodiscard]] Result<void> check_room(LeaderEpoch epoch) const;
  Error tell(Error error);
  /// The log has so many bytes more.
  void appended(std::size_t bytes);
  void count(const record::BatchHeader& header, bool is_duplicate);
  void count_towards_checkpoint(std::size_t bytes);

  Owner& owner_;
  ShardContext& shard_;
  PartitionHost& host_;
  log::Log& log_;
  FileWork& work_;
  DamageLog& damage_;
  std::size_t bytes_since_checkpoint_ = 0;
  bool checkpoint_runs_ = false;
  std::optional<LeaderEpoch> held_in_;  ///< the epoch in which it takes nothing
  std::size_t producers_counted_ = 0;
  bool ends_turn_ = false;
};

}  // namespace mq::broker

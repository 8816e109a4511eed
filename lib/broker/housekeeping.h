#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/partition_table.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "env/shard.h"
#include "log/compaction.h"
#include "log/log_jobs.h"
#include "model/ids.h"

namespace mq::broker {

/// The log directory is told how far the log has come: for its small files, which speak for all logs. Nothing for a
/// retired partition, whose name may be another's already.
void note_ends(log::LogDir& dir, const Partition& partition);

/// Looks after the logs of one shard: retention, compaction, checkpoints. All of them every housekeeping interval, one
/// after the other:
///
/// - a segment that is too old is ended, and old ones are taken out once the log's new start is on disk; their files go
///   a little later;
/// - what can be compacted is;
/// - indexes and producer states are saved, of many logs with one job of the pool.
///
/// One log's checkpoint comes between as soon as much was appended to it. What fails is told and tried again with the
/// next look; a failed disk takes the data directory offline. The shard's thread only, but for its jobs on the pool.
class Housekeeping {
 public:
  /// Both outlive it.
  Housekeeping(ShardContext& shard, const PartitionTable& partitions);

  /// Looks for the first time one interval from now.
  void start();
  /// The next look is now, not when it is due.
  void look_now();
  /// After Life::begin_stop: no look begins any more. What is begun is a task among `log_tasks`.
  void stop() { timer_->cancel(); }
  /// Saves what recovery would otherwise have to read again; then calls `partition->checkpoint_done()`.
  void checkpoint_soon(std::shared_ptr<Partition> partition);
  /// Has it on disk where the log of a follower begins: see PartitionHost.
  void save_start(std::shared_ptr<Partition> partition, Offset start);
  void check_invariants() const;

 private:
  /// What was begun of several logs, to be done together.
  struct Begun {
    std::vector<std::pair<std::shared_ptr<Partition>, log::CheckpointJob>> checkpoints;
    std::vector<std::pair<std::shared_ptr<Partition>, log::RemovalJob>> removals;
  };
  awaitable<void> run();
  awaitable<void> look_at_all();
  awaitable<void> look_at(Partition& partition, Begun& begun);
  /// Where retention moves the log's start to, which the next `save_starts` says.
  awaitable<Result<Offset>> plan_start(Partition& partition, WallMillis wall_now);
  /// Nobody hears of a new start before it is on disk: after a crash the log would begin where it began before.
  awaitable<Result<void>> save_starts();
  awaitable<void> save_followers_starts();
  /// They are on disk. Returns where retention may have the log begin now.
  [[nodiscard]] static Offset start_saved(Partition& partition, Offset start);
  /// False: it went away meanwhile.
  awaitable<bool> retain(Partition& partition, Begun& begun);
  awaitable<bool> compact(Partition& partition);
  awaitable<void> run_compaction(Partition& partition, log::CompactionJob& job);
  void begin_checkpoint(Partition& partition, Begun& begun);
  awaitable<void> finish(Begun begun);
  awaitable<Result<void>> save_all(std::span<log::CheckpointJob> jobs);
  awaitable<void> remove_files(std::vector<std::pair<std::shared_ptr<Partition>, log::RemovalJob>> removals);
  awaitable<void> checkpoint(Partition& partition);
  [[nodiscard]] bool is_over() const;
  /// Logs the error; a failed disk takes the directory offline. What can be made anew or tried again is not final.
  void note_failure(std::string_view what, const Error& error);
  void note_failure(std::string_view what, const Error& error, bool is_final);

  ShardContext& shard_;
  const PartitionTable& partitions_;
  std::unique_ptr<env::Timer> timer_;
  std::vector<std::pair<std::shared_ptr<Partition>, Offset>> followers_starts_;  ///< to be saved together
  bool is_saving_starts_ = false;
  bool is_running_ = false;
  bool looks_ = false;          ///< is amid a look
  bool look_is_asked_ = false;  ///< for another one, at once
};

}  // namespace mq::broker

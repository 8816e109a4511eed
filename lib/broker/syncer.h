#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "broker/partition.h"
#include "broker/shard_context.h"
#include "env/event.h"
#include "env/shard.h"
#include "log/log_jobs.h"

namespace mq::broker {

/// Carries out what the replicas of one shard decide of their syncs: runs them on the pool, and comes back for those
/// that are put off, within kLazySync or, on topics that are not synced for their answers, after flush.ms.
class Syncer {
 public:
  static constexpr Duration kLazySync = 10ms;

  explicit Syncer(ShardContext& shard);
  ~Syncer();

  /// Begins a sync now, if there is anything to sync.
  void start(Partition& partition);
  /// Calls `partition.sync_is_due()` in the next lazy round.
  void put_off(Partition& partition);
  /// Calls `partition.sync_is_overdue()` once flush.ms has passed, where it is set.
  void begin_timing(Partition& partition);
  /// Starts no lazy or timed sync any more. The last thing before the stop asks for those that are still wanted.
  void stop();
  /// Returns when every sync that was begun is on disk or has failed.
  awaitable<void> drain();
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

 private:
  void finish(Partition& partition, const log::SyncJob& job, const Result<void>& outcome, Duration took);
  awaitable<void> run_lazily();
  awaitable<void> run_timed();

  ShardContext& shard_;
  std::vector<std::shared_ptr<Partition>> lazy_;            ///< dirty, nobody waits
  std::multimap<Instant, std::weak_ptr<Partition>> timed_;  ///< when flush.ms has passed for them
  std::unique_ptr<env::Timer> timer_;
  std::unique_ptr<env::Timer> flush_timer_;
  std::unique_ptr<env::Event> idle_;
  std::size_t running_ = 0;
  bool lazy_running_ = false;
  bool timed_running_ = false;
  bool stopping_ = false;
};

}  // namespace mq::broker

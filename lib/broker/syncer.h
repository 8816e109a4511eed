#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "env/event.h"
#include "env/shard.h"
#include "log/log_jobs.h"

namespace mq::broker {

class Partition;
class ShardBroker;

/// Group commit for the logs of one shard. Every append marks its partition dirty. A sync starts at once
/// when an answer or a parked fetch waits for that partition, else within kLazySync. A partition that is written again
/// while its sync runs is synced again after it: the next round gathers while one runs. An answer waits for its own
/// file only. A topic that is not synced for its answers is synced after flush.messages and flush.ms, where they are
/// set.
class Syncer {
 public:
  static constexpr Duration kLazySync = 10ms;

  explicit Syncer(ShardBroker& shard);
  ~Syncer();

  /// `partition` has bytes that are not on disk.
  void mark_dirty(Partition& partition);
  /// Somebody began to wait for `partition`.
  void hurry(Partition& partition);
  /// Syncs every dirty log of a `flush=ack` topic, and returns when they are on disk or have failed. The last thing a
  /// stop asks for: no lazy sync is started afterwards.
  awaitable<void> drain();

 private:
  void start(Partition& partition);
  /// Until the next lazy round.
  void put_off(Partition& partition);
  void finish(Partition& partition, const log::SyncJob& job, const Result<void>& outcome, Duration took);
  awaitable<void> run_lazily();
  void begin_timing(Partition& partition);
  awaitable<void> run_timed();

  ShardBroker& shard_;
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

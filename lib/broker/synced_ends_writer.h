#pragma once

#include <atomic>
#include <memory>

#include "broker/disk_health.h"
#include "broker/life.h"
#include "broker/node_env.h"
#include "env/task_group.h"
#include "log/log_dir.h"

namespace mq::broker {

/// Writes the synced ends that the log directory has noted, soon after they were and not more often than needed. Runs
/// on the first shard.
class SyncedEndsWriter {
 public:
  /// `dir` may be opened later, but before the first `note`.
  SyncedEndsWriter(const NodeEnv& machine, const Life& life, DiskHealth& health,
                   const std::unique_ptr<log::LogDir>& dir);

  /// LogDir::note_synced was called: what it noted is written soon. Any thread.
  void note();
  /// After Life::begin_stop: nothing is written any more; returns when what was begun has ended.
  awaitable<void> stop();

 private:
  awaitable<void> write();

  const NodeEnv& machine_;
  const Life& life_;
  DiskHealth& health_;
  const std::unique_ptr<log::LogDir>& dir_;
  env::TaskGroup tasks_;
  std::unique_ptr<env::Timer> timer_;
  std::atomic<bool> noted_{false};  ///< since what is to be written was gathered last
  bool writes_ = false;             ///< the coroutine runs
};

}  // namespace mq::broker

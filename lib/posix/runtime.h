#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "env/async.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/logger.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "env/time_zone.h"
#include "posix/logger.h"

namespace mq::posix {

struct RuntimeOptions {
  int shards = 1;        ///< threads with an event loop; at least 1
  int pool_threads = 2;  ///< of `pool`, at most; each is started when a job finds no idle one. At least 1
  LoggerOptions log;
};

/// The real world behind the seams of `env`, for one process: shards, helper threads, files, clock, time
/// zone, random bytes, logger.
///
/// What the accessors return belongs to the Runtime and lives as long as it does. Streams, listeners and timers must be
/// gone before it. Making one raises no thread and costs well below a millisecond; when idle it takes no CPU.
class Runtime {
 public:
  explicit Runtime(RuntimeOptions options = {});
  /// `run` has returned. Waits for the pool jobs in progress; jobs, posts and coroutines that did not come to their end
  /// are destroyed.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Takes the sockets that a service manager passed (see take_inherited_sockets) and returns their addresses: whoever
  /// listens on one of these on shard 0 gets that socket. Before `run`.
  [[nodiscard]] Result<std::vector<env::Address>> inherit_sockets();

  /// Runs `main` on shard 0 in the calling thread, every other shard in a thread of its own, and returns what `main`
  /// gave once every loop has ended. At most once at a time. An exception out of `main`, or of anything else that runs
  /// on a shard, aborts.
  ///
  /// There is no way to end it from outside: what is in progress may refer to what its owners are about to destroy, so
  /// the owners end it first, or the process ends at once (`std::_Exit`).
  int run(std::move_only_function<awaitable<int>()> main);

  [[nodiscard]] const std::vector<env::Shard*>& shards() const;
  [[nodiscard]] env::Shard& shard(int id) const { return *shards().at(static_cast<std::size_t>(id)); }
  [[nodiscard]] const env::Clock& clock() const;
  [[nodiscard]] const env::TimeZone& time_zone() const;
  [[nodiscard]] env::Files& files() const;
  [[nodiscard]] env::Random& random() const;
  [[nodiscard]] LeveledLogger& logger() const;
  [[nodiscard]] env::Pool& pool() const;
  /// One thread of its own, for SQLite: jobs of `pool` that hang hold nothing up here.
  [[nodiscard]] env::Pool& metadata_pool() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mq::posix

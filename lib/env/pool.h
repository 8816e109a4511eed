#pragma once

#include <functional>
#include <type_traits>

#include "env/async.h"

namespace mq::env {

class Shard;

/// Threads for what may block: fdatasync, cold reads, compaction, SQLite. Long jobs come in several steps, so that
/// short ones run between these.
class Pool {
 public:
  virtual ~Pool() = default;
  /// Runs `job` on a thread of the pool. Safe from every thread. Jobs start in the order given, on as many threads as
  /// the pool has.
  virtual void submit(std::move_only_function<void()> job) = 0;

  /// Runs `job` here, resumes on `home` (the caller's own shard) with what it returned. The job must not throw.
  template <class F>
  awaitable<std::invoke_result_t<F&>> run(Shard& home, F job);
};

}  // namespace mq::env

#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "env/async.h"
#include "env/clock.h"
#include "env/network.h"
#include "env/pool.h"

namespace mq::env {

/// A wait that can be ended early. Bound to one shard; at most one wait at a time. Destroying it while a wait is in
/// progress is a mistake of the owner.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Returns at `when`, or `cancelled` as soon as `cancel` is called. `Instant::never()` waits for `cancel` only.
  virtual awaitable<Result<void>> wait_until(Instant when) = 0;
  /// Ends the wait in progress, if any. Has no effect on later waits.
  virtual void cancel() = 0;
};

/// One thread with one event loop: what runs on it needs no lock against the rest of it.
class Shard {
 public:
  virtual ~Shard() = default;
  [[nodiscard]] virtual int id() const = 0;  ///< 0 ... shards - 1
  /// Where coroutines of this shard run.
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
  /// Runs `task` on this shard's thread, later, in the order of the posts from one thread. Safe from every thread; the
  /// task is destroyed unrun when the shard has stopped.
  virtual void post(std::move_only_function<void()> task) = 0;
  [[nodiscard]] virtual std::unique_ptr<Timer> make_timer() = 0;
  [[nodiscard]] virtual const Clock& clock() const = 0;
  [[nodiscard]] virtual Network& network() = 0;
  /// True on this shard's own thread (or, in simulation, while one of its tasks runs).
  [[nodiscard]] virtual bool is_current() const = 0;

  [[nodiscard]] Instant now() const { return clock().now(); }
  /// Waits; never cancelled.
  awaitable<void> sleep_until(Instant when);
};

/// Runs `f` (a plain function of no arguments) on `there` and resumes on `here` with its result. Call on `here`'s
/// thread. Two plain posts of one object.
template <class F>
awaitable<std::invoke_result_t<F&>> on_shard(Shard& here, Shard& there, F f);

}  // namespace mq::env

#include "env/shard_impl.h"

#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "env/shard.h"

namespace mq::env {

/// Something that coroutines of one shard wait for: "this file is synced", "there is more to fetch". All calls on that
/// shard's thread. Waiters are resumed by later tasks, never from inside `notify_all`.
class Event {
 public:
  explicit Event(Shard& shard) : shard_(shard) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// Nobody may be waiting any more, unless the shard never runs again: a killed node destroys its events and those who
  /// wait for them in any order, and a destructor among them may still notify.
  ~Event() = default;

  /// Returns after the next `notify_all`. Check the condition in a loop around it.
  awaitable<void> wait();
  /// The same, but timed_out at `deadline`.
  awaitable<Result<void>> wait_until(Instant deadline);
  void notify_all();
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

 private:
  /// Lies in the frame of who waits, and leaves the list when that is destroyed.
  struct Waiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiter(Shard& shard) : timer(shard.make_timer()) {}
    std::unique_ptr<Timer> timer;
    bool notified = false;
  };
  Shard& shard_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

}  // namespace mq::env

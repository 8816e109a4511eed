#include "env/event.h"

namespace mq::env {

awaitable<void> Event::wait() { (void)co_await wait_until(Instant::never()); }

awaitable<Result<void>> Event::wait_until(Instant deadline) {
  Waiter waiter(shard_);
  waiters_.push_back(waiter);
  (void)co_await waiter.timer->wait_until(deadline);
  if (waiter.notified) co_return Result<void>{};
  co_return fail(Errc::timed_out, "the wait reached its deadline");
}

void Event::notify_all() {
  while (!waiters_.empty()) {
    Waiter& waiter = waiters_.front();
    waiters_.pop_front();
    waiter.notified = true;
    waiter.timer->cancel();
  }
}

}  // namespace mq::env

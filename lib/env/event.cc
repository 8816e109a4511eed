#include "env/event.h"

#include <utility>

namespace mq::env {

awaitable<void> Event::wait() { (void)co_await wait_until(Instant::never()); }

awaitable<Result<void>> Event::wait_until(Instant deadline) {
  Waiter waiter{.timer = shard_.make_timer()};
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  (void)co_await waiter.timer->wait_until(deadline);
  if (waiter.notified) co_return Result<void>{};
  waiters_.erase(place);
  co_return fail(Errc::timed_out, "the wait reached its deadline");
}

void Event::notify_all() {
  for (Waiter* waiter : std::exchange(waiters_, {})) {
    waiter->notified = true;
    waiter->timer->cancel();
  }
}

}  // namespace mq::env

#include "posix/timer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <tuple>
#include <utility>

#include "base/assert.h"

namespace mq::posix {
namespace {

std::unexpected<Error> wait_cancelled() { return fail(Errc::cancelled, "the wait was ended early"); }

}  // namespace

awaitable<Result<void>> PosixTimer::wait_until(Instant when) {
  if (when == Instant::never()) co_return co_await wait_for_cancel();
  if (!timer_) timer_.emplace(shard_.loop());
  timer_->expires_at(std::chrono::steady_clock::time_point(when.since_start()));
  const auto [error] = co_await timer_->async_wait(boost::asio::as_tuple(boost::asio::deferred));
  if (error) co_return wait_cancelled();
  co_return Result<void>{};
}

awaitable<Result<void>> PosixTimer::wait_for_cancel() {
  MQ_ASSERT(!endless_.resume);
  co_await shard_.until_resumed(endless_);
  co_return wait_cancelled();
}

void PosixTimer::cancel() {
  if (timer_) timer_->cancel();
  if (endless_.resume) endless_.resume_later(shard_);
}

}  // namespace mq::posix

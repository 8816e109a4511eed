#include "sim/machine/shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "sim/machine/fabric.h"

namespace mq::sim {
namespace {

constexpr WallMillis kWorldBegins = 1'700'000'000'000;  // a day in November 2023

class Timer final : public env::Timer {
 public:
  explicit Timer(Shard& shard) : shard_(shard) {}

  awaitable<Result<void>> wait_until(Instant when) override {
    MQ_ASSERT(wait_ == 0);
    wait_ = shard_.new_wait();
    if (when != Instant::never()) {
      auto ring = [&shard = shard_, wait = wait_] { shard.resume(wait, {}); };
      alarm_ = shard_.scheduler().at(when, shard_, std::move(ring));
    }
    auto ended = co_await shard_.suspend(wait_);
    wait_ = 0;
    co_return ended;
  }

  void cancel() override {
    // Most waits end so: their error is not put together by fmt each time.
    static const std::unexpected<Error> kEnded = fail(Errc::cancelled, "the wait was ended");
    if (wait_ == 0 || !shard_.resume(wait_, kEnded)) return;
    shard_.scheduler().cancel(alarm_);
  }

 private:
  Shard& shard_;
  Shard::WaitId wait_ = 0;
  Scheduler::AlarmId alarm_ = 0;
};

}  // namespace

boost::asio::execution_context& Executor::query(boost::asio::execution::context_t) const noexcept {
  return shard_->context();
}

WallMillis Clock::wall_now() const {
  return kWorldBegins +
         std::chrono::duration_cast<std::chrono::milliseconds>(now().since_start() + wall_offset_).count();
}

Shard::Shard(Scheduler& scheduler, const Clock& clock, Fabric& fabric, std::string host, int id)
    : Place{.id = scheduler.new_id()},
      scheduler_(scheduler),
      clock_(clock),
      number_(id),
      network_(fabric.network_of(*this, std::move(host))) {}

Shard::~Shard() = default;

boost::asio::any_io_executor Shard::executor() { return Executor(*this); }

std::unique_ptr<env::Timer> Shard::make_timer() { return std::make_unique<Timer>(*this); }

awaitable<Result<void>> Shard::suspend(WaitId wait) {
  auto start = [this, wait](auto handler) { waits_.emplace(wait, std::move(handler)); };
  co_return co_await env::detail::suspend_with<Result<void>>(std::move(start));
}

bool Shard::resume(WaitId wait, Result<void> result) {
  const auto found = waits_.find(wait);
  if (found == waits_.end()) return false;
  auto ended = std::move(found->second);
  waits_.erase(found);
  scheduler_.post_unordered(
      *this, [go_on = std::move(ended), result = std::move(result)]() mutable { go_on(std::move(result)); });
  return true;
}

void Shard::drop_waits() {
  MQ_ASSERT(is_dead);
  while (!waits_.empty()) {
    // The oldest first. Destroying one coroutine may end the wait of another.
    const auto oldest = std::ranges::min_element(waits_, {}, [](const auto& wait) { return wait.first; });
    const auto destroyed_last = std::move(oldest->second);
    waits_.erase(oldest);
  }
}

}  // namespace mq::sim

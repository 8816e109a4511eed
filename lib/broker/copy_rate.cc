#include "broker/copy_rate.h"

#include <algorithm>

namespace mq::broker {

Instant CopyRate::free_at(std::int64_t per_second) const {
  const bool is_limited = per_second >= 1 && per_second_.load(std::memory_order_relaxed) == per_second;
  return is_limited ? Instant(Duration(free_at_.load(std::memory_order_relaxed))) : Instant{};
}

void CopyRate::spend(Instant now, std::uint64_t bytes, std::int64_t per_second) {
  if (per_second < 1) return;
  if (per_second_.exchange(per_second, std::memory_order_relaxed) != per_second) free_at_ = 0;
  const double seconds = static_cast<double>(bytes) / static_cast<double>(per_second);
  // An hour is long enough for one answer, whatever the rate.
  const auto takes = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, 3600.0)));
  Duration::rep before = free_at_.load(std::memory_order_relaxed);
  Duration::rep after = 0;
  do {
    after = std::max(before, now.since_start().count()) + takes.count();
  } while (!free_at_.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

}  // namespace mq::broker

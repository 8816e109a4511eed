#include "broker/connection_rate.h"

#include <algorithm>

namespace mq::broker {

std::optional<Instant> ConnectionRate::admit(Instant now, std::int64_t per_second, Duration patience) {
  constexpr Duration kAtOnce = 1s;
  const Instant taken = std::max(taken_until_, now) + Duration(1s) / per_second;
  const Duration wait = std::max(taken - now - kAtOnce, Duration(0));
  if (wait > patience) return std::nullopt;
  taken_until_ = taken;
  return now + wait;
}

}  // namespace mq::broker

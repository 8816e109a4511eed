#include "broker/connection_rate.h"

#include <algorithm>

namespace mq::broker {
namespace {

constexpr Duration kAtOnce = 1s;

}  // namespace

Instant ConnectionRate::next(Instant now, std::int64_t per_second) const {
  const Instant taken = std::max(taken_until_, now) + Duration(1s) / per_second;
  return std::max(taken - kAtOnce, now);
}

std::optional<Instant> ConnectionRate::admit(Instant now, std::int64_t per_second, Duration patience) {
  const Instant served = next(now, per_second);
  if (served - now > patience) return std::nullopt;
  taken_until_ = std::max(taken_until_, now) + Duration(1s) / per_second;
  return served;
}

}  // namespace mq::broker

#include "lag.h"

#include <algorithm>

namespace mq::mqctl {

Lag lag_of(Offset committed, Offset start, Offset end) {
  Lag lag;
  lag.records = (end - std::max(committed, start)).value();
  lag.lost = std::max<std::int64_t>(0, (start - committed).value());
  if (lag.records == 0) lag.time = Duration::zero();
  return lag;
}

std::optional<Duration> age_of(WallMillis timestamp, WallMillis now) {
  if (timestamp < 0) return std::nullopt;
  return std::max<WallMillis>(0, now - timestamp) * 1ms;
}

bool LagLimit::is_passed_by(const Lag& lag) const {
  if (lag.is_beyond_end()) return records || time;
  return (records && lag.records > *records) || (time && lag.time && *lag.time > *time);
}

}  // namespace mq::mqctl

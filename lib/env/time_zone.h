#pragma once

#include <chrono>

#include "base/result.h"

namespace mq::env {

/// The zone whose clocks people here go by.
class TimeZone {
 public:
  virtual ~TimeZone() = default;
  /// How far its clocks are ahead of UTC at a moment; negative when behind, never a whole 25 h.
  /// not_found: nobody here knows the zone; the message says which.
  [[nodiscard]] virtual Result<std::chrono::seconds> ahead_of_utc(std::chrono::sys_seconds at) const = 0;
};

}  // namespace mq::env

#pragma once

#include "base/time.h"

namespace mq::env {

/// The time. Safe from every thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  /// Milliseconds since 1970; may jump either way.
  [[nodiscard]] virtual WallMillis wall_now() const = 0;
};

}  // namespace mq::env

#pragma once

#include "env/clock.h"

namespace mq::posix {

/// The kernel's clocks. Instants count from boot, so that they are the same in every process of one machine.
class PosixClock final : public env::Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallMillis wall_now() const override;
};

}  // namespace mq::posix

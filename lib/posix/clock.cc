#include "posix/clock.h"

#include <chrono>

namespace mq::posix {

Instant PosixClock::now() const { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

WallMillis PosixClock::wall_now() const {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

}  // namespace mq::posix

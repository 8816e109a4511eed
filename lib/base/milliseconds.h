#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace mq {

/// `duration` as Kafka's messages and records have it. One that is too long for them is the longest that they can say.
[[nodiscard]] constexpr std::int32_t to_ms(Duration duration) {
  const std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<std::int32_t>(std::min<std::int64_t>(ms, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace mq

#pragma once

#include <cstdint>
#include <limits>

namespace mq::wire {

/// The value of a field `*_authorized_operations` when nobody asked for it: a bit field in which every operation that a
/// client may do has its bit (KIP-430).
inline constexpr std::int32_t kNoOperations = std::numeric_limits<std::int32_t>::min();

}  // namespace mq::wire

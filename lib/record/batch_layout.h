#pragma once
// Where fields stand in the header of a batch, for those who change one in place.

#include <cstddef>

namespace mq::record {

inline constexpr std::size_t kLeaderEpochAt = 12;
inline constexpr std::size_t kMagicAt = 16;
inline constexpr std::size_t kCrcAt = 17;
inline constexpr std::size_t kAttributesAt = 21;
inline constexpr std::size_t kMaxTimestampAt = 35;

}  // namespace mq::record

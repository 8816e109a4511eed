#pragma once

#include <cstddef>
#include <string>

namespace mq::group {

// What a group takes in memory is counted, not measured. These say what is added to what stands in its texts.

/// What a map or a set adds to an element, with what the allocator adds to that.
inline constexpr std::size_t kNodeBytes = 48;
inline constexpr std::size_t kStringNodeBytes = sizeof(std::string) + kNodeBytes;

}  // namespace mq::group

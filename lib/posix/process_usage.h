#pragma once

#include <cstdint>

#include "base/time.h"

namespace mq::posix {

/// What this process uses of the machine; 0 where the kernel does not tell.
struct ProcessUsage {
  Duration cpu{};  ///< user and system, of all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptors_max = 0;  ///< the soft limit
};

/// Reads it from the kernel; takes a few milliseconds with 10,000 open descriptors. Safe from every thread.
[[nodiscard]] ProcessUsage process_usage();

}  // namespace mq::posix

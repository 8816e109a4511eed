#pragma once

#include <cstdint>

namespace mq {

/// Where a record must be before an acknowledgement counts it: on one broker, and on each member of an ISR.
enum class FlushClass : std::uint8_t {
  async,  ///< in the page cache
  ack,    ///< on the disk
};

}  // namespace mq

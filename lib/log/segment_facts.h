#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"

namespace mq::log {

/// What a plan of retention or compaction looks at: one for each segment of a log in the order of their offsets, the
/// last of which is appended to.
struct SegmentFacts {
  Offset end;  ///< where the next one begins; of the last one the log's end
  std::uint64_t bytes = 0;
};

/// A time of the segment with this index, below 0 when it has none. Asked for only when it decides, since it may have
/// to be read; an error ends the plan.
using SegmentTime = std::function<Result<WallMillis>(std::size_t)>;

}  // namespace mq::log

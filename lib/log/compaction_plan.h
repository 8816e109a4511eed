#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/time.h"
#include "log/log_config.h"
#include "log/segment_facts.h"
#include "model/ids.h"

namespace mq::log {

struct CompactionLimits {
  Offset compacted_end;  ///< compaction has looked at everything below
  Offset bound;          ///< nothing at or above is touched (D-8)
  WallMillis wall_now = 0;
};

/// How many segments at the front are to be compacted now, 0 when it is not worth it yet: the share of bytes that were
/// not looked at is too small (min.cleanable.dirty.ratio), and none of them waits longer than max.compaction.lag.ms.
/// What is younger than min.compaction.lag.ms is left alone, with all that follows, and so is the last one. No I/O but
/// what the two times do.
[[nodiscard]] Result<std::size_t> plan_compaction(std::span<const SegmentFacts> segments,
                                                  const CompactionLimits& limits, const LogConfig& config,
                                                  const SegmentTime& first_timestamp,
                                                  const SegmentTime& largest_timestamp);

}  // namespace mq::log

#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/time.h"
#include "log/log_config.h"
#include "log/segment_facts.h"
#include "model/ids.h"

namespace mq::log {

struct RetentionLimits {
  Offset log_start;  ///< below, nothing is wanted any more
  Offset bound;      ///< nothing at or above goes (D-8)
  WallMillis wall_now = 0;
};

/// How many segments at the front are to go: they end at or below the log's start, or are more than retention.bytes
/// keeps, or older than retention.ms keeps. An empty one, which compaction has left, goes with what follows it. Only
/// age takes the last one, and never while it is empty. No I/O but what `largest_timestamp` does.
[[nodiscard]] Result<std::size_t> plan_retention(std::span<const SegmentFacts> segments, const RetentionLimits& limits,
                                                 const LogConfig& config, const SegmentTime& largest_timestamp);

}  // namespace mq::log

#include "log/retention_plan.h"

#include <cstdint>

namespace mq::log {

Result<std::size_t> plan_retention(std::span<const SegmentFacts> segments, const RetentionLimits& limits,
                                   const LogConfig& config, const SegmentTime& largest_timestamp) {
  std::uint64_t bytes = 0;
  for (const SegmentFacts& segment : segments) bytes += segment.bytes;
  std::size_t count = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto& [end, own_bytes] = segments[i];
    const bool is_last = i + 1 == segments.size();
    if (end > limits.bound || (is_last && own_bytes == 0)) break;
    bool wanted = end > limits.log_start;
    // Readers may still ask for its offsets, so it does not go alone.
    if (wanted && own_bytes == 0) continue;
    if (wanted && config.cleanup_delete) {
      if (config.retention_bytes >= 0 && !is_last &&
          bytes >= static_cast<std::uint64_t>(config.retention_bytes) + own_bytes)
        wanted = false;
      if (wanted && config.retention_ms >= 0) {
        MQ_TRY(const WallMillis largest, largest_timestamp(i));
        if (largest >= 0 && limits.wall_now - largest > config.retention_ms) wanted = false;
      }
    }
    if (wanted) break;
    bytes -= own_bytes;
    count = i + 1;
  }
  return count;
}

}  // namespace mq::log

#include "log/compaction_plan.h"

#include <cstdint>

#include "base/mark.h"

namespace mq::log {
namespace {

/// The segments that may be compacted at all.
Result<std::size_t> count_old(std::span<const SegmentFacts> segments, const CompactionLimits& limits,
                              const LogConfig& config, const SegmentTime& largest_timestamp) {
  std::size_t count = 0;
  for (; count + 1 < segments.size() && segments[count].end <= limits.bound; ++count) {
    if (config.min_compaction_lag_ms <= 0 || segments[count].end <= limits.compacted_end) continue;
    MQ_TRY(const WallMillis largest, largest_timestamp(count));
    if (largest > limits.wall_now - config.min_compaction_lag_ms) MQ_MARK("log: records are too young to be compacted");
    if (largest > limits.wall_now - config.min_compaction_lag_ms) break;
  }
  return count;
}

}  // namespace

Result<std::size_t> plan_compaction(std::span<const SegmentFacts> segments, const CompactionLimits& limits,
                                    const LogConfig& config, const SegmentTime& first_timestamp,
                                    const SegmentTime& largest_timestamp) {
  MQ_TRY(const std::size_t count, count_old(segments, limits, config, largest_timestamp));
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  bool is_overdue = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (segments[i].end <= limits.compacted_end) {
      clean_bytes += segments[i].bytes;
      continue;
    }
    dirty_bytes += segments[i].bytes;
    MQ_TRY(const WallMillis first, first_timestamp(i));
    is_overdue = is_overdue || (first >= 0 && limits.wall_now - first > config.max_compaction_lag_ms);
  }
  if (is_overdue) MQ_MARK("log: a compaction is overdue");
  if (dirty_bytes == 0) return std::size_t{0};
  const double ratio = static_cast<double>(dirty_bytes) / static_cast<double>(clean_bytes + dirty_bytes);
  return ratio < config.min_cleanable_ratio && !is_overdue ? std::size_t{0} : count;
}

}  // namespace mq::log

#include "config/topic_config.h"

#include <algorithm>

#include "config/typed_options.h"

namespace mq::config {
namespace {

/// Kafka's -1 for "without limit".
template <class T>
std::optional<T> limit(T value) {
  return value < T{} ? std::nullopt : std::optional<T>(value);
}

}  // namespace

std::chrono::nanoseconds saturated(std::chrono::milliseconds span) {
  constexpr auto kMax = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds::max());
  if (span >= kMax) return std::chrono::nanoseconds::max();
  if (span <= -kMax) return std::chrono::nanoseconds::min();
  return span;
}

Result<TopicConfig> resolve_topic_config(const Overrides& topic, const Overrides& defaults) {
  const Overrides* const layers[] = {&topic, &defaults};
  MQ_TRY(const TypedOptions options, TypedOptions::resolve(topic_options(), layers));
  const auto cleans_by = [&](std::string_view policy) {
    const auto& policies = options.list("cleanup.policy");
    return std::ranges::find(policies, policy) != policies.end();
  };

  TopicConfig config{
      .cleanup_delete = cleans_by("delete"),
      .cleanup_compact = cleans_by("compact"),
      .delete_retention = options.millis("delete.retention.ms"),
      .file_delete_delay = options.millis("file.delete.delay.ms"),
      .flush_messages = options.int64("flush.messages"),
      .flush_interval = options.millis("flush.ms"),
      .index_interval_bytes = options.int32("index.interval.bytes"),
      .compaction_lag_max = options.millis("max.compaction.lag.ms"),
      .compaction_lag_min = options.millis("min.compaction.lag.ms"),
      .message_bytes_max = options.int32("max.message.bytes"),
      .log_append_time = options.text("message.timestamp.type") == "LogAppendTime",
      .timestamp_before_max_ms = options.int64("message.timestamp.before.max.ms"),
      .timestamp_after_max_ms = options.int64("message.timestamp.after.max.ms"),
      .cleanable_dirty_ratio_min = options.real("min.cleanable.dirty.ratio"),
      .insync_replicas_min = options.int32("min.insync.replicas"),
      .preallocate = options.boolean("preallocate"),
      .retention_bytes = limit(options.int64("retention.bytes")),
      .retention = limit(options.millis("retention.ms")),
      .segment_bytes = options.int32("segment.bytes"),
      .segment_index_bytes = options.int32("segment.index.bytes"),
      .segment_jitter = options.millis("segment.jitter.ms"),
      .segment_age_max = options.millis("segment.ms"),
      .unclean_leader_election = options.boolean("unclean.leader.election.enable"),
      .flush = options.text("mq.flush") == "ack" ? Flush::ack : Flush::async,
  };
  if (config.compaction_lag_min > config.compaction_lag_max)
    return fail(Errc::invalid_argument, "min.compaction.lag.ms ({}) is over max.compaction.lag.ms ({})",
                config.compaction_lag_min.count(), config.compaction_lag_max.count());
  return config;
}

}  // namespace mq::config

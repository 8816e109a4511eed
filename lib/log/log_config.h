#pragma once

#include <cstdint>

#include "base/time.h"
#include "record/batch.h"

namespace mq::log {

/// What one topic's logs do with their bytes. Plain numbers, already validated; shared by all partitions of a topic and
/// replaced as a whole when an option changes. Kafka's names stand beside ours where they differ.
struct LogConfig {
  std::uint64_t segment_bytes = std::uint64_t{1} << 30;   ///< segment.bytes, 1 KiB ... 2^31-1
  std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;       ///< segment.ms
  std::int64_t segment_jitter_ms = 0;                     ///< segment.jitter.ms: a segment's age may be less by so much
  std::uint32_t segment_index_bytes = 10U << 20;          ///< segment.index.bytes: a fuller index rolls the segment
  std::uint32_t index_interval_bytes = 4096;              ///< index.interval.bytes
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;     ///< retention.ms; -1: for ever
  std::int64_t retention_bytes = -1;                      ///< retention.bytes; -1: without limit
  bool cleanup_delete = true;                             ///< cleanup.policy has `delete`
  bool cleanup_compact = false;                           ///< cleanup.policy has `compact`
  std::int64_t delete_retention_ms = 24LL * 3600 * 1000;  ///< delete.retention.ms, of tombstones
  double min_cleanable_ratio = 0.5;                       ///< min.cleanable.dirty.ratio
  std::int64_t min_compaction_lag_ms = 0;                 ///< min.compaction.lag.ms
  std::int64_t max_compaction_lag_ms = INT64_MAX;         ///< max.compaction.lag.ms
  std::uint64_t compaction_memory_bytes = std::uint64_t{16} << 20;  ///< of one run's map of keys
  std::uint32_t batch_bytes_max = 1'048'588;  ///< max.message.bytes: bounds what compaction writes
  bool flush_on_ack = true;                   ///< mq.flush=ack; else async. Reported, not acted on, here
  std::int64_t flush_messages = INT64_MAX;    ///< flush.messages: see Partition::append. Reported, not acted on, here
  Duration flush_interval = Duration::max();  ///< flush.ms. Reported, not acted on, here
  bool preallocate = false;                   ///< preallocate: reserve whole segments at once
  record::TimestampType timestamp_type = record::TimestampType::create_time;  ///< message.timestamp.type
  Duration file_delete_delay = 60s;                                           ///< file.delete.delay.ms
  std::int64_t producer_expiration_ms = 24LL * 3600 * 1000;                   ///< producer.id.expiration.ms (P-7)
};

}  // namespace mq::log

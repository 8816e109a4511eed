#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "config/option.h"

namespace mq::config {

enum class Flush {
  ack,    ///< acks=all is answered after the data was synced
  async,  ///< the kernel decides when it is
};

/// The settings of one topic, typed. Milliseconds may be as large as Kafka lets them be: `saturated` makes a Duration
/// of them.
struct TopicConfig {
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  std::chrono::milliseconds delete_retention{};
  std::chrono::milliseconds file_delete_delay{};
  std::int64_t flush_messages = 0;
  std::chrono::milliseconds flush_interval{};
  std::int32_t index_interval_bytes = 0;
  std::chrono::milliseconds compaction_lag_max{};
  std::chrono::milliseconds compaction_lag_min{};
  std::int32_t message_bytes_max = 0;
  bool log_append_time = false;
  std::int64_t timestamp_before_max_ms = 0;
  std::int64_t timestamp_after_max_ms = 0;
  double cleanable_dirty_ratio_min = 0;
  std::int32_t insync_replicas_min = 0;
  bool preallocate = false;
  std::optional<std::int64_t> retention_bytes;         ///< none: without limit
  std::optional<std::chrono::milliseconds> retention;  ///< none: for ever
  std::int32_t segment_bytes = 0;
  std::int32_t segment_index_bytes = 0;
  std::chrono::milliseconds segment_jitter{};
  std::chrono::milliseconds segment_age_max{};
  bool unclean_leader_election = false;
  Flush flush = Flush::ack;
};

/// The topic's own overrides over the broker's defaults (both by topic option name) over ours. invalid_argument: an
/// unknown name, a value out of range, or values that do not go together.
[[nodiscard]] Result<TopicConfig> resolve_topic_config(const Overrides& topic, const Overrides& defaults = {});

/// The longest Duration when `span` is longer than that.
[[nodiscard]] std::chrono::nanoseconds saturated(std::chrono::milliseconds span);

}  // namespace mq::config

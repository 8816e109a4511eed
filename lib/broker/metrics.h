#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "metrics/registry.h"
#include "model/api_key.h"
#include "model/error_code.h"

namespace mq::broker {

/// Why a connection ended; the values of the label `reason`.
enum class CloseReason : std::uint8_t {
  peer,     ///< the client closed it, or it broke
  refused,  ///< what it sent could not be served
  overdue,  ///< it was idle, did not read, or did not finish a frame
  stop,     ///< the broker stops
  memory,   ///< it held most while others had no room
};

/// Which limit refused a connection; the values of the label `limit`.
enum class ConnectionLimit : std::uint8_t { all, per_ip, rate_per_ip };
/// The option that sets it.
[[nodiscard]] std::string_view name_of(ConnectionLimit limit);

/// The places in the table of rows.
enum class Metric : std::size_t {
  connections_open,
  connections_accepted,
  connections_closed,
  connections_refused,
  connections_delayed,
  connection_moves,
  received_bytes,
  sent_bytes,
  requests,
  request_duration,
  request_errors,
  requests_in_progress_bytes,
  appended_records,
  appended_batches,
  appended_bytes,
  duplicate_batches,
  producers,
  fetched_bytes,
  fetches_parked,
  fetch_cold_reads,
  sync_duration,
  commit_wait,
  offline,
  directory_free_bytes,
  directory_size_bytes,
  directory_full,
  directory_reserved_bytes,
  log_bytes,
  damaged_ranges,
  failed_reads,
  topics,
  partitions,
  groups,
  group_members,
  group_memory_bytes,
  group_rebalances,
  retention_deleted_segments,
  compactions,
  start_duration,
  recovery_duration,
  recovery_checked_bytes,
  recovery_cut_bytes,
  cut_files,
  cut_files_bytes,
  stray_directories,
  unclean_start,
  config_reloads,
  log_lines_left_out,
  log_lines_dropped,
  build_info,
  process_start_time,
  process_cpu,
  process_resident_bytes,
  process_open_fds,
  process_max_fds,
};

/// Every metric of the broker, in the order of `Metric`. What exists once is counted on the first shard.
[[nodiscard]] std::span<const metrics::MetricRow> metric_rows();

/// What one shard counts. Its thread alone writes, with plain loads and stores; any thread may read. The members are
/// what the data path writes; all others are set by `metrics_text`.
class ShardMetrics {
  // First, because the references below are made from it.
  metrics::Metrics all_;

 public:
  ShardMetrics();

  metrics::Counter& received_bytes;
  metrics::Counter& sent_bytes;
  metrics::Counter& appended_records;
  metrics::Counter& appended_batches;
  metrics::Counter& appended_bytes;
  metrics::Counter& duplicate_batches;
  metrics::Counter& fetched_bytes;
  metrics::Counter& fetch_cold_reads;
  metrics::BucketHistogram& sync_duration;
  metrics::BucketHistogram& commit_wait;

  /// Where an API's numbers stand; one more place is for keys that we do not know.
  [[nodiscard]] static std::uint8_t place_of(std::int16_t api_key) {
    return static_cast<std::size_t>(api_key) < kPlaces.size() ? kPlaces[static_cast<std::size_t>(api_key)]
                                                              : rare_place_of(api_key);
  }
  void request_started(std::uint8_t api_place) { requests_[api_place]->add(); }
  /// Its answer of `bytes` is out, `waited` after the last byte of the request was read; 0 bytes for acks=0.
  void request_done(std::uint8_t api_place, Duration waited, std::size_t bytes) {
    request_duration_[api_place]->record(waited);
    sent_bytes.add(bytes);
  }
  void count_errors(ApiKey api, std::span<const ErrorCode> errors);
  void connection_closed(CloseReason why) { counter(Metric::connections_closed, static_cast<std::size_t>(why)).add(); }
  void connection_refused(ConnectionLimit limit) {
    counter(Metric::connections_refused, static_cast<std::size_t>(limit)).add();
  }

  [[nodiscard]] metrics::Counter& counter(Metric row, std::size_t label = 0) {
    return all_.counter(static_cast<std::size_t>(row), label);
  }
  [[nodiscard]] metrics::Gauge& gauge(Metric row, std::size_t label = 0) {
    return all_.gauge(static_cast<std::size_t>(row), label);
  }
  [[nodiscard]] const metrics::Metrics& all() const { return all_; }

 private:
  static constexpr std::size_t kKeysMax = 128;
  static constexpr std::uint8_t kUnknownPlace = 0;
  static const std::array<std::uint8_t, kKeysMax> kPlaces;
  /// The same for the keys that are too large for that.
  [[nodiscard]] static std::uint8_t rare_place_of(std::int16_t api_key);

  std::vector<metrics::Counter*> requests_;
  std::vector<metrics::BucketHistogram*> request_duration_;
};

}  // namespace mq::broker

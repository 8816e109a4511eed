#include "broker/metrics.h"

#include <algorithm>

#include "base/assert.h"
#include "base/version.h"
#include "group/group.h"

namespace mq::broker {
namespace {

using metrics::Kind;
using metrics::LabelRow;
using metrics::MetricRow;
using metrics::Unit;

// In the order of CloseReason and ConnectionLimit.
constexpr std::string_view kCloseReasons[] = {"peer", "refused", "overdue", "stop", "memory"};
constexpr std::string_view kConnectionLimits[] = {"max.connections", "max.connections.per.ip",
                                                  "mq.max.connection.creation.rate.per.ip"};
constexpr std::string_view kReloadOutcomes[] = {"failed", "ok"};
constexpr std::string_view kVersions[] = {kVersion};

/// The first stands for the keys that no API has.
std::span<const std::string_view> api_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all{"unknown"};
    for (const ApiInfo& api : apis()) all.push_back(api.name);
    return all;
  }();
  return names;
}

std::span<const std::string_view> error_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const ErrorCodeInfo& error : error_codes()) all.push_back(error.name);
    return all;
  }();
  return names;
}

/// In the order of group::State.
std::span<const std::string_view> group_states() {
  static const std::array names{group::name_of(group::State::kEmpty), group::name_of(group::State::kPreparingRebalance),
                                group::name_of(group::State::kCompletingRebalance),
                                group::name_of(group::State::kStable)};
  return names;
}

struct PlacedRow {
  Metric place;
  MetricRow row;
};

std::vector<PlacedRow> placed_rows() {
  const LabelRow api{.name = "api", .values = api_names()};
  return {
      {Metric::connections_open,
       {.name = "mq_connections_open", .kind = Kind::gauge, .help = "Client connections that are open."}},
      {Metric::connections_accepted, {.name = "mq_connections_accepted_total", .help = "Client connections taken."}},
      {Metric::connections_closed,
       {.name = "mq_connections_closed_total",
        .help = "Client connections that ended: the peer went, its request was refused, it was overdue, the broker "
                "stops, or it held most of the memory for requests while others had no room.",
        .label = {.name = "reason", .values = kCloseReasons}}},
      {Metric::connections_refused,
       {.name = "mq_connections_refused_total",
        .help = "Client connections closed at once because a limit was reached.",
        .label = {.name = "limit", .values = kConnectionLimits}}},
      {Metric::connections_delayed,
       {.name = "mq_connections_delayed_total",
        .help = "Connections that had to wait before they were served, because too many came."}},
      {Metric::connection_moves,
       {.name = "mq_connection_moves_total", .help = "Connections that moved to the shard of their partitions."}},
      {Metric::received_bytes,
       {.name = "mq_received_bytes_total", .unit = Unit::bytes, .help = "Bytes read from clients."}},
      {Metric::sent_bytes, {.name = "mq_sent_bytes_total", .unit = Unit::bytes, .help = "Bytes written to clients."}},
      {Metric::requests, {.name = "mq_requests_total", .help = "Requests begun.", .label = api}},
      {Metric::request_duration,
       {.name = "mq_request_duration_seconds",
        .kind = Kind::histogram,
        .unit = Unit::seconds,
        .help = "From the last byte of a request to the start of its answer; long polls and waits for the disk count.",
        .label = api,
        .sparse = true}},
      {Metric::request_errors,
       {.name = "mq_request_errors_total",
        .help = "Errors answered, one for each topic, partition or group that a request named in vain.",
        .label = api,
        .second = {.name = "error", .values = error_names()},
        .sparse = true}},
      {Metric::requests_in_progress_bytes,
       {.name = "mq_requests_in_progress_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Memory of requests, from their first byte until they are answered, and of answers that wait to be "
                "sent; at queued.max.request.bytes who holds most is not read from, and closed when others need it."}},
      {Metric::appended_records,
       {.name = "mq_appended_records_total", .help = "Records written to logs, those of internal topics too."}},
      {Metric::appended_batches,
       {.name = "mq_appended_batches_total", .help = "Record batches written to logs, those of internal topics too."}},
      {Metric::appended_bytes,
       {.name = "mq_appended_bytes_total",
        .unit = Unit::bytes,
        .help = "Bytes of record batches written to logs, those of internal topics too."}},
      {Metric::duplicate_batches,
       {.name = "mq_duplicate_batches_total",
        .help = "Batches that an idempotent producer sent again and that were there already."}},
      {Metric::producers,
       {.name = "mq_producers",
        .kind = Kind::gauge,
        .help = "Idempotent producers that are remembered, counted once in each partition."}},
      {Metric::fetched_bytes,
       {.name = "mq_fetched_bytes_total", .unit = Unit::bytes, .help = "Bytes of record batches answered to fetches."}},
      {Metric::fetches_parked,
       {.name = "mq_fetches_parked",
        .kind = Kind::gauge,
        .help = "Fetches that wait until there is more or their client's patience ends."}},
      {Metric::fetch_cold_reads,
       {.name = "mq_fetch_cold_reads_total",
        .help = "Fetched ranges that first had to be read from disk and checked, off the shard's thread."}},
      {Metric::sync_duration,
       {.name = "mq_sync_duration_seconds",
        .kind = Kind::histogram,
        .unit = Unit::seconds,
        .help = "Duration of one sync (fdatasync) of a partition, of mq.flush=ack topics only: how fast the disk is."}},
      {Metric::commit_wait,
       {.name = "mq_commit_wait_seconds",
        .kind = Kind::histogram,
        .unit = Unit::seconds,
        .help =
            "How long an acks=all request waited until its records were synced, by all that are in sync, the time of "
            "earlier syncs included."}},
      {Metric::offline,
       {.name = "mq_data_directory_offline",
        .kind = Kind::gauge,
        .help = "1 after a failed write or sync: nothing more is acknowledged until a restart."}},
      {Metric::directory_free_bytes,
       {.name = "mq_data_directory_free_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Free space of the file system of the data directory."}},
      {Metric::directory_size_bytes,
       {.name = "mq_data_directory_size_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Size of the file system of the data directory."}},
      {Metric::directory_full,
       {.name = "mq_data_directory_full",
        .kind = Kind::gauge,
        .help = "1 while something finds no space on the disk: producing fails, reading goes on."}},
      {Metric::directory_reserved_bytes,
       {.name = "mq_data_directory_reserved_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Space kept for what frees space when the disk is full; 0 when it was spent, or there is none."}},
      {Metric::log_bytes,
       {.name = "mq_log_size_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Bytes of record batches in all logs."}},
      {Metric::damaged_ranges,
       {.name = "mq_log_damaged_ranges",
        .kind = Kind::gauge,
        .help = "Ranges of offsets found damaged on disk, which are not served."}},
      {Metric::failed_reads,
       {.name = "mq_failed_reads_total",
        .help = "Reads of logs that the disk failed; what is there is not served, all else is."}},
      {Metric::topics, {.name = "mq_topics", .kind = Kind::gauge, .help = "Topics, internal ones too."}},
      {Metric::partitions,
       {.name = "mq_partitions", .kind = Kind::gauge, .help = "Partitions of which this broker has a replica."}},
      {Metric::groups,
       {.name = "mq_groups",
        .kind = Kind::gauge,
        .help = "Consumer groups by state.",
        .label = {.name = "state", .values = group_states()}}},
      {Metric::group_members,
       {.name = "mq_group_members", .kind = Kind::gauge, .help = "Members of all consumer groups."}},
      {Metric::group_memory_bytes,
       {.name = "mq_group_memory_bytes",
        .kind = Kind::gauge,
        .help = "Memory of consumer groups and their offsets; at mq.group.memory.bytes new ones are refused."}},
      {Metric::group_rebalances,
       {.name = "mq_group_rebalances_total", .help = "Generations of consumer groups begun since the start."}},
      {Metric::retention_deleted_segments,
       {.name = "mq_retention_deleted_segments_total", .help = "Segments taken away by retention or DeleteRecords."}},
      {Metric::compactions,
       {.name = "mq_compactions_total", .help = "Compactions of partitions that came to their end."}},
      {Metric::start_duration,
       {.name = "mq_start_duration_seconds",
        .kind = Kind::gauge,
        .unit = Unit::seconds,
        .help = "From the start to the first client, recovery included."}},
      {Metric::recovery_duration,
       {.name = "mq_recovery_duration_seconds",
        .kind = Kind::gauge,
        .unit = Unit::seconds,
        .help = "How long opening and checking the logs took at the start."}},
      {Metric::recovery_checked_bytes,
       {.name = "mq_recovery_checked_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Bytes of logs read and checked at the start; 0 after a clean stop."}},
      {Metric::recovery_cut_bytes,
       {.name = "mq_recovery_cut_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Bytes of torn tails cut from logs at the start."}},
      {Metric::cut_files,
       {.name = "mq_log_cut_files",
        .kind = Kind::gauge,
        .help = "Files *.cut, which hold what recovery has cut off, as of the start."}},
      {Metric::cut_files_bytes,
       {.name = "mq_log_cut_files_bytes", .kind = Kind::gauge, .unit = Unit::bytes, .help = "Bytes of these files."}},
      {Metric::stray_directories,
       {.name = "mq_stray_directories",
        .kind = Kind::gauge,
        .help = "Directories *-stray, which hold logs that metadata does not know, as of the start."}},
      {Metric::unclean_start,
       {.name = "mq_unclean_start", .kind = Kind::gauge, .help = "1 when the stop before this start was not clean."}},
      {Metric::config_reloads,
       {.name = "mq_config_reloads_total",
        .help = "Times that SIGHUP read the configuration again.",
        .label = {.name = "outcome", .values = kReloadOutcomes}}},
      {Metric::log_lines_left_out,
       {.name = "mq_log_lines_left_out_total",
        .help = "Lines of the broker's own log that were left out because clients caused too many."}},
      {Metric::log_lines_dropped,
       {.name = "mq_log_lines_dropped_total",
        .help =
            "Lines of the broker's own log that could not be written: nobody reads standard error, or its disk is too "
            "slow."}},
      {Metric::build_info,
       {.name = "mq_build_info",
        .kind = Kind::gauge,
        .help = "Always 1; the label tells the version.",
        .label = {.name = "version", .values = kVersions}}},
      {Metric::process_start_time,
       {.name = "process_start_time_seconds",
        .kind = Kind::gauge,
        .unit = Unit::seconds,
        .help = "When the process began, since 1970."}},
      {Metric::process_cpu,
       {.name = "process_cpu_seconds_total", .unit = Unit::seconds, .help = "CPU time used, user and system."}},
      {Metric::process_resident_bytes,
       {.name = "process_resident_memory_bytes",
        .kind = Kind::gauge,
        .unit = Unit::bytes,
        .help = "Memory of the process that is in RAM."}},
      {Metric::process_open_fds, {.name = "process_open_fds", .kind = Kind::gauge, .help = "Open file descriptors."}},
      {Metric::process_max_fds,
       {.name = "process_max_fds", .kind = Kind::gauge, .help = "The most file descriptors that may be open."}},
  };
}

std::vector<MetricRow> make_rows() {
  std::vector<MetricRow> rows;
  for (const PlacedRow& placed : placed_rows()) {
    MQ_ASSERT(static_cast<std::size_t>(placed.place) == rows.size());
    rows.push_back(placed.row);
  }
  return rows;
}

std::array<std::uint8_t, 128> make_places() {
  std::array<std::uint8_t, 128> places{};
  for (std::size_t i = 0; i < apis().size(); ++i)
    if (!is_our_own(apis()[i].key))
      places.at(static_cast<std::size_t>(apis()[i].key)) = static_cast<std::uint8_t>(i + 1);
  return places;
}

std::size_t error_place(ErrorCode error) {
  const auto codes = error_codes();
  const auto found = std::ranges::lower_bound(codes, error, {}, &ErrorCodeInfo::code);
  return found != codes.end() && found->code == error ? static_cast<std::size_t>(found - codes.begin()) : 0;
}

std::size_t place(Metric row) { return static_cast<std::size_t>(row); }

}  // namespace

std::string_view name_of(ConnectionLimit limit) { return kConnectionLimits[static_cast<std::size_t>(limit)]; }

std::span<const MetricRow> metric_rows() {
  static const std::vector<MetricRow> rows = make_rows();
  return rows;
}

const std::array<std::uint8_t, ShardMetrics::kKeysMax> ShardMetrics::kPlaces = make_places();

ShardMetrics::ShardMetrics()
    : all_(metric_rows()),
      received_bytes(all_.counter(place(Metric::received_bytes))),
      sent_bytes(all_.counter(place(Metric::sent_bytes))),
      appended_records(all_.counter(place(Metric::appended_records))),
      appended_batches(all_.counter(place(Metric::appended_batches))),
      appended_bytes(all_.counter(place(Metric::appended_bytes))),
      duplicate_batches(all_.counter(place(Metric::duplicate_batches))),
      fetched_bytes(all_.counter(place(Metric::fetched_bytes))),
      fetch_cold_reads(all_.counter(place(Metric::fetch_cold_reads))),
      sync_duration(all_.histogram(place(Metric::sync_duration))),
      commit_wait(all_.histogram(place(Metric::commit_wait))) {
  for (std::size_t api = 0; api < api_names().size(); ++api) {
    requests_.push_back(&all_.counter(place(Metric::requests), api));
    request_duration_.push_back(&all_.histogram(place(Metric::request_duration), api));
  }
}

std::uint8_t ShardMetrics::rare_place_of(std::int16_t api_key) {
  const ApiInfo* row = find_api(api_key);
  return row != nullptr ? static_cast<std::uint8_t>(row - apis().data() + 1) : kUnknownPlace;
}

void ShardMetrics::count_errors(ApiKey api, std::span<const ErrorCode> errors) {
  for (const ErrorCode error : errors)
    all_.counter(place(Metric::request_errors), place_of(static_cast<std::int16_t>(api)), error_place(error)).add();
}

}  // namespace mq::broker

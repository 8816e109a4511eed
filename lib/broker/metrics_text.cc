#include "broker/metrics_text.h"

#include <algorithm>
#include <vector>

#include "broker/connection.h"
#include "broker/connection_host.h"
#include "broker/group_service.h"
#include "broker/request_room.h"
#include "broker/services.h"
#include "broker/settings.h"

namespace mq::broker {
namespace {

void set(ShardMetrics& metrics, Metric row, std::uint64_t value) {
  metrics.gauge(row).set(static_cast<std::int64_t>(value));
}

void set_process(ShardMetrics& metrics, const ProcessFacts& process) {
  set(metrics, Metric::process_start_time, static_cast<std::uint64_t>(Duration(process.started_at * 1ms).count()));
  metrics.counter(Metric::process_cpu).raise_to(static_cast<std::uint64_t>(process.cpu.count()));
  metrics.counter(Metric::log_lines_dropped).raise_to(process.log_lines_dropped);
  set(metrics, Metric::process_resident_bytes, process.resident_bytes);
  set(metrics, Metric::process_open_fds, process.open_descriptors);
  set(metrics, Metric::process_max_fds, process.descriptors_max);
}

/// What exists once.
awaitable<void> refresh_node(NodeServices& node) {
  ShardServices& home = node.first_shard();
  ShardMetrics& metrics = home.metrics();
  NodeContext& context = node.context();
  set(metrics, Metric::build_info, 1);
  set(metrics, Metric::topics, home.image()->topics().size());
  set(metrics, Metric::offline, context.disk_health.is_offline() ? 1 : 0);
  metrics.counter(Metric::failed_reads).raise_to(context.disk_health.failed_reads().count);
  set(metrics, Metric::directory_full, context.disk_space.is_full() ? 1 : 0);
  set(metrics, Metric::directory_reserved_bytes, context.disk_space.reserved_bytes());
  if (!context.opened_log_dir) co_return;
  // statvfs may wait for the disk.
  const auto space = co_await context.disk_pool().run(home.shard(), [&context] { return context.log_dir().space(); });
  if (!space) co_return;
  set(metrics, Metric::directory_free_bytes, space->free_bytes);
  set(metrics, Metric::directory_size_bytes, space->total_bytes);
}

void refresh_connections(ShardServices& shard) {
  const RequestRoom::Connections& connections = shard.connections().room().connections();
  std::size_t request_bytes = 0;
  for (const auto& connection : connections)
    request_bytes += connection->held_bytes() - std::min(connection->held_bytes(), RequestRoom::kOwnBytes);
  set(shard.metrics(), Metric::connections_open, connections.size());
  set(shard.metrics(), Metric::requests_in_progress_bytes, request_bytes);
  set(shard.metrics(), Metric::fetches_parked, shard.parked_fetches().size());
}

void refresh_partitions(ShardServices& shard) {
  std::size_t partitions = 0;
  std::size_t log_bytes = 0;
  std::size_t damaged = 0;
  std::size_t producers = 0;
  shard.partitions().for_each([&](const Partition& partition) {
    producers += partition.log().producer_count();
    ++partitions;
    log_bytes += partition.log().size_bytes();
    damaged += partition.log().damage().size();
  });
  set(shard.metrics(), Metric::partitions, partitions);
  set(shard.metrics(), Metric::log_bytes, log_bytes);
  set(shard.metrics(), Metric::damaged_ranges, damaged);
  set(shard.metrics(), Metric::producers, producers);
}

/// The most records that a follower lacks of a partition that is led on this shard.
std::int64_t follower_lag_of(ShardServices& shard) {
  std::int64_t lag = 0;
  shard.partitions().for_each(
      [&](const Partition& partition) { lag = std::max(lag, partition.replica().follower_lag_max()); });
  return lag;
}

/// Levels, and sums over partitions and groups. On the shard.
void refresh_shard(ShardServices& shard) {
  refresh_connections(shard);
  shard.groups().refresh_metrics();
  if (!shard.partitions().are_logs_lent()) refresh_partitions(shard);
}

}  // namespace

awaitable<std::string> metrics_text(NodeServices& node, ProcessFacts process) {
  co_await refresh_node(node);
  set_process(node.first_shard().metrics(), process);
  std::vector<const metrics::Metrics*> shards;
  ClusterMetrics* const cluster = node.context().cluster_metrics.get();
  std::int64_t follower_lag = 0;
  for (ShardServices* const shard : node.shards()) {
    co_await env::on_shard(node.first_shard().shard(), shard->shard(),
                           [&follower_lag, shard, is_member = cluster != nullptr] {
                             refresh_shard(*shard);
                             if (is_member) follower_lag = std::max(follower_lag, follower_lag_of(*shard));
                           });
    shards.push_back(&shard->metrics().all());
  }
  std::string text = metrics::prometheus_text(metrics::sum(shards));
  if (cluster == nullptr) co_return text;
  cluster->refresh(*node.first_shard().image(), node.id(), node.context().broker_epoch.load(),
                   plan_settings(node.config()));
  cluster->set_follower_lag(follower_lag);
  const metrics::Metrics* const own = &cluster->all();
  co_return text + metrics::prometheus_text(metrics::sum({&own, 1}));
}

}  // namespace mq::broker

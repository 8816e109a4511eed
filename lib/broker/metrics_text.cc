#include "broker/metrics_text.h"

#include <vector>

#include "broker/node.h"
#include "broker/shard_broker.h"

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
awaitable<void> refresh_node(Node& node) {
  ShardBroker& home = node.first_shard();
  ShardMetrics& metrics = home.metrics();
  set(metrics, Metric::build_info, 1);
  set(metrics, Metric::topics, home.image()->topics().size());
  set(metrics, Metric::offline, node.is_offline() ? 1 : 0);
  metrics.counter(Metric::failed_reads).raise_to(node.disk_health().failed_reads().count);
  set(metrics, Metric::directory_full, node.disk_space().is_full() ? 1 : 0);
  set(metrics, Metric::directory_reserved_bytes, node.disk_space().reserved_bytes());
  if (!node.has_log_dir()) co_return;
  // statvfs may wait for the disk.
  const auto space = co_await node.machine().disk_pool.run(home.shard(), [&node] { return node.log_dir().space(); });
  if (!space) co_return;
  set(metrics, Metric::directory_free_bytes, space->free_bytes);
  set(metrics, Metric::directory_size_bytes, space->total_bytes);
}

}  // namespace

awaitable<std::string> metrics_text(Node& node, ProcessFacts process) {
  co_await refresh_node(node);
  set_process(node.first_shard().metrics(), process);
  std::vector<const metrics::Metrics*> shards;
  for (const auto& shard : node.shards()) {
    co_await env::on_shard(node.first_shard().shard(), shard->shard(), [&shard] { shard->refresh_metrics(); });
    shards.push_back(&shard->metrics().all());
  }
  co_return metrics::prometheus_text(metrics::sum(shards));
}

}  // namespace mq::broker

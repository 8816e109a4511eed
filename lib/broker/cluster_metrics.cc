#include "broker/cluster_metrics.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "cluster/keys.h"
#include "cluster/values.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;
using metrics::Kind;
using metrics::LabelRow;
using metrics::MetricRow;
using metrics::Unit;

/// What a registered broker is to the others.
enum class Standing : std::uint8_t { gone, starting, ready, draining, drained };
/// In its order.
constexpr std::string_view kStandings[] = {"gone", "starting", "ready", "draining", "drained"};
constexpr std::size_t kStandingCount = std::size(kStandings);

enum class IsrChange : std::uint8_t { expand, shrink };
constexpr std::string_view kIsrChanges[] = {"expand", "shrink"};
enum class ElectionKind : std::uint8_t { clean, unclean };
constexpr std::string_view kElectionKinds[] = {"clean", "unclean"};
// In the order of StoreCall.
constexpr std::string_view kStoreCalls[] = {"read", "changes", "transact", "session"};

enum class StoreFailure : std::uint8_t { unreachable, timed_out, other };
constexpr std::string_view kStoreFailures[] = {"unreachable", "timed_out", "other"};

StoreFailure failure_of(Errc code) {
  if (code == Errc::unreachable) return StoreFailure::unreachable;
  return code == Errc::timed_out ? StoreFailure::timed_out : StoreFailure::other;
}

std::vector<std::pair<ClusterMetric, MetricRow>> placed_cluster_rows() {
  const LabelRow call{.name = "call", .values = kStoreCalls};
  return {
      {ClusterMetric::controller,
       {.name = "mq_controller",
        .kind = Kind::gauge,
        .help = "1 while this broker is the controller; the sum over all brokers is 1."}},
      {ClusterMetric::broker_state,
       {.name = "mq_broker_state",
        .kind = Kind::gauge,
        .help = "1 for what this broker is to the others; gone: its session has ended, or another start has its id; "
                "drained: an operator wants it to lead nothing.",
        .label = {.name = "state", .values = kStandings}}},
      {ClusterMetric::brokers,
       {.name = "mq_brokers",
        .kind = Kind::gauge,
        .help = "Registered brokers, as this one knows them; gone: without a session.",
        .label = {.name = "state", .values = kStandings}}},
      {ClusterMetric::partitions_led,
       {.name = "mq_partitions_led", .kind = Kind::gauge, .help = "Partitions that this broker leads."}},
      {ClusterMetric::under_replicated,
       {.name = "mq_partitions_under_replicated",
        .kind = Kind::gauge,
        .help = "Partitions that this broker leads and of whose replicas some are not in sync; replicas that are being "
                "added do not count."}},
      {ClusterMetric::under_min_isr,
       {.name = "mq_partitions_under_min_isr",
        .kind = Kind::gauge,
        .help = "Partitions that this broker leads and that have fewer replicas in sync than min.insync.replicas: "
                "acks=all is refused."}},
      {ClusterMetric::offline,
       {.name = "mq_partitions_offline",
        .kind = Kind::gauge,
        .help = "Partitions without a leader of which this broker has a replica; each of their brokers counts them."}},
      {ClusterMetric::not_preferred,
       {.name = "mq_partitions_not_preferred",
        .kind = Kind::gauge,
        .help = "Partitions that this broker leads though it is not the first of their replicas."}},
      {ClusterMetric::moving,
       {.name = "mq_partitions_moving",
        .kind = Kind::gauge,
        .help = "Partitions that this broker leads and whose replicas are being moved, or get more."}},
      {ClusterMetric::follower_lag,
       {.name = "mq_follower_lag_records",
        .kind = Kind::gauge,
        .help = "The most records of one partition that a follower lacks which copies from this broker."}},
      {ClusterMetric::isr_changes,
       {.name = "mq_isr_changes_total",
        .help = "ISRs that became smaller or larger by what this broker wrote, as their leader or as the controller.",
        .label = {.name = "kind", .values = kIsrChanges}}},
      {ClusterMetric::elections,
       {.name = "mq_elections_total",
        .help = "Leaders of partitions elected by this broker, as the controller or because a client asked; unclean: "
                "records may be lost.",
        .label = {.name = "kind", .values = kElectionKinds}}},
      {ClusterMetric::store_duration,
       {.name = "mq_metadata_store_duration_seconds",
        .kind = Kind::histogram,
        .unit = Unit::seconds,
        .help = "How long the metadata store took for a call, whatever it answered.",
        .label = call}},
      {ClusterMetric::store_failures,
       {.name = "mq_metadata_store_failures_total",
        .help = "Calls of the metadata store without an answer that says what became of them.",
        .label = {.name = "reason", .values = kStoreFailures}}},
      {ClusterMetric::store_reachable,
       {.name = "mq_metadata_store_reachable",
        .kind = Kind::gauge,
        .help = "1 when the metadata store has answered the last call; a session makes one every few seconds."}},
  };
}

std::vector<MetricRow> make_cluster_rows() {
  std::vector<MetricRow> rows;
  for (const auto& [place, row] : placed_cluster_rows()) {
    MQ_ASSERT(static_cast<std::size_t>(place) == rows.size());
    rows.push_back(row);
  }
  return rows;
}

Standing standing_of(const ClusterImage& image, const cluster::Broker& broker) {
  if (!image.is_alive(broker.id)) return Standing::gone;
  switch (broker.state) {
    case cluster::BrokerState::starting:
      return Standing::starting;
    case cluster::BrokerState::ready:
      return broker.is_drained ? Standing::drained : Standing::ready;
    case cluster::BrokerState::draining:
      return Standing::draining;
  }
  std::unreachable();
}

/// Whether `brokers` has one that `others` has not.
bool has_more(const std::vector<BrokerId>& brokers, const std::vector<BrokerId>& others) {
  return std::ranges::any_of(brokers, [&](BrokerId id) { return std::ranges::find(others, id) == others.end(); });
}

bool is_under_replicated(const cluster::Partition& partition) {
  return std::ranges::any_of(partition.replicas, [&](BrokerId id) {
    return !controller::is_among(partition.isr, id) && !controller::is_among(partition.adding, id);
  });
}

}  // namespace

std::span<const MetricRow> cluster_metric_rows() {
  static const std::vector<MetricRow> rows = make_cluster_rows();
  return rows;
}

ClusterMetrics::ClusterMetrics() : all_(cluster_metric_rows()) {}

void ClusterMetrics::committed(const ClusterImage& before, const cluster::Transaction& transaction) {
  for (const cluster::Op& op : transaction.ops) {
    const cluster::ParsedKey key = cluster::parse_key(op.key);
    if (key.kind != cluster::KeyKind::partition || !op.value) continue;
    const cluster::Topic* topic = before.find_topic(key.id);
    const cluster::Partition* known = topic != nullptr ? topic->find_partition(key.index) : nullptr;
    const auto next = cluster::read_partition(op.key, *op.value);
    if (known == nullptr || !next) continue;
    if (has_more(next->isr, known->isr))
      counter(ClusterMetric::isr_changes, static_cast<std::size_t>(IsrChange::expand)).add();
    if (has_more(known->isr, next->isr))
      counter(ClusterMetric::isr_changes, static_cast<std::size_t>(IsrChange::shrink)).add();
    if (next->leader == kNoBroker || next->leader == known->leader) continue;
    const bool is_unclean = next->unclean_since != known->unclean_since;
    const ElectionKind kind = is_unclean ? ElectionKind::unclean : ElectionKind::clean;
    counter(ClusterMetric::elections, static_cast<std::size_t>(kind)).add();
  }
}

void ClusterMetrics::store_called(StoreCall call, Duration took, const Error* failure) {
  all_.histogram(static_cast<std::size_t>(ClusterMetric::store_duration), static_cast<std::size_t>(call)).record(took);
  gauge(ClusterMetric::store_reachable).set(failure == nullptr ? 1 : 0);
  if (failure != nullptr)
    counter(ClusterMetric::store_failures, static_cast<std::size_t>(failure_of(failure->code))).add();
}

void ClusterMetrics::refresh(const ClusterImage& image, BrokerId self, cluster::BrokerEpoch epoch,
                             const controller::SettingsOf& settings_of) {
  refresh_brokers(image, self, epoch);
  refresh_partitions(image, self, settings_of);
}

void ClusterMetrics::refresh_brokers(const ClusterImage& image, BrokerId self, cluster::BrokerEpoch epoch) {
  const auto& lease = image.controller();
  const bool is_controller = lease && lease->broker == self && lease->broker_epoch == epoch;
  gauge(ClusterMetric::controller).set(is_controller ? 1 : 0);
  std::array<std::int64_t, kStandingCount> counts{};
  Standing own = Standing::gone;
  for (const auto& [id, broker] : image.brokers()) {
    const Standing standing = standing_of(image, broker);
    ++counts.at(static_cast<std::size_t>(standing));
    if (id == self && broker.epoch == epoch) own = standing;
  }
  for (std::size_t i = 0; i < kStandingCount; ++i) {
    gauge(ClusterMetric::brokers, i).set(counts.at(i));
    gauge(ClusterMetric::broker_state, i).set(static_cast<std::size_t>(own) == i ? 1 : 0);
  }
}

void ClusterMetrics::refresh_partitions(const ClusterImage& image, BrokerId self,
                                        const controller::SettingsOf& settings_of) {
  std::int64_t led = 0;
  std::int64_t under_replicated = 0;
  std::int64_t under_min_isr = 0;
  std::int64_t offline = 0;
  std::int64_t not_preferred = 0;
  std::int64_t moving = 0;
  for (const cluster::TopicPtr& topic : image.topics()) {
    for (const cluster::Partition& partition : topic->partitions) {
      if (partition.leader == kNoBroker && partition.has_replica(self)) ++offline;
      if (partition.leader != self) continue;
      ++led;
      if (partition.replicas.front() != self) ++not_preferred;
      if (!partition.adding.empty() || !partition.removing.empty()) ++moving;
      if (is_under_replicated(partition)) ++under_replicated;
      // The least is at most the number of replicas: who has all of them need not be asked for its settings.
      if (partition.isr.size() >= partition.replicas.size()) continue;
      if (partition.isr.size() < controller::effective_min(partition, settings_of(*topic).insync_replicas_min))
        ++under_min_isr;
    }
  }
  gauge(ClusterMetric::partitions_led).set(led);
  gauge(ClusterMetric::under_replicated).set(under_replicated);
  gauge(ClusterMetric::under_min_isr).set(under_min_isr);
  gauge(ClusterMetric::offline).set(offline);
  gauge(ClusterMetric::not_preferred).set(not_preferred);
  gauge(ClusterMetric::moving).set(moving);
}

}  // namespace mq::broker

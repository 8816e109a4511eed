#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/time.h"
#include "cluster/image.h"
#include "cluster/transaction.h"
#include "controller/membership.h"
#include "metrics/registry.h"
#include "model/ids.h"

namespace mq::broker {

/// What a broker asks of the metadata store; the values of the label `call`.
enum class StoreCall : std::uint8_t { read, changes, transact, session };

/// The places in the table of rows.
enum class ClusterMetric : std::size_t {
  controller,
  broker_state,
  brokers,
  partitions_led,
  under_replicated,
  under_min_isr,
  offline,
  not_preferred,
  moving,
  follower_lag,
  isr_changes,
  elections,
  store_duration,
  store_failures,
  store_reachable,
};

/// Every metric that only a member of a cluster has, in the order of `ClusterMetric`.
[[nodiscard]] std::span<const metrics::MetricRow> cluster_metric_rows();

/// What a member of a cluster counts beside `ShardMetrics`. On the first shard; any thread may read.
class ClusterMetrics {
 public:
  ClusterMetrics();

  /// A transaction of this broker has taken effect on `before`: elections, and ISRs that shrank or grew.
  void committed(const cluster::ClusterImage& before, const cluster::Transaction& transaction);
  /// A call of the store took so long. `failure` is null when the store has answered, also that it refuses.
  void store_called(StoreCall call, Duration took, const Error* failure);
  /// Sets what follows from the image. `epoch` is this broker's own.
  void refresh(const cluster::ClusterImage& image, BrokerId self, cluster::BrokerEpoch epoch,
               const controller::SettingsOf& settings_of);
  void set_follower_lag(std::int64_t records) { gauge(ClusterMetric::follower_lag).set(records); }

  [[nodiscard]] const metrics::Metrics& all() const { return all_; }

 private:
  void refresh_brokers(const cluster::ClusterImage& image, BrokerId self, cluster::BrokerEpoch epoch);
  void refresh_partitions(const cluster::ClusterImage& image, BrokerId self, const controller::SettingsOf& settings_of);
  [[nodiscard]] metrics::Counter& counter(ClusterMetric row, std::size_t label = 0) {
    return all_.counter(static_cast<std::size_t>(row), label);
  }
  [[nodiscard]] metrics::Gauge& gauge(ClusterMetric row, std::size_t label = 0) {
    return all_.gauge(static_cast<std::size_t>(row), label);
  }

  metrics::Metrics all_;
};

}  // namespace mq::broker

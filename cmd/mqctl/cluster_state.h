#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/admin.h"
#include "env/async.h"
#include "model/ids.h"
#include "remote.h"

namespace mq::mqctl {

/// The cluster as one look found it.
struct ClusterState {
  client::ClusterDescription cluster;
  std::vector<client::PartitionState> partitions;           ///< in order
  std::map<TopicPartition, client::Reassignment> moves;     ///< that go on
  std::map<std::string, std::int64_t> insync_replicas_min;  ///< of topics whose replicas are not all in sync
};

/// Of these topics, or of all. A broker that does not know all the requests is asked for what it knows.
awaitable<Result<ClusterState>> look_at_cluster(Remote& remote, std::vector<std::string> topics = {});
/// `min.insync.replicas` of each.
awaitable<Result<std::map<std::string, std::int64_t>>> insync_minima(Remote& remote, std::vector<std::string> topics);

// What is said of one partition. Replicas that are being added do not count: they come as they can.

[[nodiscard]] inline bool is_offline(const client::PartitionState& partition) { return partition.leader == kNoBroker; }
[[nodiscard]] bool is_under_replicated(const client::PartitionState& partition, const ClusterState& state);
[[nodiscard]] bool is_under_minimum(const client::PartitionState& partition, const ClusterState& state);
/// Somebody leads it, and another one is to.
[[nodiscard]] bool is_led_by_another(const client::PartitionState& partition);

/// One row of the report on a cluster's health.
struct HealthCheck {
  enum class Result { ok, bad, note };
  std::string name;
  Result result = Result::ok;
  std::int64_t count = 0;             ///< of what is bad, or to be noted
  std::vector<std::string> examples;  ///< the first of them
};
[[nodiscard]] std::vector<HealthCheck> check_health(const ClusterState& state);
[[nodiscard]] bool is_healthy(std::span<const HealthCheck> checks);

}  // namespace mq::mqctl

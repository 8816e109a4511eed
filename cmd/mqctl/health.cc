#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "cluster_state.h"

namespace mq::mqctl {
namespace {

/// So many of what is wrong are named.
constexpr std::size_t kExamplesMax = 5;

const client::Reassignment* move_of(const client::PartitionState& partition, const ClusterState& state) {
  const auto found = state.moves.find(partition.where);
  return found == state.moves.end() ? nullptr : &found->second;
}

std::size_t settled_replicas(const client::PartitionState& partition, const ClusterState& state) {
  const client::Reassignment* move = move_of(partition, state);
  return partition.replicas.size() - (move ? move->adding.size() : 0);
}

std::size_t settled_in_sync(const client::PartitionState& partition, const ClusterState& state) {
  const client::Reassignment* move = move_of(partition, state);
  if (move == nullptr) return partition.in_sync.size();
  return static_cast<std::size_t>(std::ranges::count_if(
      partition.in_sync, [&](BrokerId id) { return std::ranges::find(move->adding, id) == move->adding.end(); }));
}

}  // namespace

bool is_under_replicated(const client::PartitionState& partition, const ClusterState& state) {
  return settled_in_sync(partition, state) < settled_replicas(partition, state);
}

bool is_under_minimum(const client::PartitionState& partition, const ClusterState& state) {
  const auto found = state.insync_replicas_min.find(partition.where.topic);
  if (found == state.insync_replicas_min.end()) return false;
  const auto replicas = static_cast<std::int64_t>(settled_replicas(partition, state));
  return static_cast<std::int64_t>(partition.in_sync.size()) < std::min(found->second, replicas);
}

bool is_led_by_another(const client::PartitionState& partition) {
  return !is_offline(partition) && !partition.replicas.empty() && partition.leader != partition.replicas.front();
}

std::vector<HealthCheck> check_health(const ClusterState& state) {
  std::vector<HealthCheck> checks;
  const auto begin = [&](std::string name) -> HealthCheck& { return checks.emplace_back(std::move(name)); };
  const auto add = [](HealthCheck& check, HealthCheck::Result result, std::string example) {
    check.result = result;
    ++check.count;
    if (check.examples.size() < kExamplesMax) check.examples.push_back(std::move(example));
  };
  HealthCheck& brokers = begin("brokers gone");
  for (const client::BrokerInfo& broker : state.cluster.fenced)
    add(brokers, HealthCheck::Result::bad, std::to_string(broker.id.value()));
  HealthCheck& drained = begin("brokers drained");
  for (const BrokerId id : state.cluster.drained) add(drained, HealthCheck::Result::note, std::to_string(id.value()));
  HealthCheck& store = begin("metadata store");
  if (!state.cluster.store_trouble.empty()) add(store, HealthCheck::Result::bad, state.cluster.store_trouble);
  HealthCheck& controllers = begin("no controller");
  const auto is_controller = [&](const client::BrokerInfo& broker) { return broker.id == state.cluster.controller; };
  if (std::ranges::none_of(state.cluster.brokers, is_controller))
    add(controllers, HealthCheck::Result::bad, "nobody elects leaders");
  const auto count = [&](std::string name, HealthCheck::Result result, auto is_so) {
    HealthCheck& check = begin(std::move(name));
    for (const client::PartitionState& partition : state.partitions)
      if (is_so(partition)) add(check, result, fmt::format("{}/{}", partition.where.topic, partition.where.partition));
  };
  using Partition = client::PartitionState;
  count("offline", HealthCheck::Result::bad, [](const Partition& one) { return is_offline(one); });
  count("under min ISR", HealthCheck::Result::bad, [&](const Partition& one) { return is_under_minimum(one, state); });
  count("under-replicated", HealthCheck::Result::bad,
        [&](const Partition& one) { return is_under_replicated(one, state); });
  count("moving", HealthCheck::Result::note, [&](const Partition& one) { return state.moves.contains(one.where); });
  count("not preferred", HealthCheck::Result::note, [](const Partition& one) { return is_led_by_another(one); });
  return checks;
}

bool is_healthy(std::span<const HealthCheck> checks) {
  return std::ranges::none_of(checks,
                              [](const HealthCheck& check) { return check.result == HealthCheck::Result::bad; });
}

}  // namespace mq::mqctl

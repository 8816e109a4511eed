#include "placement.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "replicas.h"

namespace mq::mqctl {
namespace {

using Brokers = std::vector<BrokerId>;

bool is_among(const Brokers& brokers, BrokerId id) { return std::ranges::find(brokers, id) != brokers.end(); }

}  // namespace

Placement::Placement(const ClusterState& state, const Brokers& excluded) : excluded_(excluded) {
  for (const client::BrokerInfo& broker : state.cluster.brokers) {
    racks_[broker.id] = broker.rack;
    if (!is_among(excluded, broker.id)) replicas_[broker.id] = 0;
  }
  for (const client::PartitionState& partition : state.partitions) {
    now_[partition.where] = wanted_replicas(partition, state);
    for (const BrokerId id : now_[partition.where])
      if (const auto count = replicas_.find(id); count != replicas_.end()) ++count->second;
  }
}

std::string Placement::rack_of(BrokerId id) const {
  const auto found = racks_.find(id);
  return found == racks_.end() ? "" : found->second;
}

BrokerId Placement::best_for(const Brokers& replicas) const {
  std::set<std::string> racks;
  for (const BrokerId id : replicas) racks.insert(rack_of(id));
  BrokerId best = kNoBroker;
  std::tuple<bool, std::int64_t> least;
  for (const auto& [id, count] : replicas_) {
    if (is_among(replicas, id)) continue;
    const std::string rack = rack_of(id);
    const std::tuple cost{!rack.empty() && racks.contains(rack), count};
    if (best != kNoBroker && cost >= least) continue;
    best = id;
    least = cost;
  }
  return best;
}

Brokers Placement::with_factor(const client::PartitionState& partition, std::size_t factor) {
  Brokers& replicas = now_[partition.where];
  while (replicas.size() < factor) {
    const BrokerId id = best_for(replicas);
    if (id == kNoBroker) break;
    replicas.push_back(id);
    ++replicas_[id];
  }
  while (replicas.size() > factor) {
    // Whoever leads now stays, unless it is the last one to go.
    const auto is_behind = [&](BrokerId id) { return !is_among(partition.in_sync, id) && id != partition.leader; };
    const auto leads_not = [&](BrokerId id) { return id != partition.leader; };
    auto goes = std::find_if(replicas.rbegin(), replicas.rend(), is_behind);
    if (goes == replicas.rend()) goes = std::find_if(replicas.rbegin(), replicas.rend(), leads_not);
    if (const auto count = replicas_.find(*goes); count != replicas_.end()) --count->second;
    replicas.erase(std::next(goes).base());
  }
  return replicas;
}

Brokers Placement::without_excluded(const client::PartitionState& partition) {
  Brokers& replicas = now_[partition.where];
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!is_among(excluded_, replicas[i])) continue;
    Brokers others = replicas;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    BrokerId id = best_for(others);
    if (id == kNoBroker || is_among(replicas, id)) continue;
    replicas[i] = id;
    ++replicas_[id];
  }
  return replicas;
}

Placement::Step Placement::next_step(const std::vector<client::PartitionState>& partitions) {
  if (replicas_.size() < 2) return {};
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto fewest = std::ranges::min_element(replicas_, by_count);
  const auto most = std::ranges::max_element(replicas_, by_count);
  if (most->second - fewest->second < 2) return {};
  for (const client::PartitionState& partition : partitions) {
    Brokers& replicas = now_[partition.where];
    const auto at = std::ranges::find(replicas, most->first);
    if (at == replicas.end() || is_among(replicas, fewest->first)) continue;
    // A rack that has the partition already is no better place.
    const std::string rack = rack_of(fewest->first);
    const auto is_on_rack = [&](BrokerId id) { return id != most->first && rack_of(id) == rack; };
    if (!rack.empty() && std::ranges::any_of(replicas, is_on_rack)) continue;
    *at = fewest->first;
    --most->second;
    ++fewest->second;
    return {.where = partition.where, .replicas = replicas};
  }
  return {};
}

}  // namespace mq::mqctl

#include "controller/membership.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "cluster/keys.h"

namespace mq::controller {
namespace {

/// No log comes so far.
constexpr LeaderEpoch kLeaderEpochsEnd{1 << 30};

}  // namespace

bool is_among(const Brokers& brokers, BrokerId id) { return std::ranges::find(brokers, id) != brokers.end(); }

Brokers without(Brokers brokers, const Brokers& left_out) {
  std::erase_if(brokers, [&](BrokerId id) { return is_among(left_out, id); });
  return brokers;
}

bool is_there(const cluster::ClusterImage& image, BrokerId id) {
  return image.is_alive(id) && image.find_broker(id)->state != cluster::BrokerState::starting;
}

bool has_leader(const cluster::ClusterImage& image, const cluster::Partition& partition) {
  return partition.leader != kNoBroker && is_there(image, partition.leader) &&
         image.find_broker(partition.leader)->epoch == partition.leader_broker_epoch;
}

Brokers undrained(const cluster::ClusterImage& image, Brokers brokers) {
  std::erase_if(brokers, [&](BrokerId id) { return image.is_drained(id); });
  return brokers;
}

Brokers undrained_if_any(const cluster::ClusterImage& image, Brokers brokers) {
  Brokers others = undrained(image, brokers);
  return others.empty() ? brokers : others;
}

std::size_t effective_min(const cluster::Partition& partition, std::size_t insync_replicas_min) {
  const std::size_t added = is_mutant("addedcounts") ? 0 : partition.adding.size();
  const std::size_t settled = partition.replicas.size() - added;
  return std::min(insync_replicas_min, std::max<std::size_t>(1, settled));
}

void set_isr(cluster::Partition& partition, Brokers isr, std::size_t insync_replicas_min, const Brokers& lost) {
  Brokers elr;
  if (isr.size() < effective_min(partition, insync_replicas_min)) {
    for (const BrokerId id : partition.replicas) {
      const bool was_eligible = is_among(partition.isr, id) || is_among(partition.elr, id);
      if (was_eligible && !is_among(isr, id) && !is_among(lost, id)) elr.push_back(id);
    }
  }
  partition.isr = std::move(isr);
  partition.elr = std::move(elr);
  partition.last_in_sync = without(without(std::move(partition.last_in_sync), partition.isr), partition.elr);
}

bool counts_on(const cluster::Partition& partition, BrokerId id) {
  if (partition.replicas == Brokers{id}) return partition.leader != kNoBroker;
  return is_among(partition.isr, id) || is_among(partition.elr, id) || is_among(partition.last_in_sync, id);
}

LeaderEpoch epoch_after(LeaderEpoch known, LeaderEpoch in_log) {
  return LeaderEpoch{std::max(known, in_log < kLeaderEpochsEnd ? in_log : kNoLeaderEpoch).value() + 1};
}

std::vector<cluster::Compare> as_seen(const cluster::ClusterImage& image, const std::set<BrokerId>& brokers) {
  std::vector<cluster::Compare> compares;
  for (const BrokerId id : brokers) {
    const cluster::Broker* broker = image.find_broker(id);
    compares.push_back(as_known(cluster::broker_key(id), broker ? broker->revision : cluster::kNoRevision));
    if (broker == nullptr || !broker->has_session()) continue;
    const std::string key = cluster::alive_key(id);
    compares.push_back(image.sessions().contains(id) ? cluster::Compare::exists(key) : cluster::Compare::absent(key));
  }
  return compares;
}

}  // namespace mq::controller

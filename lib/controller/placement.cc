#include "controller/placement.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "controller/membership.h"

namespace mq::controller {

Placement::Placement(const cluster::ClusterImage& image, const Uuid& topic)
    : shift_(load_be<std::uint32_t>(reinterpret_cast<const char*>(topic.bytes.data()))) {
  std::map<std::string, std::vector<BrokerId>> racks;
  std::vector<BrokerId> ready;
  bool has_racks = true;
  for (const auto& [id, broker] : image.brokers()) {
    if (!image.is_ready(id)) continue;
    ready.push_back(id);
    has_racks = has_racks && broker.rack.has_value();
    if (broker.rack) racks[*broker.rack].push_back(id);
  }
  racks_ = has_racks ? racks.size() : ready.size();
  if (has_racks) {
    for (std::size_t round = 0; brokers_.size() < ready.size(); ++round) {
      std::size_t rack = 0;
      for (const auto& [name, brokers] : racks) {
        if (round < brokers.size()) brokers_.push_back({.id = brokers[round], .rack = rack});
        ++rack;
      }
    }
  } else {
    for (const BrokerId id : ready) brokers_.push_back({.id = id, .rack = brokers_.size()});
  }
  if (brokers_.size() <= kBrokersMax) return;
  std::ranges::rotate(brokers_, brokers_.begin() + static_cast<std::ptrdiff_t>(shift_ % brokers_.size()));
  brokers_.resize(kBrokersMax);
}

std::vector<BrokerId> Placement::replicas_of(std::int32_t partition, std::size_t factor) const {
  std::vector<BrokerId> replicas;
  add_to(replicas, partition, factor);
  return replicas;
}

void Placement::add_to(std::vector<BrokerId>& replicas, std::int32_t partition, std::size_t factor) const {
  const std::size_t count = brokers_.size();
  MQ_ASSERT(factor >= 1 && factor <= count && partition >= 0);
  const std::size_t number = static_cast<std::size_t>(partition);
  const std::size_t first = (shift_ + number) % count;
  std::vector<Candidate> candidates{brokers_[first]};
  // With each round over the brokers the others stand one further from the first: who follows a leader that dies is
  // not always the same one.
  for (std::size_t i = 1; i < count; ++i)
    candidates.push_back(brokers_[(first + 1 + (shift_ + number / count + i - 1) % (count - 1)) % count]);
  const auto is_used = [&](BrokerId id) { return std::ranges::find(replicas, id) != replicas.end(); };
  std::vector<int> on_rack(racks_, 0);
  for (const Candidate& candidate : candidates) on_rack[candidate.rack] += is_used(candidate.id) ? 1 : 0;
  while (replicas.size() < factor) {
    const Candidate* best = nullptr;
    for (const Candidate& candidate : candidates)
      if (!is_used(candidate.id) && (best == nullptr || on_rack[candidate.rack] < on_rack[best->rack]))
        best = &candidate;
    if (best == nullptr) return;  // others than those that are ready are among them
    replicas.push_back(best->id);
    ++on_rack[best->rack];
  }
}

std::size_t ready_count(const cluster::ClusterImage& image) {
  std::size_t count = 0;
  for (const auto& [id, broker] : image.brokers()) count += image.is_ready(id) ? 1 : 0;
  return count;
}

cluster::Partition new_partition(const cluster::ClusterImage& image, std::vector<BrokerId> replicas) {
  cluster::Partition partition;
  for (const BrokerId id : replicas)
    if (image.is_ready(id)) partition.isr.push_back(id);
  MQ_ASSERT(!partition.isr.empty());
  partition.replicas = std::move(replicas);
  partition.leader = undrained_if_any(image, partition.isr).front();
  partition.leader_broker_epoch = image.find_broker(partition.leader)->epoch;
  return partition;
}

std::vector<cluster::Compare> as_registered(const cluster::ClusterImage& image, const std::set<BrokerId>& brokers) {
  if (is_mutant("placeblind")) return {};
  std::vector<cluster::Compare> compares;
  for (const BrokerId id : brokers) {
    const cluster::Broker* broker = image.find_broker(id);
    MQ_ASSERT(broker != nullptr);
    compares.push_back(as_known(cluster::broker_key(id), broker->revision));
    // That it is there is enough: a session comes with a registration, which is compared.
    if (broker->has_session() && image.is_alive(id))
      compares.push_back(cluster::Compare::exists(cluster::alive_key(id)));
  }
  return compares;
}

}  // namespace mq::controller

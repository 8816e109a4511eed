#include "controller/placement.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/mutant.h"
#include "cluster/keys.h"

namespace mq::controller {

Placement::Placement(const cluster::ClusterImage& image, const Uuid& topic)
    : shift_(load_be<std::uint32_t>(reinterpret_cast<const char*>(topic.bytes.data()))) {
  for (const auto& [id, broker] : image.brokers())
    if (image.is_ready(id)) brokers_.push_back(id);
  if (brokers_.size() <= kBrokersMax) return;
  std::ranges::rotate(brokers_, brokers_.begin() + static_cast<std::ptrdiff_t>(shift_ % brokers_.size()));
  brokers_.resize(kBrokersMax);
}

std::vector<BrokerId> Placement::replicas_of(std::int32_t partition, std::size_t factor) const {
  const std::size_t count = brokers_.size();
  MQ_ASSERT(factor >= 1 && factor <= count && partition >= 0);
  const std::size_t number = static_cast<std::size_t>(partition);
  const std::size_t first = (shift_ + number) % count;
  std::vector<BrokerId> replicas{brokers_[first]};
  // With each round over the brokers the others stand one further from the first: who follows a leader that dies is
  // not always the same one.
  for (std::size_t i = 1; i < factor; ++i)
    replicas.push_back(brokers_[(first + 1 + (shift_ + number / count + i - 1) % (count - 1)) % count]);
  return replicas;
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
  partition.leader = partition.isr.front();
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

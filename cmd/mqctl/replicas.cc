#include "replicas.h"

#include <algorithm>

namespace mq::mqctl {

std::vector<BrokerId> without(const std::vector<BrokerId>& some, const std::vector<BrokerId>& others) {
  std::vector<BrokerId> left;
  for (const BrokerId id : some)
    if (std::ranges::find(others, id) == others.end()) left.push_back(id);
  return left;
}

std::vector<BrokerId> wanted_replicas(const client::PartitionState& partition, const ClusterState& state) {
  const auto going_on = state.moves.find(partition.where);
  return going_on == state.moves.end() ? partition.replicas : without(partition.replicas, going_on->second.removing);
}

}  // namespace mq::mqctl

#pragma once

#include <vector>

#include "client/admin.h"
#include "cluster_state.h"
#include "model/ids.h"

namespace mq::mqctl {

/// Where the partition is to be: its replicas, without those that are on their way out.
[[nodiscard]] std::vector<BrokerId> wanted_replicas(const client::PartitionState& partition, const ClusterState& state);
/// In the order of `some`.
[[nodiscard]] std::vector<BrokerId> without(const std::vector<BrokerId>& some, const std::vector<BrokerId>& others);

}  // namespace mq::mqctl

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/admin.h"
#include "cluster_state.h"
#include "model/ids.h"

namespace mq::mqctl {

/// What is so, why, and what to do about it; empty where nothing has to be done.
struct Finding {
  std::string what;
  std::string because;
  std::string todo;
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Everything that is not as it should be with one partition of `state`, the gravest first; one that says so where all
/// is well. `size_bytes` is what each broker has of its log, as far as it says.
[[nodiscard]] std::vector<Finding> explain(const client::PartitionState& partition, const ClusterState& state,
                                           const std::map<BrokerId, std::int64_t>& size_bytes);

}  // namespace mq::mqctl

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/admin.h"
#include "cluster_state.h"
#include "model/ids.h"

namespace mq::mqctl {

/// Finds brokers for replicas: those with the fewest, on racks that have none of the partition yet. Knows of what it
/// has placed itself.
class Placement {
 public:
  /// `excluded` get none.
  Placement(const ClusterState& state, const std::vector<BrokerId>& excluded);

  /// So many replicas: those it has, as they stand, then new ones; or without the last, those first that are not in
  /// sync. Fewer where there are no more brokers.
  [[nodiscard]] std::vector<BrokerId> with_factor(const client::PartitionState& partition, std::size_t factor);
  /// Another broker in the place of each that is excluded. One for which there is none stays.
  [[nodiscard]] std::vector<BrokerId> without_excluded(const client::PartitionState& partition);
  /// One replica from the broker with the most to the one with the fewest, if that is two apart, and it has a partition
  /// that may go there; empty replicas: there is nothing to be gained.
  struct Step {
    TopicPartition where;
    std::vector<BrokerId> replicas;
  };
  [[nodiscard]] Step next_step(const std::vector<client::PartitionState>& partitions);

 private:
  /// kNoBroker: there is none.
  [[nodiscard]] BrokerId best_for(const std::vector<BrokerId>& replicas) const;
  [[nodiscard]] std::string rack_of(BrokerId id) const;

  std::map<BrokerId, std::int64_t> replicas_;            ///< of each broker that may get some
  std::map<BrokerId, std::string> racks_;                ///< of every broker that is there
  std::map<TopicPartition, std::vector<BrokerId>> now_;  ///< where the partitions are to be
  std::vector<BrokerId> excluded_;
};

}  // namespace mq::mqctl

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cluster/image.h"
#include "model/ids.h"
#include "replication/replica.h"

namespace mq::broker {

/// An ISR that a leader wants in the key of its partition.
struct IsrWish {
  cluster::PartitionPlace place;
  std::int32_t partition_epoch = 0;  ///< of the key that it knows
  std::vector<replication::Replica::Proposed> isr;
  std::vector<BrokerId> lost;
  /// Called once, on any thread, unless the ISR becomes the key's: then the image says so.
  std::move_only_function<void(replication::Replica::Outcome)> ended;
};

/// A leader whose log has the epoch that it was given.
struct EpochWish {
  cluster::PartitionPlace place;
  LeaderEpoch latest = kNoLeaderEpoch;  ///< of its log
};

/// Takes what leaders want written into the keys of their partitions. Any thread.
class LeaderWishes {
 public:
  virtual void wish(IsrWish wanted) = 0;
  virtual void wish(EpochWish wanted) = 0;

 protected:
  ~LeaderWishes() = default;
};

}  // namespace mq::broker

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cluster/image.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

// What keeps the metadata in order, and no client asks for. The transactions of these plans do not rest on each other.

/// A log whose recovery could not show that nothing was lost.
struct UncertainLog {
  Uuid topic_id;
  std::int32_t partition = 0;
  LeaderEpoch latest_epoch = kNoLeaderEpoch;  ///< in it, where metadata may know only earlier ones
};

/// Raises the leader epochs of `logs` above all that they had. Those of topics that were deleted meanwhile are passed
/// over.
[[nodiscard]] Plan plan_raised_epochs(const cluster::ClusterImage& image, std::span<const UncertainLog> logs);

/// `self` has nothing left of these deleted topics. The tombstone of a topic that nobody is waited for any more goes,
/// after what else the store has of it.
[[nodiscard]] Plan plan_acknowledgement(const cluster::ClusterImage& image, std::span<const Uuid> deleted,
                                        BrokerId self);

/// Ids that are not registered any more are waited for no longer: nobody comes back under one, so it counts as having
/// nothing left of any deleted topic. One whose registration cannot be read is waited for.
[[nodiscard]] Plan plan_acknowledgement_of_unregistered(const cluster::ClusterImage& image);

/// The creations whose maker is gone, or has registered anew since.
[[nodiscard]] std::vector<Uuid> abandoned_creations(const cluster::ClusterImage& image);

/// Ends the creations in `abandoned`, then erases partitions without a topic that no creation stands for. Where a topic
/// cannot be read, only those of deleted topics: others may be its own.
[[nodiscard]] Plan plan_sweep(const cluster::ClusterImage& image, std::span<const Uuid> abandoned);

}  // namespace mq::controller

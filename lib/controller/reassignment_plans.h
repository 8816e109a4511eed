#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "controller/membership.h"
#include "controller/plan.h"
#include "controller/topic_plans.h"
#include "model/ids.h"

namespace mq::controller {

// Other replicas for a partition. Those that are added come to the replicas at once, and are copied to; those that are
// to go stay until all that are added are in sync (I-12). Until then it can be called off.

/// The partition is to be on `target`, in this order of preference. One that goes on already is changed to that; one
/// that would change nothing but the order ends at once. The brokers that are added are compared as registered.
[[nodiscard]] AskedPlan plan_reassignment(const cluster::ClusterImage& image, const cluster::PartitionPlace& place,
                                          const Brokers& target, const SettingsOf& settings_of);

/// Somebody says how many replicas partitions of the topic are to have: it does not grow with the cluster any more.
[[nodiscard]] Plan plan_own_factor(const cluster::ClusterImage& image, const Uuid& topic);

/// Calls a reassignment off: the replicas are those of before. Refused where none of those could lead.
[[nodiscard]] AskedPlan plan_cancellation(const cluster::ClusterImage& image, const cluster::PartitionPlace& place,
                                          const SettingsOf& settings_of);

/// Whether all that are added are in sync, and somebody who stays can lead.
[[nodiscard]] bool can_finish(const cluster::ClusterImage& image, const cluster::Partition& partition,
                              const TopicSettings& settings);

/// Ends the reassignments of those of `places` where that can be. Each transaction compares the controller's lease,
/// acquired at `lease`.
[[nodiscard]] Plan plan_finished(const cluster::ClusterImage& image, cluster::Revision lease,
                                 std::span<const cluster::PartitionPlace> places, const SettingsOf& settings_of);

/// Topics made with the default factor while there were fewer brokers get replicas up to `factor`, or as many as
/// brokers are ready: internal topics first, `partitions_max` partitions at most, none where replicas are on their way.
[[nodiscard]] Plan plan_factor_growth(const cluster::ClusterImage& image, cluster::Revision lease, std::size_t factor,
                                      std::size_t partitions_max);

}  // namespace mq::controller

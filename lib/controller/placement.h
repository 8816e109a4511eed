#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "cluster/image.h"
#include "controller/packer.h"

namespace mq::controller {

/// The brokers that the partitions of one topic are put on, one after the other: those that are ready. At most 45 of
/// them, which ones depends on the topic: a plan compares two keys of each, and they have to fit in a transaction.
/// Where each of them says its rack, the replicas of a partition stand on as many racks as they can.
class Placement {
 public:
  static constexpr std::size_t kBrokersMax = 45;

  Placement(const cluster::ClusterImage& image, const Uuid& topic);

  [[nodiscard]] std::size_t broker_count() const { return brokers_.size(); }
  /// The same for the same topic, partition and brokers, so that partitions that are added later go on in the pattern
  /// of the first. `factor` is at most `broker_count`.
  [[nodiscard]] std::vector<BrokerId> replicas_of(std::int32_t partition, std::size_t factor) const;
  /// Adds to `replicas` until there are `factor`, or no more brokers.
  void add_to(std::vector<BrokerId>& replicas, std::int32_t partition, std::size_t factor) const;

 private:
  struct Candidate {
    BrokerId id;
    std::size_t rack = 0;  ///< a number from 0 on
  };
  std::size_t racks_ = 0;
  std::vector<Candidate> brokers_;  ///< each next one on another rack, as far as there are any
  std::size_t shift_;
};

/// How many brokers are ready.
[[nodiscard]] std::size_t ready_count(const cluster::ClusterImage& image);

/// A new partition on `replicas`, one of which at least is ready: those that are make the ISR, and the first of them
/// leads that is not drained, if there is one.
[[nodiscard]] cluster::Partition new_partition(const cluster::ClusterImage& image, std::vector<BrokerId> replicas);

/// That these brokers are registered and alive as the image has them.
[[nodiscard]] std::vector<cluster::Compare> as_registered(const cluster::ClusterImage& image,
                                                          const std::set<BrokerId>& brokers);

}  // namespace mq::controller

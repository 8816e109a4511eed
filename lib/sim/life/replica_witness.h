#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/node.h"
#include "broker/partition.h"
#include "cluster/image.h"
#include "model/ids.h"
#include "replication/replica.h"
#include "sim/cluster/cluster.h"
#include "sim/machine/scheduler.h"

namespace mq::sim {

/// Sees the replicas of all brokers of a life, after each task, and says what no broker may do whatever happens to it:
///
/// - two lead a partition in one leader epoch (V3);
/// - a leader that knows where its log ends knows of less than a leader before it, and nothing unclean has happened
///   that allows it (V4);
/// - a high watermark passes what a member of the ISR has on its disk, of a `flush=ack` topic (V5).
///
/// In the end it compares the replicas of each log (V2).
class ReplicaWitness {
 public:
  explicit ReplicaWitness(Cluster& cluster);
  ReplicaWitness(const ReplicaWitness&) = delete;
  ReplicaWitness& operator=(const ReplicaWitness&) = delete;

  /// What a disk may have done to what it held.
  enum class Media {
    whole,  ///< nothing: each batch can be read, everywhere
    lost,   ///< it spoiled some. What is damaged on a replica may be missing there, and who would copy that is behind
  };
  /// When nothing happens any more and all brokers serve: every replica is in sync, and all of a partition have the
  /// same batches below their high watermarks.
  void compare_logs(Media media);
  /// What two replicas have to have alike of a batch.
  struct Batch {
    Offset base;
    Offset last;
    LeaderEpoch epoch;
    std::uint32_t crc = 0;
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  /// Where the one has something else than the other. Both in order. Where media was lost, what both have is compared.
  [[nodiscard]] static std::optional<Offset> first_difference(std::span<const Batch> ours,
                                                              std::span<const Batch> theirs, Media media);
  /// A sentence each, in the order in which they were found.
  [[nodiscard]] const std::vector<std::string>& breaches() const { return breaches_; }

 private:
  using Place = std::pair<Uuid, std::int32_t>;
  /// A replica at its last sight.
  struct Seen {
    replication::Role role = replication::Role::none;
    LeaderEpoch epoch = kNoLeaderEpoch;
    Offset high_watermark{0};
    Offset synced{0};
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  struct Known {
    std::map<BrokerId, Seen> replicas;
    std::map<LeaderEpoch, BrokerId> leaders;
    Offset end{0};  ///< the greatest high watermark of a leader that knew its end
    LeaderEpoch end_epoch = kNoLeaderEpoch;
  };
  void look_at(const broker::Node& node);
  void look_at(BrokerId broker, const broker::Partition& partition, const cluster::ClusterImage& image);
  void judge_leader(BrokerId broker, const broker::Partition& partition, const cluster::ClusterImage& image,
                    Known& known, bool has_grown);
  void judge_end(const broker::Partition& partition, const cluster::Partition& key, Known& known);
  void judge_members(const broker::Partition& partition, const cluster::Partition& key, const Known& known);
  void compare(const cluster::Topic& topic, std::int32_t index, Media media);
  template <class... Args>
  void breach(fmt::format_string<Args...> text, Args&&... args);

  Cluster& cluster_;
  std::map<Place, Known> known_;
  std::vector<std::string> breaches_;
  Witness witness_;
};

}  // namespace mq::sim

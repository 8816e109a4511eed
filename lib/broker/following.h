#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "broker/follower.h"
#include "broker/partition.h"
#include "broker/partition_table.h"
#include "broker/shard_context.h"
#include "cluster/image.h"
#include "model/flush_class.h"
#include "model/ids.h"

namespace mq::broker {

/// What one shard copies from other brokers: one Follower for each leader and flush class, so that nobody who syncs is
/// in the way of those who do not. Follows the image: a partition with another leader, or a leader with another
/// address, is copied from there at once. Its shard's thread only.
class Following {
 public:
  /// Both outlive it.
  Following(ShardContext& shard, const PartitionTable& partitions) : shard_(shard), partitions_(partitions) {}

  /// This is the cluster from now on; told before the partitions are.
  void install(std::shared_ptr<const cluster::ClusterImage> image);
  /// When all logs are open.
  void start();
  /// Nothing is copied any more.
  void stop();

  /// It follows somebody, or does so no more, in another epoch, or in another flush class.
  void role_changed(Partition& partition);
  void has_news(const Partition& partition);
  /// It goes away.
  void leave(const Partition& partition) { drop_idle(take(partition)); }

 private:
  using Key = std::pair<BrokerId, FlushClass>;
  /// By whom it is copied; null: by nobody.
  [[nodiscard]] std::shared_ptr<Follower> follower_for(const Partition& partition);
  /// From whom it is copied no more.
  std::shared_ptr<Follower> take(const Partition& partition);
  void drop_idle(const std::shared_ptr<Follower>& follower);

  ShardContext& shard_;
  const PartitionTable& partitions_;
  std::shared_ptr<const cluster::ClusterImage> image_ = std::make_shared<const cluster::ClusterImage>();
  std::map<Key, std::shared_ptr<Follower>> followers_;
  boost::unordered_flat_map<const Partition*, std::shared_ptr<Follower>> copied_by_;
  /// They follow somebody whom the image does not know yet: a log is made before the shard has the image that names it.
  std::vector<std::weak_ptr<Partition>> waiting_;
  bool is_running_ = false;
};

}  // namespace mq::broker

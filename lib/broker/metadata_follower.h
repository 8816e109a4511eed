#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "broker/all_shards.h"
#include "broker/caretaker.h"
#include "broker/log_keeper.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "broker/topics.h"
#include "cluster/image.h"
#include "env/async.h"
#include "env/task_group.h"

namespace mq::broker {

/// Brings what others change in the store to this broker: the image, its logs, its groups. So does what a transaction
/// of our own changes that takes effect only when nobody waits for it any more.
///
/// A log is made before the shards have the image that names it. One that cannot be made now is tried again.
///
/// On the first shard.
class MetadataFollower {
 public:
  MetadataFollower(NodeContext& node, AllShards& shards, MetadataWriter& writer, LogKeeper& logs, Topics& topics,
                   Caretaker& caretaker);

  /// When the logs are open.
  void start();
  /// After Life::begin_stop: on return nothing is changed any more.
  awaitable<void> stop();
  /// After the store was closed.
  awaitable<void> join();
  /// Reads what others have changed, and makes the logs that this broker is to have by now; then every shard has the
  /// image. False: the store does not say what is true now.
  awaitable<bool> bring_up_to_date();

 private:
  awaitable<void> follow();
  /// The store is another one, which was accepted: what it does not know goes out of the way of what it knows.
  awaitable<void> go_on_with_accepted(const std::map<Uuid, cluster::TopicPtr>& changed);
  /// This broker's part of a topic as it is now.
  awaitable<WantedLogs> missing_logs(cluster::TopicPtr topic);
  awaitable<void> make(std::vector<WantedLogs> wanted);
  /// Partitions of the topic of which there is a log here, and which others keep: all of those that are to.
  [[nodiscard]] std::vector<std::int32_t> moved_away(const cluster::Topic& topic) const;

  NodeContext& node_;
  AllShards& shards_;
  MetadataWriter& writer_;
  LogKeeper& logs_;
  Topics& topics_;
  Caretaker& caretaker_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker

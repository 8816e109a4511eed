#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "controller/upkeep_plans.h"
#include "env/async.h"
#include "env/files.h"
#include "log/log.h"
#include "model/ids.h"

namespace mq::broker {

using ImagePtr = std::shared_ptr<const cluster::ClusterImage>;

/// What is asked of every shard by what exists once. On the first shard unless it says otherwise; a call returns when
/// all shards have done it.
class AllShards {
 public:
  /// This is the cluster from now on.
  virtual awaitable<bool> install(ImagePtr image) = 0;
  /// What the logs of this partition are opened with. Any thread.
  virtual env::Files& files_of(const Uuid& topic, std::int32_t partition) = 0;
  /// Gives logs to their shards, where requests find them. `image` names them all.
  virtual awaitable<bool> put(std::vector<std::unique_ptr<log::Log>> logs, ImagePtr image) = 0;
  /// The broker has registered under this epoch: it leads only what names that.
  virtual awaitable<bool> registered(cluster::BrokerEpoch epoch) = 0;
  /// Those of `partitions` of which no shard has a log.
  virtual awaitable<std::vector<std::int32_t>> without_log(Uuid topic, std::vector<std::int32_t> partitions) = 0;
  /// Takes all logs of a topic from the shards and closes them: nothing works on their files any more.
  virtual awaitable<bool> take(Uuid topic) = 0;
  /// The same for these partitions of it alone.
  virtual awaitable<bool> take(Uuid topic, std::vector<std::int32_t> partitions) = 0;
  /// Groups forget these topics, before an image is installed in which they are gone and others may have their names.
  virtual awaitable<bool> topics_deleted(std::vector<cluster::TopicPtr> topics) = 0;
  /// It is installed: nobody commits for them any more.
  virtual awaitable<bool> topics_are_gone(std::vector<cluster::TopicPtr> topics) = 0;

 protected:
  ~AllShards() = default;
};

/// What a start asks of every shard besides.
class StartingShards {
 public:
  /// Opens the logs of every partition that is neither open yet nor `not_made`. Returns those whose recovery could not
  /// show that nothing was lost.
  virtual awaitable<Result<std::vector<controller::UncertainLog>>> open_logs(
      std::set<std::pair<Uuid, PartitionId>> not_made) = 0;
  /// These take no appends before their leader epoch has risen.
  virtual awaitable<bool> hold_appends(std::vector<controller::UncertainLog> logs) = 0;

 protected:
  ~StartingShards() = default;
};

}  // namespace mq::broker

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/all_shards.h"
#include "broker/data_directory.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "env/async.h"
#include "log/log.h"

namespace mq::broker {

/// Logs of one topic that are to be made.
struct WantedLogs {
  struct Log {
    std::int32_t partition = 0;
    Offset start{0};
  };
  cluster::TopicPtr topic;
  std::vector<Log> logs;
};

/// Brings the logs of this broker to what metadata says: makes those that are missing, and takes away those of deleted
/// topics. At a start, after a change and after a crash alike.
///
/// Metadata comes first: a log is made when a committed image names it. Its directory is on disk before its slot of
/// synced ends is, and both are before a shard has it, so before anybody is answered from it. What a crash leaves out
/// the next start makes; a slot without its directory says that a log was here and is lost.
///
/// On the first shard; what works on directories runs on the pool.
class LogKeeper {
 public:
  LogKeeper(NodeContext& node, AllShards& shards) : node_(node), shards_(shards) {}

  /// Makes logs that `image` names, durably, and gives them to their shards. One outcome for each of `wanted`; of one
  /// that failed nothing is left. `image` tells which directories in the way may be removed.
  awaitable<std::vector<Result<void>>> make(std::vector<WantedLogs> wanted, ImagePtr image);

  /// A start: moves out of the way what metadata does not name. Returns what is left of deleted topics.
  awaitable<Result<Tidied>> tidy(const Differences& found, ImagePtr image);
  /// A start: makes what is missing; those that are lost must not lead in the epochs that they had. Returns what the
  /// disk has no room for now. What `image` does not name any more is passed over.
  awaitable<Result<std::vector<Differences::Missing>>> make_missing(std::vector<Differences::Missing> missing,
                                                                    ImagePtr image);
  /// A start: every log that metadata names is here. The next start can tell what is lost from what was not made yet.
  awaitable<Result<void>> settle();

  /// Takes the logs of a topic from the shards and renames their directories; its deletion is committed.
  struct Removal {
    std::vector<std::string> directories;  ///< their new names
    bool are_all = true;                   ///< false: some are left as they were; the next start tries again
  };
  awaitable<Removal> begin_removal(cluster::TopicPtr topic);
  /// The same for these partitions, which others keep from now on.
  awaitable<Removal> begin_removal(cluster::TopicPtr topic, std::vector<std::int32_t> partitions);
  /// Takes the logs from the shards and keeps their directories under other names: metadata does not know them.
  awaitable<void> set_aside(cluster::TopicPtr topic, std::vector<std::int32_t> partitions);
  /// Removes what was renamed. False when something is left; the next start tries again.
  awaitable<bool> finish_removal(Removal removal);

 private:
  using Logs = std::vector<std::unique_ptr<log::Log>>;
  awaitable<Result<Logs>> make_directories(const WantedLogs& wanted, ImagePtr image);
  /// Makes one directory; what stands in its way is moved. Pool.
  Result<std::unique_ptr<log::Log>> make_directory(const cluster::Topic& topic, const WantedLogs::Log& wanted,
                                                   const std::shared_ptr<const log::LogConfig>& config,
                                                   const cluster::ClusterImage& image) const;
  /// Directories, then slots. Pool.
  Result<void> make_durable(const Logs& made) const;
  void tell_made(const Differences::Missing& log) const;
  /// Of what could not be made nothing is left, but never a record is removed: what is there may be anybody's.
  awaitable<void> discard(WantedLogs wanted);
  awaitable<Removal> rename(const cluster::Topic& topic, std::vector<TopicPartition> names);

  NodeContext& node_;
  AllShards& shards_;
};

}  // namespace mq::broker

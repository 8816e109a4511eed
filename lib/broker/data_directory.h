#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "env/files.h"
#include "env/logger.h"
#include "env/random.h"
#include "log/log_dir.h"
#include "model/ids.h"

namespace mq::broker {

/// What lies in a data directory beside the logs that metadata names. Found at a start, before anything is changed.
struct Unclaimed {
  struct Log {
    TopicPartition name;
    std::optional<Uuid> topic_id;  ///< nothing when its `partition.metadata` cannot be read
    bool was_synced = false;       ///< it has a slot of synced ends, so metadata named it once
  };
  std::map<Uuid, std::vector<TopicPartition>> deleted;  ///< by topic; metadata has a tombstone for each
  std::vector<Log> unknown;
  std::vector<std::pair<Uuid, PartitionId>> slots_without_log;  ///< slots of synced ends that nothing belongs to
};

enum class Look {
  at_names,     ///< a directory that is named like a log of the image is that log
  at_topic_ids  ///< if its `partition.metadata` says so, which costs a read for each
};

/// Reads only. Looks at topic ids by itself when a slot belongs to nothing that metadata names. Pool.
[[nodiscard]] Result<Unclaimed> find_unclaimed(const log::LogDir& dir, env::Files& files,
                                               const cluster::ClusterImage& image, Look look);

/// Remembered in place of a revision while metadata that has gone back is being accepted.
inline constexpr std::int64_t kBeingAccepted = std::numeric_limits<std::int64_t>::max();

/// Metadata has gone back in time, or was lost in part: the revision that was known to be on disk is not reached, or
/// logs are here that only metadata can have named. Says how; nothing: all is well.
[[nodiscard]] std::optional<std::string> store_went_back(const log::LogDir& dir, const Unclaimed& unclaimed,
                                                         std::int64_t revision);

struct Tidied {
  std::set<Uuid> deleted_left;  ///< deleted topics of which a directory is left
  std::size_t strays = 0;       ///< directories that were set aside, now or before
};

/// Moves what is unclaimed out of the way: directories of deleted topics are removed, unknown logs set aside, those
/// without a record removed. What cannot be moved is told and left for the next start. Pool.
[[nodiscard]] Result<Tidied> tidy_up(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                     const Unclaimed& unclaimed, env::Random& random, env::Logger& logger);

/// A directory that could not be moved before stands under the name of a log that is to be made: moves it as `tidy_up`
/// does. Pool.
[[nodiscard]] Result<void> clear_the_way(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                         const TopicPartition& name, env::Random& random, env::Logger& logger);

}  // namespace mq::broker

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

/// What metadata has of this broker's logs and a data directory has not, and the other way round. Found at a start,
/// before anything is changed; what becomes of it says `fate_of`.
struct Differences {
  struct Log {
    TopicPartition name;
    std::optional<Uuid> topic_id;  ///< nothing when its `partition.metadata` cannot be read
    bool was_synced = false;       ///< it has a slot of synced ends, so metadata named it once
  };
  struct Missing {
    cluster::TopicPtr topic;
    std::int32_t partition = 0;
    bool is_lost = false;  ///< it was here, or may have been
    Offset start;          ///< as far as it was known to be on disk
  };
  std::map<Uuid, std::vector<TopicPartition>> deleted;  ///< by topic; metadata has a tombstone for each
  std::vector<Log> unknown;
  std::vector<std::pair<Uuid, PartitionId>> slots_without_log;  ///< slots of synced ends that nothing belongs to
  std::vector<Missing> missing;                                 ///< in the image's order
  std::vector<std::pair<Uuid, PartitionId>> without_slot;       ///< logs that are here: nobody was answered for them
};

/// What its `partition.metadata` says. Nothing: it cannot be read. Pool.
[[nodiscard]] std::optional<Uuid> topic_id_of(const log::LogDir& dir, env::Files& files,
                                              const TopicPartition& partition);

enum class Look {
  at_names,     ///< a directory that is named like a log of the image is that log
  at_topic_ids  ///< if its `partition.metadata` says so, which costs a read for each
};

/// Reads only. Looks at the topic id of a directory by itself when its log has no slot, and at all of them when a slot
/// belongs to nothing that metadata names. Pool.
[[nodiscard]] Result<Differences> compare(const log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                          BrokerId self, Look look);

/// Remembered in place of a revision while metadata that has gone back is being accepted.
inline constexpr std::int64_t kBeingAccepted = std::numeric_limits<std::int64_t>::max();

/// Metadata has gone back in time, or was lost in part: the revision that was known to be on disk is not reached, or
/// logs are here that only metadata can have named. Says how; nothing: all is well.
[[nodiscard]] std::optional<std::string> store_went_back(const log::LogDir& dir, const Differences& found,
                                                         std::int64_t revision);

/// What is here of partitions that others are in sync with, and this broker is not, is to be set aside and copied anew:
/// they may have given other records the same epochs and offsets.
[[nodiscard]] Differences without_what_others_have(Differences found, const log::LogDir& dir,
                                                   const cluster::ClusterImage& image, BrokerId self);

/// An operator has accepted the store of `image` for this directory, which has not followed it yet (C-6).
[[nodiscard]] bool is_accepted_anew(const log::LogDir& dir, const cluster::ClusterImage& image);
/// It has now, durably. Pool.
[[nodiscard]] Result<void> note_acceptance(log::LogDir& dir, const cluster::ClusterImage& image);

/// Moves the directory of a log that metadata does not know out of the way, and forgets that it was here. Pool.
[[nodiscard]] Result<void> set_aside(log::LogDir& dir, const TopicPartition& name, const Uuid& topic_id,
                                     env::Random& random, env::Logger& logger);

struct Tidied {
  std::set<Uuid> deleted_left;  ///< deleted topics of which a directory is left
  std::size_t strays = 0;       ///< directories that were set aside, now or before
};

/// Moves what metadata does not name out of the way: directories of deleted topics are removed, unknown logs set aside,
/// those without a record removed. What cannot be moved is told and left for the next start. Pool.
[[nodiscard]] Result<Tidied> tidy_up(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                     const Differences& found, env::Random& random, env::Logger& logger);

/// A directory that could not be moved before, or that somebody put there, stands under the name of a log of
/// `topic_id` that is to be made: moves it as `tidy_up` does. already_exists: it is that very log. Pool.
[[nodiscard]] Result<void> clear_the_way(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                         const TopicPartition& name, const Uuid& topic_id, env::Random& random,
                                         env::Logger& logger);

}  // namespace mq::broker

#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "model/ids.h"

namespace mq::log {

/// What is known about a log before its directory was looked at.
struct OpenContext {
  /// The last stop of the whole data directory was clean (LogDir::was_clean). Then nothing of the log is read before it
  /// is needed; else it is recovered.
  bool clean = false;
  /// All that is in the directory is on disk, contents and names: LogDir::begin_writing saw to it after an unclean
  /// stop. Else recovery syncs what it reads.
  bool synced = false;
  /// Of the topic, as metadata knows it; zero: whatever `partition.metadata` says.
  Uuid topic_id;
  /// The partition's current leader epoch, as metadata knows it. No CRC covers a batch's epoch: a larger one is rot and
  /// counts for nothing. kNoLeaderEpoch: unknown.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  /// From LogDir: nothing below was unsynced at the last stop. Absent: unknown.
  std::optional<Offset> synced_end = std::nullopt;
  /// From LogDir: segments that end at or below are whole with their indexes.
  Offset recovery_point{0};
  /// From LogDir: where the log began when that was last written. Absent: unknown.
  std::optional<Offset> log_start = std::nullopt;
  /// From LogDir: compaction has looked at everything below.
  Offset compacted_end{0};
  /// From LogDir: of all segments together, as a clean stop left them. Absent: unknown.
  std::optional<std::uint64_t> bytes = std::nullopt;
  WallMillis wall_now = 0;
};

}  // namespace mq::log

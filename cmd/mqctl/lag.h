#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "model/ids.h"

namespace mq::mqctl {

/// How far a group is behind in one partition.
struct Lag {
  std::int64_t records = 0;      ///< from where it goes on to the end; negative: it would go on so far beyond the end
  std::int64_t lost = 0;         ///< deleted before the group read them
  std::optional<Duration> time;  ///< since the first of `records` was written; 0 without any, none: not known

  [[nodiscard]] bool is_beyond_end() const { return records < 0; }
  friend bool operator==(const Lag&, const Lag&) = default;
};

/// Of a group that has committed `committed` in a log [start, end). Its time is known when nothing is to be read.
[[nodiscard]] Lag lag_of(Offset committed, Offset start, Offset end);

/// How long ago a record of this timestamp was written; none for one without a time (-1). Not before now: 0.
[[nodiscard]] std::optional<Duration> age_of(WallMillis timestamp, WallMillis now);

/// What --max allows: records, or time by its unit.
struct LagLimit {
  std::optional<std::int64_t> records;
  std::optional<Duration> time;

  /// A group that would go on beyond the end passes every limit, because it misses what comes before that; one whose
  /// time is not known passes none of time.
  [[nodiscard]] bool is_passed_by(const Lag& lag) const;
  /// It is the time that counts, and that is not known.
  [[nodiscard]] bool cannot_judge(const Lag& lag) const { return time && !lag.time && !lag.is_beyond_end(); }
};

}  // namespace mq::mqctl

#pragma once

#include <algorithm>
#include <optional>

#include "base/mutant.h"
#include "model/ids.h"

namespace mq::replication {

/// Where an epoch ends in a log. What is asked for is the newest epoch there that is not above a given one; where there
/// is none, it is kNoLeaderEpoch and ends where the log begins.
struct EpochEnd {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end{0};
};

/// The leader's part of comparing logs: what a follower is told whose log ends at `log_end`, its last epoch being
/// `last_epoch`. `ours` is the end, in the leader's log, of the newest epoch not above that. Nothing: the follower's
/// log is a beginning of ours, and it says so of all of it by fetching there.
[[nodiscard]] inline std::optional<EpochEnd> divergence(const EpochEnd& ours, LeaderEpoch last_epoch, Offset log_end) {
  const bool is_known = ours.epoch == last_epoch || is_mutant("kip279");
  return is_known && ours.end >= log_end ? std::nullopt : std::optional(ours);
}

/// The follower's part: where it cuts its log. `own` is the end, in its own log, of the newest epoch not above
/// the leader's. Each cut takes an epoch away or shortens the last one, so asking again comes to an end.
[[nodiscard]] inline Offset cut_at(const EpochEnd& leaders, const EpochEnd& own) {
  return std::min(leaders.end, own.end);
}

}  // namespace mq::replication

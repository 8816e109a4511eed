#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/ids.h"

namespace mq::log {

/// Where a leader epoch ends in this log. `epoch` kNoLeaderEpoch and `end_offset` -1: undefined.
struct EpochEnd {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end_offset{-1};
  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

/// The leader epochs that wrote a log, each with its first offset; both strictly increase. No I/O; kept in
/// Kafka's `leader-epoch-checkpoint`, whose text `encode` and `decode` make and read.
class LeaderEpochs {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// `epoch` begins at `start`; epochs that would begin there or later had no batches and give way. False, and nothing
  /// changed, when `epoch` is not newer than the latest.
  bool assign(LeaderEpoch epoch, Offset start);
  [[nodiscard]] EpochEnd end_offset_for(LeaderEpoch epoch, Offset log_end) const;
  [[nodiscard]] LeaderEpoch latest() const { return entries_.empty() ? kNoLeaderEpoch : entries_.back().epoch; }
  [[nodiscard]] LeaderEpoch at(Offset offset) const;
  /// Forgets what begins at or after `end`. False: nothing did.
  bool truncate_from(Offset end);
  /// The log begins at `start` now.
  void forget_before(Offset start);
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

  [[nodiscard]] std::string encode() const;
  /// corrupt: not that text, or not increasing.
  [[nodiscard]] static Result<LeaderEpochs> decode(BytesView text);

 private:
  std::vector<Entry> entries_;
};

}  // namespace mq::log

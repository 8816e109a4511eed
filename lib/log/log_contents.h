#pragma once

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/files.h"
#include "log/durability.h"
#include "log/leader_epochs.h"
#include "log/producer_snapshots.h"
#include "log/producer_states.h"
#include "log/recovery_report.h"
#include "log/segment_set.h"
#include "log/torn_tails.h"
#include "model/ids.h"

namespace mq::log {

/// What a log is made of: what `read_contents` finds in a directory, or the little that a new one has.
struct LogContents {
  LogContents(env::Files& files, std::shared_ptr<const std::string> directory)
      : segments(files, std::move(directory)), snapshots(segments.names()), torn(segments.names()) {}

  Uuid topic_id;
  SegmentSet segments;
  Durability durability;
  ProducerSnapshots snapshots;
  TornTails torn;
  std::vector<Damage> damage;
  std::unique_ptr<LeaderEpochs> epochs;                               ///< null: not read yet
  std::unique_ptr<ProducerStates> producers;                          ///< null: not read yet
  LeaderEpoch epoch_limit{std::numeric_limits<std::int32_t>::max()};  ///< larger ones in files and batches are damage
  Offset compacted_end{0};                                            ///< compaction has looked at everything below
};

}  // namespace mq::log

#pragma once

#include <optional>

#include "base/result.h"
#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/segment_files.h"
#include "log/segment_set.h"
#include "model/ids.h"

namespace mq::log {

/// What `leader-epoch-checkpoint` says. Nothing: it is missing or damaged, as it is when it knows an epoch above
/// `limit`, which nobody has reached yet.
[[nodiscard]] Result<std::optional<LeaderEpochs>> read_epochs_file(const SegmentFiles& names, LeaderEpoch limit);
/// The same from the batches in [start, end); epochs above `limit` are damage and count for nothing.
[[nodiscard]] Result<LeaderEpochs> epochs_of_batches(const SegmentSet& segments, Offset start, Offset end,
                                                     LeaderEpoch limit, const LogConfig& config);

}  // namespace mq::log

#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/segment_files.h"
#include "log/segment_set.h"
#include "model/ids.h"

namespace mq::log {

struct SavedEpochs {
  std::optional<LeaderEpochs> epochs;
  bool has_crc = false;  ///< and it is that of the text
};

/// What `leader-epoch-checkpoint` says. Nothing: it is missing or damaged, as it is when it has not the CRC that stands
/// beside it, or knows an epoch above `limit`, which nobody has reached yet. Where none stands there the text is
/// believed: it is of a time when there was none, or of another program.
[[nodiscard]] Result<SavedEpochs> read_epochs_file(const SegmentFiles& names, LeaderEpoch limit);
/// `mq-epochs-crc` for this text of the other file: a version and its CRC-32C, a line each.
[[nodiscard]] std::string encode_epochs_crc(BytesView text);
/// Whether it is the one for this text.
[[nodiscard]] bool is_epochs_crc(BytesView crc, BytesView text);
/// The same from the batches in [start, end); epochs above `limit` are damage and count for nothing.
[[nodiscard]] Result<LeaderEpochs> epochs_of_batches(const SegmentSet& segments, Offset start, Offset end,
                                                     LeaderEpoch limit, const LogConfig& config);

}  // namespace mq::log

#pragma once

#include "base/result.h"
#include "log/directory_contents.h"
#include "log/log_config.h"
#include "log/recovery_report.h"
#include "log/segment_files.h"

namespace mq::log {

/// Ends what a stop has cut off of a compaction: output that was not finished goes; output that was takes the place of
/// what it was made from, unless it is damaged and that is still there. Durable on return. `contents` is not true any
/// more then.
[[nodiscard]] Result<void> finish_swaps(const SegmentFiles& names, const DirectoryContents& contents,
                                        RecoveryReport& report);

}  // namespace mq::log

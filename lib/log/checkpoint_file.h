#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/ids.h"

namespace mq::log {

/// A line of a checkpoint file.
struct CheckpointLine {
  std::string_view topic;
  std::int32_t partition = 0;
  Offset offset;
  friend auto operator<=>(const CheckpointLine&, const CheckpointLine&) = default;
};

/// One offset for each partition of a data directory, in Kafka's text: `0`, the number of lines, then `topic partition
/// offset` for each.
[[nodiscard]] std::string encode_checkpoint(std::span<const CheckpointLine> lines);
/// The lines by topic and partition; their topics are views of `text`. corrupt: not that text, or a partition stands
/// there twice.
[[nodiscard]] Result<std::vector<CheckpointLine>> decode_checkpoint(BytesView text);

}  // namespace mq::log

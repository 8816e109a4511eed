#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "model/ids.h"

namespace mq::log {

/// One offset for each partition of a data directory, in Kafka's text: `0`, the number of lines, then `topic partition
/// offset` for each.
using PartitionOffsets = std::map<TopicPartition, Offset>;

[[nodiscard]] std::string encode_checkpoint(const PartitionOffsets& offsets);
/// corrupt: not that text.
[[nodiscard]] Result<PartitionOffsets> decode_checkpoint(BytesView text);

}  // namespace mq::log

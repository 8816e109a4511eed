#pragma once

#include <cstddef>
#include <vector>

#include "broker/node_context.h"
#include "broker/partition_table.h"

namespace mq::broker {

/// How many each partition may keep so that together they keep at most `room`: as many as it has, where that is little,
/// and the same height for all others. Only for counts whose sum is more than `room`.
[[nodiscard]] std::size_t common_height(std::vector<std::size_t> counts, std::size_t room);

/// Bounds how many idempotent producers the logs of one shard remember: its part of what the broker may. Over it the
/// longest idle are forgotten, of the partitions that remember the most. The shard's thread only.
class ProducerLimit {
 public:
  /// Both outlive it.
  ProducerLimit(const NodeContext& node, const PartitionTable& partitions) : node_(node), partitions_(partitions) {}

  /// So many more are remembered.
  void came(std::size_t count);

 private:
  [[nodiscard]] std::size_t most() const;
  [[nodiscard]] std::vector<std::size_t> counts() const;

  const NodeContext& node_;
  const PartitionTable& partitions_;
  std::size_t counted_ = 0;  ///< at least as many as are remembered: who expires is not taken off at once
};

}  // namespace mq::broker

#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "env/async.h"

namespace mq::broker {

class NodeServices;

/// What a process knows of itself; all 0 where nobody knows (in simulation).
struct ProcessFacts {
  WallMillis started_at = 0;
  Duration cpu{};
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptors_max = 0;
  std::uint64_t log_lines_dropped = 0;
};

/// Everything that the node counts, in Prometheus' text format: refreshes what is not counted as it happens, a moment
/// on each shard, and sums the shards. Call on the first shard, from the construction of the node to its end.
awaitable<std::string> metrics_text(NodeServices& node, ProcessFacts process);

}  // namespace mq::broker

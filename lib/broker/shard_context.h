#pragma once

#include "broker/metrics.h"
#include "broker/node_context.h"
#include "broker/peer_log.h"
#include "broker/turn_end.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::broker {

/// What every part of one shard works with. Decides nothing, and knows nobody who uses it. The shard's thread only,
/// but for `node`.
class ShardContext {
 public:
  ShardContext(NodeContext& of_node, env::Shard& thread)
      : node(of_node),
        shard(thread),
        tasks(thread),
        log_tasks(thread),
        peer_log(thread, tasks, of_node.logger(), metrics.counter(Metric::log_lines_left_out)),
        turn_end(thread) {}

  NodeContext& node;
  env::Shard& shard;
  ShardMetrics metrics;
  env::TaskGroup tasks;
  /// For what works on logs or their files beside the requests: a stop waits for it before it closes the logs.
  env::TaskGroup log_tasks;
  /// For what a client can cause; what the machine causes goes to the node's logger.
  PeerLog peer_log;
  TurnEnd turn_end;
};

}  // namespace mq::broker

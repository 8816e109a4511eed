#pragma once

#include <cstdint>

#include "base/result.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "env/async.h"
#include "env/lock.h"
#include "env/task_group.h"
#include "model/ids.h"

namespace mq::broker {

/// Gives out producer ids, each once for ever. Reserves blocks of 1000 in the metadata store before the first of a
/// block is used; what a stop leaves of a block is skipped (C-10).
///
/// In a cluster a spare block lies ready from the start on: while the store is away, producers can go on to begin. It
/// is replaced as soon as it comes into use. On the first shard.
class ProducerIds {
 public:
  ProducerIds(NodeContext& node, MetadataWriter& writer);

  awaitable<Result<ProducerId>> next();
  /// Metadata has gone back in time: none is given out that may have been given out under what was lost. Before `next`.
  awaitable<Result<void>> pass_over_lost();
  /// The broker has joined a cluster: has a spare block reserved.
  void keep_spare();
  /// Waits for what is being reserved.
  awaitable<void> stop();

 private:
  struct Block {
    std::int64_t next = 0;
    std::int64_t end = 0;
    [[nodiscard]] bool is_empty() const { return next == end; }
  };
  awaitable<Result<Block>> reserve(std::int64_t count);
  awaitable<void> fetch_spare();

  NodeContext& node_;
  MetadataWriter& writer_;
  Block block_;
  Block spare_;
  bool keeps_spare_ = false;
  bool is_fetching_spare_ = false;
  env::Lock reserving_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker

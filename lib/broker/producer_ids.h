#pragma once

#include <cstdint>

#include "base/result.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "env/async.h"
#include "env/lock.h"
#include "model/ids.h"

namespace mq::broker {

/// Gives out producer ids, each once for ever. Reserves blocks of 1000 in the metadata store before the first of a
/// block is used; what a stop leaves of a block is skipped (C-10). On the first shard.
class ProducerIds {
 public:
  ProducerIds(const NodeContext& node, MetadataWriter& writer)
      : node_(node), writer_(writer), reserving_(node.home()) {}
  awaitable<Result<ProducerId>> next();
  /// Metadata has gone back in time: none is given out that may have been given out under what was lost. Before `next`.
  awaitable<Result<void>> pass_over_lost();

 private:
  /// Returns the first of so many.
  awaitable<Result<std::int64_t>> reserve(std::int64_t count);

  const NodeContext& node_;
  MetadataWriter& writer_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
  env::Lock reserving_;
};

}  // namespace mq::broker

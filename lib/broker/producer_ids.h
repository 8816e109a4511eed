#pragma once

#include <cstdint>

#include "base/result.h"
#include "env/async.h"
#include "env/event.h"
#include "model/ids.h"

namespace mq::broker {

class Node;

/// Gives out producer ids, each once for ever. Reserves blocks of 1000 in the metadata store before the first of a
/// block is used; what a stop leaves of a block is skipped (C-10). On the first shard.
class ProducerIds {
 public:
  explicit ProducerIds(Node& node);
  awaitable<Result<ProducerId>> next();
  /// Metadata has gone back in time: none is given out that may have been given out under what was lost. Before `next`.
  awaitable<Result<void>> pass_over_lost();

 private:
  /// Returns the first of so many.
  awaitable<Result<std::int64_t>> reserve(std::int64_t count);
  Node& node_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
  bool reserving_ = false;
  env::Event reserved_;
};

}  // namespace mq::broker

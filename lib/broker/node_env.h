#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "env/files.h"
#include "env/logger.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "meta/store_source.h"

namespace mq::broker {

/// The machine that a node runs on: everything that is not a decision. All of it outlives the node.
struct NodeEnv {
  std::vector<env::Shard*> shards;  ///< at least one; the first also runs what exists once (metadata, listeners)
  env::Files& files;
  env::Pool& disk_pool;      ///< fdatasync, cold reads, large decompressions, compaction
  env::Pool& metadata_pool;  ///< one thread: the embedded store, and what must not wait for a sync of the logs
  env::Random& random;
  env::Logger& logger;
  meta::StoreSource store;
  /// Of a member of a cluster: where it kept its metadata if it was alone before. May be empty.
  meta::StoreSource store_alone = {};
  std::size_t descriptors_max = 0;      ///< that the process may have open; 0: without limit
  std::function<void()> return_memory;  ///< gives the machine what is free, on the pool; may be empty
  /// From which level on `logger` writes (mq.log.level), on the first shard; may be empty.
  std::function<void(std::string_view)> set_log_level = {};
  /// The start waits for something that may never come; may be empty.
  std::function<void()> tell_waiting = {};
};

}  // namespace mq::broker

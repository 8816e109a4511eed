#pragma once

#include <vector>

#include "base/result.h"
#include "console.h"
#include "env/async.h"
#include "model/ids.h"
#include "remote.h"

namespace mq::mqctl {

/// Prints leader, epoch, replicas, offsets and size of the partitions of `topics`; with `only` not empty of these
/// alone.
awaitable<Result<void>> print_partitions(Console& console, Remote& remote,
                                         std::vector<client::Cluster::TopicRef> topics,
                                         std::vector<TopicPartition> only = {});

/// Bytes of each partition's log on its leader or, where that does not tell, on the largest replica.
awaitable<Result<std::map<TopicPartition, std::int64_t>>> partition_sizes(Console& console, Remote& remote);

}  // namespace mq::mqctl

#pragma once

#include <set>

#include "broker/services.h"
#include "cluster/image.h"
#include "env/async.h"

namespace mq::broker {

/// The partitions that this broker leads as far as it knows, and may not any more (Partition::may_be_replaced): clients
/// are told of no leader. Empty while the metadata store is heard.
awaitable<std::set<cluster::PartitionPlace>> doubtful_leaders(ShardServices& home);

}  // namespace mq::broker

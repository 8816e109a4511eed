#include "broker/doubtful_leaders.h"

#include <vector>

#include "base/mark.h"
#include "broker/partition.h"

namespace mq::broker {

awaitable<std::set<cluster::PartitionPlace>> doubtful_leaders(ShardServices& home) {
  std::set<cluster::PartitionPlace> doubtful;
  if (!home.context().node.store_contact.is_silent()) co_return doubtful;
  for (ShardServices* const shard : home.node().shards()) {
    const auto of_shard = co_await env::on_shard(home.shard(), shard->shard(), [shard] {
      std::vector<cluster::PartitionPlace> places;
      shard->partitions().for_each([&places](const Partition& partition) {
        if (partition.may_be_replaced())
          places.push_back({.topic = partition.topic_id(), .index = partition.name().partition});
      });
      return places;
    });
    doubtful.insert(of_shard.begin(), of_shard.end());
  }
  if (!doubtful.empty()) MQ_MARK("broker: clients are told of no leader where this broker may be replaced");
  co_return doubtful;
}

}  // namespace mq::broker

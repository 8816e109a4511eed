#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/partition.h"
#include "broker/services.h"
#include "env/async.h"
#include "model/error_code.h"

namespace mq::broker {

/// A partition that a request names, on its way to the shard that has it. Handlers derive their items from it.
struct Addressed {
  Uuid topic_id;
  std::int32_t partition = 0;
  ShardServices* owner = nullptr;  ///< null: `error` says why
  ErrorCode error = ErrorCode::kNone;
};

/// Finds the owner of partition `index` of `topic` (null: unknown) as `home` knows the cluster.
inline void address(Addressed& item, const ShardServices& home, const cluster::Topic* topic, std::int32_t index) {
  item.partition = index;
  if (topic == nullptr || topic->find_partition(index) == nullptr) {
    item.error = ErrorCode::kUnknownTopicOrPartition;
    return;
  }
  item.topic_id = topic->id;
  item.owner = &home.node().owner_of(topic->id, index);
}

/// Whether a request names more than a request may (N-19), so that what it costs is bounded.
inline bool names_too_many(const ShardServices& home, std::size_t named) {
  return named > home.node().config().partitions_per_request_max;
}

/// Refuses every item when there are too many, and an item that was named before, as Kafka does: one small request must
/// not have the same work done a hundred thousand times.
template <class Item>
void refuse_excess(const ShardServices& home, std::vector<Item>& items) {
  const bool too_many = names_too_many(home, items.size());
  boost::unordered_flat_set<std::pair<std::string_view, std::int32_t>> seen;
  for (Item& item : items) {
    if (item.owner == nullptr && !too_many) continue;
    const std::string_view id(reinterpret_cast<const char*>(item.topic_id.bytes.data()), item.topic_id.bytes.size());
    if (!too_many && seen.emplace(id, item.partition).second) continue;
    item.error = ErrorCode::kInvalidRequest;
    item.owner = nullptr;
  }
}

/// Runs the coroutine `each(partition, item)` for every item that has an owner, on that owner's shard, one after the
/// other there. `items` must stay where they are until it returns. An item whose partition is gone gets
/// NOT_LEADER_OR_FOLLOWER.
template <class Item, class Each>
awaitable<bool> on_each_partition(ShardServices& home, std::vector<Item>& items, Each each) {
  for (ShardServices* const shard : home.node().shards()) {
    if (std::ranges::none_of(items, [&](const Item& item) { return item.owner == shard; })) continue;
    (void)co_await await_on(home, *shard, [&items, &each, shard]() -> awaitable<bool> {
      for (Item& item : items) {
        if (item.owner != shard) continue;
        if (Partition* partition = shard->find(item.topic_id, item.partition)) {
          const auto kept = partition->shared_from_this();
          co_await each(*partition, item);
        } else {
          item.error = ErrorCode::kNotLeaderOrFollower;
        }
      }
      co_return true;
    });
  }
  co_return true;
}

/// Where logs end changes with what is written but not readable yet: waits for that, on the partitions of those items
/// for which `concerns` says so, all at the same time. A disk that takes longer keeps no reader from what there is.
template <class Item, class Concerns>
awaitable<void> await_readable(ShardServices& home, std::vector<Item>& items, Concerns concerns) {
  constexpr Duration kPatience = 5s;
  const Instant deadline = home.shard().now() + kPatience;
  bool is_behind = false;
  (void)co_await on_each_partition(home, items, [&](Partition& partition, Item& item) -> awaitable<void> {
    if (concerns(item)) is_behind = partition.hurry_readers() || is_behind;
    co_return;
  });
  if (!is_behind) co_return;
  (void)co_await on_each_partition(home, items, [&](Partition& partition, Item& item) -> awaitable<void> {
    if (concerns(item)) co_await partition.until_readable(deadline);
  });
}

}  // namespace mq::broker

#pragma once

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/partition.h"
#include "broker/services.h"
#include "broker/topic_resolver.h"
#include "env/async.h"
#include "env/event.h"
#include "env/task_group.h"
#include "model/error_code.h"

namespace mq::broker {

// --- The loop over owners -------------------------------------------------------------------------------------------

/// Those items of a request that one shard owns, in the order of the request.
struct OwnersPart {
  ShardServices* owner = nullptr;
  std::vector<std::size_t> items;  ///< indexes
};

/// Groups those of `items` that have an owner, and for which `is_wanted` says so, by owner.
template <class Item, class IsWanted>
[[nodiscard]] std::vector<OwnersPart> parts_of(const std::vector<Item>& items, IsWanted is_wanted) {
  std::vector<OwnersPart> parts;
  for (std::size_t index = 0; index < items.size(); ++index) {
    const Item& item = items[index];
    if (item.owner == nullptr || !is_wanted(item)) continue;
    auto part = std::ranges::find(parts, item.owner, &OwnersPart::owner);
    if (part == parts.end()) part = parts.insert(parts.end(), {.owner = item.owner, .items = {}});
    part->items.push_back(index);
  }
  return parts;
}

/// Runs the coroutine `run(part)` for each part on the shard of its owner, all shards at the same time, and returns
/// when all have ended. `run` is called on several threads at once.
template <class Run>
awaitable<void> on_owners(ShardServices& home, std::vector<OwnersPart> parts, Run run) {
  struct Running {
    std::size_t parts;
    env::Event ended;
  } running{.parts = parts.size(), .ended = env::Event(home.shard())};
  for (const OwnersPart& part : parts) {
    auto on_its_owner = [](ShardServices& here, const OwnersPart& of_one, Run& run_one,
                           Running& all) -> awaitable<void> {
      (void)co_await await_on(here, *of_one.owner, [&of_one, &run_one]() -> awaitable<bool> {
        co_await run_one(of_one);
        co_return true;
      });
      if (--all.parts == 0) all.ended.notify_all();
    }(home, part, run, running);
    if (parts.size() == 1) {
      co_await std::move(on_its_owner);
    } else {
      home.tasks().spawn(std::move(on_its_owner));
    }
  }
  while (running.parts > 0) co_await running.ended.wait();
}

// --- Partitions that a request names ---------------------------------------------------------------------------------

/// A partition that a request names, on its way to the shard that has it. Handlers derive their items from it.
struct Addressed {
  Uuid topic_id;
  std::int32_t partition = 0;
  ShardServices* owner = nullptr;  ///< null: `error` says why
  ErrorCode error = ErrorCode::kNone;

  void refuse(ErrorCode why) {
    owner = nullptr;
    error = why;
  }
};

/// Sets `item` to partition `index` of a topic that was looked for.
inline void address(Addressed& item, const TopicResolver& topics, const FoundTopic& found, std::int32_t index) {
  const PartitionPlace place = topics.place(found, index);
  item.partition = index;
  item.owner = place.owner;
  item.error = place.error;
  if (place.owner != nullptr) item.topic_id = found.topic->id;
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
    if (too_many || !seen.emplace(id, item.partition).second) item.refuse(ErrorCode::kInvalidRequest);
  }
}

/// Runs the coroutine `each(partition, item)` for every item that has an owner, on that owner's shard: one after the
/// other there, the shards at the same time. `items` must stay where they are until it returns. An item whose partition
/// is gone gets NOT_LEADER_OR_FOLLOWER.
template <class Item, class Each>
awaitable<void> on_each_partition(ShardServices& home, std::vector<Item>& items, Each each) {
  const auto run = [&items, &each](const OwnersPart& part) -> awaitable<void> {
    for (const std::size_t index : part.items) {
      Item& item = items[index];
      if (Partition* partition = part.owner->find(item.topic_id, item.partition)) {
        const auto kept = partition->shared_from_this();
        co_await each(*partition, item);
      } else {
        item.error = ErrorCode::kNotLeaderOrFollower;
      }
    }
  };
  co_await on_owners(home, parts_of(items, [](const Item&) { return true; }), run);
}

/// Where logs end changes with what is written but not readable yet: waits for that, on the partitions of those items
/// for which `concerns` says so, all at the same time. A disk that takes longer keeps no reader from what there is.
template <class Item, class Concerns>
awaitable<void> await_readable(ShardServices& home, std::vector<Item>& items, Concerns concerns) {
  constexpr Duration kPatience = 5s;
  const Instant deadline = home.shard().now() + kPatience;
  std::atomic<bool> is_behind = false;
  co_await on_each_partition(home, items, [&](Partition& partition, Item& item) -> awaitable<void> {
    if (concerns(item) && partition.hurry_readers()) is_behind = true;
    co_return;
  });
  if (!is_behind) co_return;
  co_await on_each_partition(home, items, [&](Partition& partition, Item& item) -> awaitable<void> {
    if (concerns(item)) co_await partition.until_readable(deadline);
  });
}

}  // namespace mq::broker

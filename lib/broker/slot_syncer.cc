#include "broker/slot_syncer.h"

#include <iterator>
#include <utility>

#include "base/assert.h"

namespace mq::broker {
namespace {

constexpr Duration kNoRoomForSlotsPause = 100ms;

}  // namespace

void SlotSyncer::sync(std::move_only_function<void()> then) {
  waiting_.push_back(std::move(then));
  if (!std::exchange(is_running_, true)) shard_.log_tasks.spawn(run());
}

awaitable<void> SlotSyncer::run() {
  NodeContext& node = shard_.node;
  while (!waiting_.empty() && !node.disk_health.is_offline()) {
    auto served = std::exchange(waiting_, {});
    const auto synced =
        co_await node.disk_pool().run(shard_.shard, [&node] { return node.log_dir().sync_synced_ends(); });
    if (synced) {
      for (auto& then : served) then();
      continue;
    }
    if (synced.error().code != Errc::disk_full) {
      node.disk_health.disk_failed(synced.error());
      break;
    }
    node.disk_space.found_full(synced.error());
    if (node.life.is_stopping()) break;
    waiting_.insert(waiting_.end(), std::move_iterator(served.begin()), std::move_iterator(served.end()));
    co_await shard_.shard.sleep_until(shard_.shard.now() + kNoRoomForSlotsPause);
  }
  waiting_.clear();
  is_running_ = false;
}

void SlotSyncer::check_invariants() const { MQ_ASSERT(waiting_.empty() || is_running_); }

}  // namespace mq::broker

#include "broker/log_cutter.h"

#include <utility>

#include "base/assert.h"
#include "base/mark.h"

namespace mq::broker {
namespace {

/// Between two tries, where the disk is full or a checkpoint is being saved.
constexpr Duration kPause = 20ms;

}  // namespace

void LogCutter::begin(std::shared_ptr<const void> kept, Cut cut) {
  MQ_ASSERT(!is_cutting_);
  is_cutting_ = true;
  shard_.log_tasks.spawn(run(*this, std::move(kept), cut));
}

awaitable<void> LogCutter::run(LogCutter& self, std::shared_ptr<const void> /*kept*/, Cut cut) {
  const bool was_cut = co_await self.carry_out(cut);
  self.is_cutting_ = false;
  was_cut ? self.owner_.was_cut() : self.owner_.was_not_cut();
}

awaitable<bool> LogCutter::carry_out(Cut cut) {
  NodeContext& node = shard_.node;
  while (owner_.may_cut() && !node.life.is_stopping() && !node.disk_health.is_offline()) {
    Result<Offset> end = cut.restarts ? cut.end : log_.truncation_end(cut.end);
    Result<void> done = end ? Result<void>{} : fail(end.error());
    if (end) {
      work_.begin();
      done = co_await node.disk_pool().run(shard_.shard, [this, cut, end = *end] { return prepare(cut, end); });
      work_.end();
    }
    if (!owner_.may_cut()) break;
    if (done) done = cut_now(cut);
    if (done) co_return true;
    if (done.error().code == Errc::disk_failed) node.disk_health.disk_failed(done.error());
    if (done.error().code == Errc::disk_full) node.disk_space.found_full(done.error());
    MQ_MARK("broker: a follower cannot cut its log now");
    co_await shard_.shard.sleep_until(shard_.shard.now() + kPause);
  }
  co_return false;
}

Result<void> LogCutter::prepare(const Cut& cut, Offset end) const {
  log::LogDir& dir = shard_.node.log_dir();
  if (!cut.restarts) return dir.lower_ends(log_.partition(), log_.topic_id(), end);
  dir.set_log_start(log_.partition(), end);
  return dir.write_checkpoints();
}

Result<void> LogCutter::cut_now(const Cut& cut) {
  const WallMillis now = shard_.shard.clock().wall_now();
  return cut.restarts ? log_.restart_at(cut.end, now) : log_.truncate_to(cut.end, now);
}

}  // namespace mq::broker

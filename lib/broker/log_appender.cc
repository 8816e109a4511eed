#include "broker/log_appender.h"

#include <utility>

#include "base/mark.h"

namespace mq::broker {
namespace {

// Recovery reads at most about this much of a log; sealed segments are closed then too.
constexpr std::size_t kCheckpointBytes = 64u << 20;
constexpr Duration kFullDiskPause = 100ms;

}  // namespace

LogAppender::LogAppender(Owner& owner, ShardContext& shard, PartitionHost& host, log::Log& log, FileWork& work,
                         DamageLog& damage)
    : owner_(owner), shard_(shard), host_(host), log_(log), work_(work), damage_(damage) {
  log_.gather_small_batches();
}

Result<Appended> LogAppender::append(char* batch, const record::ValidatedBatch& validated, LeaderEpoch epoch) {
  if (shard_.node.disk_health.is_offline())
    return fail(Errc::disk_failed, "the data directory is offline after a disk error; see the broker's log");
  if (auto room = check_room(epoch); !room) {
    log_.refuse(validated.header);
    shard_.node.disk_space.found_full(room.error());
    return std::unexpected(std::move(room).error());
  }
  auto info = log_.append(batch, validated.header, validated.max_timestamp, epoch, shard_.shard.clock().wall_now());
  if (!info) return std::unexpected(tell(std::move(info).error()));
  if (!info->duplicate) appended(validated.header.size_bytes());
  count(validated.header, info->duplicate);
  if (validated.header.has_producer_id()) count_producers();
  const std::int64_t unflushed = (log_.log_end() - log_.synced_end()).value();
  return Appended{.base_offset = info->base_offset,
                  .end = info->end_offset,
                  // Also for a duplicate, whose original may still wait for that sync (P-1).
                  .needs_flush = unflushed >= log_.config().flush_messages,
                  .log_append_time = info->log_append_time};
}

Result<void> LogAppender::append_copy(const record::BatchView& batch) {
  if (shard_.node.disk_health.is_offline()) return fail(Errc::disk_failed, "the data directory is offline");
  if (auto room = shard_.node.disk_space.check_room(); !room) {
    shard_.node.disk_space.found_full(room.error());
    return room;
  }
  auto info = log_.append_as_is(batch.bytes(), batch.header(), shard_.shard.clock().wall_now());
  if (!info) return std::unexpected(tell(std::move(info).error()));
  appended(batch.bytes().size());
  if (batch.header().has_producer_id()) count_producers();
  return {};
}

void LogAppender::appended(std::size_t bytes) {
  count_towards_checkpoint(bytes);
  if (!log_.has_gathered()) {
    owner_.was_written();
  } else if (!std::exchange(ends_turn_, true)) {
    shard_.turn_end.add_partition({owner_.share(), this});
  }
}

Error LogAppender::tell(Error error) {
  if (error.code == Errc::disk_failed) shard_.node.disk_health.disk_failed(error);
  if (error.code == Errc::disk_full) shard_.node.disk_space.found_full(error);
  damage_.tell(error);
  return error;
}

Result<void> LogAppender::check_room(LeaderEpoch epoch) const {
  if (held_in_ == epoch) MQ_MARK("broker: appends are held until the leader epoch is raised");
  if (held_in_ == epoch)
    return fail(Errc::disk_full,
                "{} takes nothing before its leader epoch is raised, and the disk is too full for that",
                log_.partition().to_string());
  return shard_.node.disk_space.check_room();
}

void LogAppender::count(const record::BatchHeader& header, bool is_duplicate) {
  ShardMetrics& metrics = shard_.metrics;
  if (is_duplicate) return metrics.duplicate_batches.add();
  metrics.appended_batches.add();
  metrics.appended_records.add(static_cast<std::uint64_t>(header.record_count));
  metrics.appended_bytes.add(header.size_bytes());
}

void LogAppender::count_producers() {
  const std::size_t count = log_.producer_count();
  const std::size_t before = std::exchange(producers_counted_, count);
  if (count > before) host_.producers_came(count - before);
}

void LogAppender::count_towards_checkpoint(std::size_t bytes) {
  bytes_since_checkpoint_ += bytes;
  if (bytes_since_checkpoint_ < kCheckpointBytes || checkpoint_runs_) return;
  bytes_since_checkpoint_ = 0;
  checkpoint_runs_ = true;
  host_.checkpoint_soon(owner_.share());
}

void LogAppender::end_turn() {
  // A retired one may have waited for room on the disk; by now its files are no more its own.
  if (!std::exchange(ends_turn_, false) || work_.is_retired()) return;
  auto outcome = log_.write_out();
  if (outcome) return owner_.was_written();
  const bool is_full = outcome.error().code == Errc::disk_full;
  if (is_full && !shard_.node.life.is_stopping()) {
    // Its room was reserved, so this file system promises less than it should. Nothing is lost: they wait.
    ends_turn_ = true;
    return shard_.tasks.spawn(write_later(*this, owner_.share()));
  }
  if (!is_full) MQ_MARK("broker: gathered batches cannot be written");
  if (!is_full) shard_.node.disk_health.disk_failed(outcome.error());
  owner_.was_not_written();
}

awaitable<void> LogAppender::write_later(LogAppender& self, std::shared_ptr<Partition> /*kept*/) {
  co_await self.shard_.shard.sleep_until(self.shard_.shard.now() + kFullDiskPause);
  self.end_turn();
}

}  // namespace mq::broker

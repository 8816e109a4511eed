#include "broker/housekeeping.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "broker/partition_reader.h"
#include "log/log_dir.h"
#include "log/segment_reader.h"

namespace mq::broker {
namespace {

// How many logs one job of the pool saves: other jobs wait meanwhile.
constexpr std::size_t kSavedTogetherMax = 256;
// The first look at a log after a start reads its times from its files. Requests come between so many of these.
constexpr std::size_t kLooksPerTurn = 8;
// Up to so many logs are synced one by one, more with a sync of the whole data directory.
constexpr std::size_t kSyncedEachMax = 16;

bool keeps_all(const log::Log& log) {
  return log.config().retention_ms < 0 && log.config().retention_bytes < 0 && !log.config().cleanup_compact;
}

}  // namespace

void note_ends(log::LogDir& dir, const Partition& partition) {
  // What a cut has lowered stays low until it is done.
  if (partition.is_retired() || partition.is_cutting()) return;
  const log::Log& log = partition.log();
  dir.note_synced(partition.topic_id(), partition.id(), log.disk_end());
  dir.set_log_start(partition.name(), log.log_start());
  dir.set_recovery_point(partition.name(), is_mutant("rpahead") ? log.log_end() : log.recovery_point());
  dir.set_compacted_end(partition.name(), log.compacted_end());
  dir.set_high_watermark(partition.name(), partition.high_watermark());
}

Housekeeping::Housekeeping(ShardContext& shard, const PartitionTable& partitions)
    : shard_(shard), partitions_(partitions), timer_(shard.shard.make_timer()) {}

void Housekeeping::start() {
  MQ_ASSERT(!is_running_);
  is_running_ = true;
  shard_.log_tasks.spawn(run());
}

void Housekeeping::look_now() {
  look_is_asked_ = true;
  timer_->cancel();
}

bool Housekeeping::is_over() const { return shard_.node.life.is_stopping() || shard_.node.disk_health.is_offline(); }

awaitable<void> Housekeeping::run() {
  while (true) {
    const int sooner = MQ_BUGGIFY("broker: housekeeping comes early") ? 8 : 1;
    if (!look_is_asked_)
      (void)co_await timer_->wait_until(shard_.shard.now() + shard_.node.config().housekeeping_interval / sooner);
    if (is_over()) break;
    look_is_asked_ = false;
    looks_ = true;
    co_await look_at_all();
    looks_ = false;
    if (is_over()) break;
    auto written = co_await shard_.node.disk_pool().run(shard_.shard,
                                                        [this] { return shard_.node.log_dir().write_checkpoints(); });
    if (!written) note_failure("the checkpoint files were not written", written.error());
    check_invariants();
  }
  is_running_ = false;
}

awaitable<void> Housekeeping::look_at_all() {
  std::vector<std::shared_ptr<Partition>> all;
  partitions_.for_each([&](Partition& partition) { all.push_back(partition.shared_from_this()); });
  // The starts of all are saved together, and the followers of all hear of theirs meanwhile.
  std::vector<std::pair<std::shared_ptr<Partition>, Offset>> starts;
  std::size_t looked_at = 0;
  for (const auto& partition : all) {
    if (is_over()) co_return;
    if (++looked_at % kLooksPerTurn == 0) co_await shard_.shard.sleep_until(shard_.shard.now());
    if (partition->is_retired() || keeps_all(partition->log())) continue;
    const auto start = co_await plan_start(*partition, shard_.shard.clock().wall_now());
    if (start && *start > partition->log().log_start()) starts.emplace_back(partition, *start);
  }
  const auto saved = co_await save_starts();
  if (!saved) note_failure("the starts of logs", saved.error());  // whoever deletes meets the error, too
  for (const auto& [partition, start] : starts)
    if (saved && !partition->is_retired()) (void)start_saved(*partition, start);
  Begun begun;
  for (const auto& partition : all) {
    if (shard_.node.disk_health.is_offline()) co_return;
    if (++looked_at % kLooksPerTurn == 0) co_await shard_.shard.sleep_until(shard_.shard.now());
    if (!partition->is_retired() && !shard_.node.life.is_stopping()) co_await look_at(*partition, begun);
    const bool is_last = partition == all.back() || shard_.node.life.is_stopping();
    if (is_last || std::max(begun.checkpoints.size(), begun.removals.size()) == kSavedTogetherMax)
      co_await finish(std::exchange(begun, {}));
    if (shard_.node.life.is_stopping()) co_return;
  }
}

awaitable<void> Housekeeping::look_at(Partition& partition, Begun& begun) {
  log::Log& log = partition.log();
  if (log.release_if_idle() && keeps_all(log) && log.next_removal() == Instant::never()) co_return;
  if (!co_await retain(partition, begun)) co_return;
  // What follows needs room before it gives any, or none, and what is left is for deletions.
  const bool only_frees = shard_.node.disk_space.is_reserve_spent();
  if (only_frees) MQ_MARK("broker: housekeeping does only what frees space");
  if (only_frees && !log.deletion_waits()) co_return note_ends(shard_.node.log_dir(), partition);
  if (!only_frees && shard_.node.config().compaction && !co_await compact(partition)) co_return;
  begin_checkpoint(partition, begun);
}

awaitable<Result<Offset>> Housekeeping::plan_start(Partition& partition, WallMillis wall_now) {
  PartitionReader reader(partition);
  const auto start = co_await reader.look_at_times(0, [&](log::Wait wait) {
    return partition.log().start_after_retention(wall_now, partition.high_watermark(), wait);
  });
  if (start && !partition.is_retired()) shard_.node.log_dir().set_log_start(partition.name(), *start);
  co_return start;
}

awaitable<Result<void>> Housekeeping::save_starts() {
  log::LogDir& dir = shard_.node.log_dir();
  if (!dir.has_unwritten_starts()) co_return Result<void>{};
  co_return co_await shard_.node.disk_space.with_reserve(shard_.shard, [&] {
    return shard_.node.disk_pool().run(shard_.shard, [&dir] { return dir.write_log_starts(); });
  });
}

Offset Housekeeping::start_saved(Partition& partition, Offset start) {
  // Else whoever takes segments away moves it.
  if (!partition.replica().has_peers()) return start;
  partition.start_saved(std::min(start, partition.high_watermark()));
  return partition.log().log_start();
}

void Housekeeping::save_start(std::shared_ptr<Partition> partition, Offset start) {
  followers_starts_.emplace_back(std::move(partition), start);
  if (!std::exchange(is_saving_starts_, true)) shard_.log_tasks.spawn(save_followers_starts());
}

awaitable<void> Housekeeping::save_followers_starts() {
  while (!followers_starts_.empty()) {
    const auto starts = std::exchange(followers_starts_, {});
    const auto saved = co_await save_starts();
    if (!saved) note_failure("the starts of logs", saved.error());
    for (const auto& [partition, start] : starts) saved ? partition->start_saved(start) : partition->start_not_saved();
  }
  is_saving_starts_ = false;
}

awaitable<bool> Housekeeping::retain(Partition& partition, Begun& begun) {
  log::Log& log = partition.log();
  const WallMillis wall_now = shard_.shard.clock().wall_now();
  const std::string name = partition.name().to_string();
  PartitionReader reader(partition);
  const auto rolled = co_await reader.look_at_times(0, [&](log::Wait wait) { return log.roll_if_old(wall_now, wait); });
  if (partition.is_retired()) co_return false;
  if (!rolled) note_failure(name, rolled.error());
  const auto start = co_await plan_start(partition, wall_now);
  if (partition.is_retired()) co_return false;
  if (!start) note_failure(name, start.error());
  const auto saved = co_await save_starts();
  if (partition.is_retired()) co_return false;
  // A full disk has more of files that are gone.
  if (!saved && saved.error().code != Errc::disk_full) {
    MQ_MARK("broker: retention waits since the new starts cannot be saved");
    note_failure(name, saved.error());
    co_return true;
  }
  const Offset start_max = start ? start_saved(partition, *start) : log.log_start();
  const auto deleted = co_await shard_.node.disk_space.with_reserve(shard_.shard, [&] {
    return reader.look_at_times(0, [&](log::Wait wait) {
      return log.delete_old_segments(wall_now, shard_.shard.now(), partition.high_watermark(), wait, start_max);
    });
  });
  if (partition.is_retired()) co_return false;
  partition.log_start_moved();
  if (partition.replica().role() == replication::Role::follower) partition.tell_leader();
  if (!deleted) {
    note_failure(name, deleted.error());
  } else {
    shard_.metrics.counter(Metric::retention_deleted_segments).add(*deleted);
  }
  // Whoever reads them has them open, so on a full disk nothing is gained by waiting.
  if (auto removal = log.due_removals(shard_.node.disk_space.is_full() ? Instant::never() : shard_.shard.now()))
    begun.removals.emplace_back(partition.shared_from_this(), std::move(*removal));
  co_return true;
}

awaitable<bool> Housekeeping::compact(Partition& partition) {
  log::Log& log = partition.log();
  const WallMillis wall_now = shard_.shard.clock().wall_now();
  // It asks for the producers, whose last batches are kept.
  if (log.config().cleanup_compact) co_await partition.until_warm();
  if (partition.is_retired()) co_return false;
  PartitionReader reader(partition);
  auto compaction = co_await reader.look_at_times(
      0, [&](log::Wait wait) { return log.begin_compaction(wall_now, partition.high_watermark(), wait); });
  if (partition.is_retired()) co_return false;
  if (!compaction) note_failure(partition.name().to_string(), compaction.error());
  if (!compaction || !*compaction) co_return true;
  partition.begin_work();
  co_await run_compaction(partition, **compaction);
  partition.end_work();
  co_return !partition.is_retired();
}

awaitable<void> Housekeeping::run_compaction(Partition& partition, log::CompactionJob& job) {
  const std::string name = partition.name().to_string();
  // In steps, so that a sync waiting for the same pool runs between two of them.
  while (!job.done()) {
    auto step = co_await shard_.node.disk_pool().run(shard_.shard, [&] { return job.step(); });
    if (step && !shard_.node.life.is_stopping() && !partition.is_retired()) continue;
    MQ_MARK("broker: a compaction is broken off");
    partition.log().abandon_compaction(job);
    if (!step && log::is_damage(step.error())) {
      partition.log().stop_compacting();
      MQ_MARK("broker: a compaction meets damage");
      partition.tell_damage(step.error());
      shard_.node.logger().error("{} is not compacted until the next start: what is damaged is left as it is", name);
    } else if (!step) {
      // Nothing rests on what it wrote.
      note_failure(name, step.error(), partition.log().failed());
    }
    co_return;
  }
  if (auto done = partition.log().finish_compaction(job, shard_.shard.now()); !done)
    co_return note_failure(name, done.error(), partition.log().failed());
  shard_.metrics.counter(Metric::compactions).add();
}

void Housekeeping::begin_checkpoint(Partition& partition, Begun& begun) {
  auto job = partition.log().begin_checkpoint();
  if (!job) return note_failure(partition.name().to_string(), job.error(), partition.log().failed());
  if (!*job) return note_ends(shard_.node.log_dir(), partition);
  begun.checkpoints.emplace_back(partition.shared_from_this(), **std::move(job));
}

awaitable<void> Housekeeping::finish(Begun begun) {
  co_await remove_files(std::move(begun.removals));
  std::vector<std::shared_ptr<Partition>> partitions;
  std::vector<log::CheckpointJob> jobs;
  for (auto& [partition, job] : begun.checkpoints) {
    // A job works by path, and the directory of a deleted partition is not its own any more.
    if (partition->is_retired()) continue;
    partition->begin_work();
    partitions.push_back(std::move(partition));
    jobs.push_back(std::move(job));
  }
  if (jobs.empty()) co_return;
  const auto save = [&] { return save_all(jobs); };
  // On a full disk nothing is deleted before the producers of it are saved.
  const bool frees = std::ranges::any_of(partitions, [](const auto& one) { return one->log().deletion_waits(); });
  Result<void> saved;
  if (frees) {
    saved = co_await shard_.node.disk_space.with_reserve(shard_.shard, save);
  } else {
    saved = co_await save();
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    partitions[i]->end_checkpoint(jobs[i], saved);
    note_ends(shard_.node.log_dir(), *partitions[i]);
    partitions[i]->end_work();
  }
  const bool failed = std::ranges::any_of(partitions, [](const auto& partition) { return partition->log().failed(); });
  if (!saved) co_return note_failure("saving indexes and producer states", saved.error(), failed);
  Begun freed;
  for (const auto& partition : partitions)
    if (!is_over() && !partition->is_retired() && partition->log().deletion_waits()) co_await retain(*partition, freed);
  co_await remove_files(std::move(freed.removals));
}

awaitable<Result<void>> Housekeeping::save_all(std::span<log::CheckpointJob> jobs) {
  env::Pool& pool = shard_.node.disk_pool();
  if (jobs.size() > kSyncedEachMax)
    co_return co_await pool.run(shard_.shard,
                                [&] { return log::CheckpointJob::run_together(jobs, shard_.node.log_dir().tree()); });
  for (log::CheckpointJob& job : jobs) {
    bool done = false;
    while (!done) {
      MQ_CO_TRY(done, co_await pool.run(shard_.shard, [&job] { return job.step(); }));
    }
  }
  co_return Result<void>{};
}

awaitable<void> Housekeeping::remove_files(
    std::vector<std::pair<std::shared_ptr<Partition>, log::RemovalJob>> removals) {
  std::erase_if(removals,
                [](const auto& removal) { return removal.first->is_retired(); });  // they go with the directory
  if (removals.empty()) co_return;
  log::LogDir& dir = shard_.node.log_dir();
  for (const auto& [partition, removal] : removals) {
    partition->begin_work();
    dir.set_log_start(partition->name(), partition->log().log_start());
  }
  auto removed = co_await save_starts();
  // A full disk has more of files that are gone.
  if (removed || removed.error().code == Errc::disk_full) {
    removed = co_await shard_.node.disk_pool().run(shard_.shard, [&]() -> Result<void> {
      MQ_MARK("broker: files of old segments are removed");
      Result<void> outcome;
      for (auto& [partition, removal] : removals)
        if (auto gone = removal.run(); !gone) outcome = std::move(gone);
      return outcome;
    });
  } else {
    for (auto& [partition, removal] : removals) partition->log().put_back(std::move(removal));
  }
  for (const auto& [partition, removal] : removals) partition->end_work();
  if (!removed) note_failure("removing old segments", removed.error());
}

void Housekeeping::checkpoint_soon(std::shared_ptr<Partition> partition) {
  shard_.log_tasks.spawn([](Housekeeping& self, std::shared_ptr<Partition> kept) -> awaitable<void> {
    co_await self.checkpoint(*kept);
    kept->checkpoint_done();
  }(*this, std::move(partition)));
}

awaitable<void> Housekeeping::checkpoint(Partition& partition) {
  if (partition.is_retired()) co_return;
  Begun begun;
  begin_checkpoint(partition, begun);
  if (!begun.checkpoints.empty()) co_await finish(std::move(begun));
}

void Housekeeping::note_failure(std::string_view what, const Error& error) {
  note_failure(what, error, error.code == Errc::disk_failed);
}

void Housekeeping::note_failure(std::string_view what, const Error& error, bool is_final) {
  if (is_final) return shard_.node.disk_health.disk_failed(error);
  if (error.code == Errc::read_failed) shard_.node.disk_health.read_failed(error);
  MQ_MARK("broker: housekeeping fails and will try again");
  shard_.node.logger().warn("{}: {}; it is tried again when the logs are looked at next", what, error.message);
}

void Housekeeping::check_invariants() const { MQ_ASSERT(is_running_ || !looks_); }

}  // namespace mq::broker

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "broker/following.h"
#include "broker/housekeeping.h"
#include "broker/partition.h"
#include "broker/partition_host.h"
#include "broker/partition_table.h"
#include "broker/producer_limit.h"
#include "broker/settings.h"
#include "broker/shard_context.h"
#include "broker/slot_syncer.h"
#include "broker/syncer.h"
#include "cluster/image.h"
#include "env/async.h"
#include "env/event.h"
#include "log/log.h"
#include "log/open_files.h"

namespace mq::broker {

/// The partitions of one shard with all that works on their logs: open files, syncs, housekeeping, the bound of
/// producers. The shard's thread only, but for what says "any thread".
class ShardLogs final : private log::OpenFiles::Owner, private PartitionHost {
 public:
  explicit ShardLogs(ShardContext& shard);
  ~ShardLogs() override;
  ShardLogs(const ShardLogs&) = delete;
  ShardLogs& operator=(const ShardLogs&) = delete;

  [[nodiscard]] PartitionTable& table() { return partitions_; }
  [[nodiscard]] Following& following() { return following_; }
  /// What the logs are opened with. Any thread.
  [[nodiscard]] env::Files& files() { return open_files_; }
  /// How many of them may be open follows from the settings, which are others now.
  void settings_changed();

  /// A partition that will live here. Any thread.
  [[nodiscard]] std::shared_ptr<Partition> make(TopicPartition name, Uuid topic_id, const cluster::Partition& key,
                                                const TopicSettings& settings, std::unique_ptr<log::Log> log);
  /// From now on it lives here.
  void put(std::shared_ptr<Partition> partition);
  /// Takes the partitions of a topic out; who waits for them is told that they are gone. Returns when nothing of ours
  /// works on their files any more, so that their directories may lose their names.
  awaitable<std::vector<std::shared_ptr<Partition>>> remove(Uuid topic_id);
  /// The same for these of them.
  awaitable<std::vector<std::shared_ptr<Partition>>> remove(Uuid topic_id, std::vector<std::int32_t> partitions);

  /// When all logs are open.
  void start();
  /// They are looked at now, not when it is due.
  void look_now() { housekeeping_.look_now(); }
  /// After Life::begin_stop: nobody looks after the logs any more.
  void stop();
  /// Syncs and closes every log, when nobody uses them any more; false when one did not end well, so that the stop was
  /// not clean.
  awaitable<bool> close();

  /// Everybody who waits for one of them is told `error`.
  void fail_waiters(ErrorCode error);
  /// What waits is destroyed and told nothing.
  void drop_waiters();
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

 private:
  awaitable<std::vector<std::shared_ptr<Partition>>> retire(PartitionTable::Topic removed);
  void sync_soon(log::Log& log) override;
  void was_synced(log::Log& log, const Result<void>& outcome) override;
  void sync_now(Partition& partition) override { syncer_.start(partition); }
  void sync_soon(Partition& partition) override { syncer_.put_off(partition); }
  void sync_by_time(Partition& partition) override { syncer_.begin_timing(partition); }
  void sync_slots(std::move_only_function<void()> then) override { slot_syncer_.sync(std::move(then)); }
  void checkpoint_soon(std::shared_ptr<Partition> partition) override {
    housekeeping_.checkpoint_soon(std::move(partition));
  }
  void save_start(std::shared_ptr<Partition> partition, Offset start) override {
    housekeeping_.save_start(std::move(partition), start);
  }
  void producers_came(std::size_t count) override { producer_limit_.came(count); }
  void work_ended() override { work_ended_.notify_all(); }
  void propose(Partition& partition) override;
  void raise_epoch(Partition& partition) override;
  void role_changed(Partition& partition) override { following_.role_changed(partition); }
  void has_news(Partition& partition) override { following_.has_news(partition); }
  /// Leaders look who lags and who has waited for too long. From a stop on nobody who waits is served any more, until
  /// the logs are closed.
  awaitable<void> watch_time();
  awaitable<bool> close_some(std::vector<Partition*> some);

  ShardContext& shard_;
  env::Event work_ended_;  ///< on the files of a retired partition
  log::OpenFiles open_files_;
  PartitionTable partitions_;
  Syncer syncer_;
  SlotSyncer slot_syncer_;
  Housekeeping housekeeping_;
  ProducerLimit producer_limit_;
  Following following_;
  std::unique_ptr<env::Timer> time_timer_;
  bool is_closing_ = false;
};

}  // namespace mq::broker

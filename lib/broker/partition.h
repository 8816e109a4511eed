#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "broker/damage_log.h"
#include "broker/file_work.h"
#include "broker/log_appender.h"
#include "broker/log_cutter.h"
#include "broker/log_warm_up.h"
#include "broker/offset_waiters.h"
#include "broker/partition_host.h"
#include "broker/settings.h"
#include "broker/shard_context.h"
#include "cluster/image.h"
#include "env/async.h"
#include "log/log.h"
#include "model/error_code.h"
#include "model/flush_class.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/validate.h"
#include "replication/replica.h"

namespace mq::broker {

/// This broker's replica of one partition: its log, and who waits for it to come further. What of it may be read, when
/// it is synced or cut, and who is in sync is decided by its Replica, whose effects are carried out here. Touched by
/// its shard only.
class Partition final : public std::enable_shared_from_this<Partition>,
                        private LogAppender::Owner,
                        private LogCutter::Owner {
 public:
  Partition(ShardContext& shard, PartitionHost& host, TopicPartition name, Uuid topic_id, const cluster::Partition& key,
            const TopicSettings& settings, std::unique_ptr<log::Log> log);
  /// Once, on its shard, before anything else.
  void begin();
  /// Waiters are dropped: their callbacks answer for themselves when destroyed.
  ~Partition();

  [[nodiscard]] const TopicPartition& name() const { return name_; }
  [[nodiscard]] const Uuid& topic_id() const { return topic_id_; }
  [[nodiscard]] PartitionId id() const { return PartitionId{name_.partition}; }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return replica_.leader_epoch(); }
  [[nodiscard]] const replication::Replica& replica() const { return replica_; }
  /// The image has this key of the partition now, and `gone` of its replicas are not there. An older one than before is
  /// passed over.
  void image_changed(const cluster::Partition& key, std::span<const BrokerId> gone = {});
  /// The broker has this epoch from now on.
  void registered(cluster::BrokerEpoch epoch);
  /// No appends before the leader epoch has risen.
  void hold_appends() { appender_.hold(leader_epoch()); }
  [[nodiscard]] log::Log& log() { return *log_; }
  [[nodiscard]] const log::Log& log() const { return *log_; }
  /// Of the shard that it lives on.
  [[nodiscard]] ShardContext& shard() const { return shard_; }

  /// The end of what consumers may read. Never goes back.
  [[nodiscard]] Offset high_watermark() const { return replica_.high_watermark(); }
  /// From the next call on. When the topic becomes `flush=ack`, what was readable stays so and is synced now.
  void set_settings(const TopicSettings& settings);
  /// The end of what read_committed consumers may read.
  [[nodiscard]] Offset last_stable_offset() const { return replica_.last_stable_offset(); }
  /// It is being moved here, and not in sync yet.
  [[nodiscard]] bool is_being_added() const { return is_being_added_; }
  [[nodiscard]] bool is_leader() const { return replica_.role() == replication::Role::leader; }
  /// Before what only the leader answers: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH (R-6; kNoLeaderEpoch asks nothing),
  /// NOT_LEADER_OR_FOLLOWER or none.
  [[nodiscard]] ErrorCode check_leader(LeaderEpoch asked = kNoLeaderEpoch) const {
    const ErrorCode error = replica_.check_epoch(asked);
    return error == ErrorCode::kNone && !is_leader() ? ErrorCode::kNotLeaderOrFollower : error;
  }
  /// Before what any replica answers (KIP-392): likewise, but only who is no replica is refused as such.
  [[nodiscard]] ErrorCode check_replica(LeaderEpoch asked) const {
    const ErrorCode error = replica_.check_epoch(asked);
    const bool is_replica = replica_.role() != replication::Role::none;
    return error == ErrorCode::kNone && !is_replica ? ErrorCode::kNotLeaderOrFollower : error;
  }
  /// Before an append: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (only for acks=all) or none (H-3). Where it may be
  /// replaced only acks=all appends, which the others have to have before it is answered.
  [[nodiscard]] ErrorCode check_append(bool acks_all) const;
  /// It leads as far as it knows, and may not any more: for a session timeout it has heard neither the metadata store
  /// nor all who could have been elected meanwhile (I-16).
  [[nodiscard]] bool may_be_replaced() const;

  /// See LogAppender. A small batch is written at the end of the turn: answer after `when_written` or `when_committed`.
  [[nodiscard]] Result<Appended> append(char* batch, const record::ValidatedBatch& validated) {
    auto appended = appender_.append(batch, validated, leader_epoch());
    if (appended && appended->needs_flush) hurry();
    return appended;
  }

  /// Whether an append need not wait for the disk to learn what the log has.
  [[nodiscard]] bool is_warm() const { return warm_up_.is_warm(); }
  /// See LogWarmUp. The partition may be retired by then.
  void when_warm(std::move_only_function<void()> then) {
    if (is_warm()) return then();
    warm_up_.when_warm(shared_from_this(), std::move(then));
  }
  [[nodiscard]] awaitable<void> until_warm() { return warm_up_.until_warm(shared_from_this()); }

  using Done = OffsetWaiters::Done;
  /// Calls `done` once everything below `end` is in the page cache (acks=1), with kNone, or with an error when it never
  /// will be. At once when it already is. `done` runs on this shard and must not touch this partition's waiters.
  void when_written(Offset end, Done done);
  /// The same once the high watermark reaches `end` (acks=all); REQUEST_TIMED_OUT soon after `deadline`, where others
  /// have to have it, too.
  void when_committed(Offset end, Done done, Instant deadline = Instant::never());
  /// Writes the batches gathered in this turn and wakes who waited for that.
  void end_turn() { appender_.end_turn(); }
  /// The same once the disk has everything below `end`, whatever the topic's mq.flush.
  void when_flushed(Offset end, Done done);

  /// Whether something is written that may not be read yet; its sync then starts at once.
  bool hurry_readers();
  /// Returns once all that is written now may be read, or at `deadline`, or when it never will be. Who asks where
  /// the log ends waits for this first: what it was told is written (acks=1) is then in the answer, as in Kafka.
  [[nodiscard]] awaitable<void> until_readable(Instant deadline);

  /// The log may begin at `start`, and will do so after a crash: LogDir::write_log_starts has returned. It does at
  /// once, or, where others may lead, when they have said the same (H-9). Passed over when the log was cut since.
  void start_saved(Offset start);
  /// Returns once the log, and that of everybody who may lead it, begins at `start` or behind; else an error, soon
  /// after `deadline` REQUEST_TIMED_OUT.
  [[nodiscard]] awaitable<ErrorCode> until_start(Offset start, Instant deadline);

  using Watch = OffsetWaiters::Watch;
  using Watching = OffsetWaiters::Watching;
  /// Calls `woken` at every growth of the high watermark, for a replica also of the log, (and when the partition fails
  /// or goes) until `unwatch`.
  [[nodiscard]] Watch watch(Watching who, std::move_only_function<void()> woken);
  void unwatch(Watch watch) { waiters_.unwatch(watch); }

  // --- Replication --------------------------------------------------------------------------------------------------

  /// A leader is told what a follower has.
  void fetched_by(const replication::FollowerFetch& fetch) {
    carry_out(replica_.fetched_by(fetch, shard_.shard.now()));
  }
  /// Whether a follower has to be told anew where its log is to begin: it counts as told now.
  [[nodiscard]] bool tell_start(BrokerId follower) { return replica_.tell_start(follower); }
  /// A follower has something new to tell.
  void tell_leader() { host_.has_news(*this); }
  /// A follower's start could not be saved: it is tried again when the leader names it next.
  void start_not_saved() { start_to_save_ = Offset{0}; }
  /// Who waits for too long is told so. Now and then, where there are other brokers.
  void expire_waiters() { waiters_.expire(shard_.shard.now(), ErrorCode::kRequestTimedOut); }
  /// A leader looks who lags. Every half of replica.lag.time.max.ms.
  void time_passed() { carry_out(replica_.time_passed(shard_.shard.now())); }
  /// What became of the ISR that it has proposed for the key of `partition_epoch`, unless the image says so.
  void proposal_ended(std::int32_t partition_epoch, replication::Replica::Outcome outcome);
  /// A follower has fetched and checked this batch. Written with `end_turn`.
  [[nodiscard]] Result<void> append_copy(const record::BatchView& batch) { return appender_.append_copy(batch); }
  /// What the leader has said of its log. refused: see Replica::answered.
  [[nodiscard]] Result<void> answered(const replication::LeaderAnswer& answer);
  /// Its log is being cut: nothing is appended meanwhile.
  [[nodiscard]] bool is_cutting() const { return cutter_.is_cutting(); }

  /// The producer's batch was refused before it came here: its next one must not be taken for its first (P-9).
  void refuse(const record::BatchHeader& header) { log_->refuse(header); }
  /// For the operator's log: see DamageLog.
  void tell_damage(const Error& error) { damage_log_.tell(error); }
  void checkpoint_done() { appender_.checkpoint_done(); }
  /// Retention or a request moved it.
  void log_start_moved() { carry_out(replica_.log_start_moved(ends())); }
  /// The outcome of a job of the log's `begin_checkpoint`, which syncs what it saves.
  void end_checkpoint(const log::CheckpointJob& job, const Result<void>& outcome);

  /// See FileWork.
  void begin_work() { file_work_.begin(); }
  void end_work() { file_work_.end(); }
  [[nodiscard]] bool is_worked_on() const { return file_work_.goes_on(); }
  /// Its topic is deleted: no work begins any more, and nothing is noted under its name.
  void retire() { file_work_.retire(); }
  [[nodiscard]] bool is_retired() const { return file_work_.is_retired(); }

  void count_producers() { appender_.count_producers(); }

  // --- From the syncer ----------------------------------------------------------------------------------------------

  /// Somebody waits, or a closing file should hold nothing unsynced: a sync begins now.
  void hurry() { carry_out(replica_.sync_is_wanted(log_->needs_sync())); }
  /// A sync of the log ended well: its new end goes to the data directory's record of synced ends.
  void note_synced();
  /// Somebody else synced the log.
  void was_synced() { synced(replica_.synced(ends())); }
  /// The lazy round has come.
  void sync_is_due() { carry_out(replica_.sync_is_due(log_->needs_sync())); }
  /// flush.ms has passed.
  void sync_is_overdue() {
    is_timed_ = false;
    hurry();
  }
  /// flush.ms runs from now on; false when it did already.
  [[nodiscard]] bool begin_timing() { return !std::exchange(is_timed_, true); }
  /// Begins a sync unless one runs or nothing is to be synced.
  [[nodiscard]] std::optional<log::SyncJob> begin_sync();
  [[nodiscard]] bool is_syncing() const { return replica_.is_syncing(); }
  /// The outcome of such a job. An error but too_many_files is final.
  void end_sync(const log::SyncJob& job, const Result<void>& outcome);

  /// The disk failed or the partition goes away: everybody who waits is told `error`.
  void fail_waiters(ErrorCode error) { waiters_.fail(error); }
  /// The node is gone: what waits is destroyed and told nothing.
  void drop_waiters();
  void check_invariants() const;

 private:
  void was_written() override;
  void was_not_written() override { fail_waiters(ErrorCode::kKafkaStorageError); }
  std::shared_ptr<Partition> share() override { return shared_from_this(); }
  [[nodiscard]] bool may_cut() const override { return !is_leader() && !is_retired(); }
  void was_cut() override;
  void was_not_cut() override;
  /// What it does changed from `before`, or the epoch in which it does.
  using Part = std::pair<replication::Role, LeaderEpoch>;
  [[nodiscard]] Part part() const { return {replica_.role(), leader_epoch()}; }
  void part_changed(Part before);
  [[nodiscard]] replication::Effects first_effects(const cluster::Partition& key);
  void note_key(const cluster::Partition& key);
  [[nodiscard]] replication::Ends ends() const;
  [[nodiscard]] replication::Awaited awaited() const;
  /// Wakes who waited for the disk, then who waited for the high watermark.
  void synced(const replication::Effects& effects);
  void carry_out(const replication::Effects& effects);
  void carry_out_rare(const replication::Effects& effects);
  /// The leader has nothing any more below `start`, or will have nothing soon.
  void follow_start(Offset start);
  void move_start(Offset start);
  void save_class(FlushClass flush_class);
  void class_saved(FlushClass flush_class);
  void note_slot_end();

  ShardContext& shard_;
  PartitionHost& host_;
  TopicPartition name_;
  Uuid topic_id_;
  std::unique_ptr<log::Log> log_;
  replication::Replica replica_;
  bool is_being_added_ = false;
  replication::Effects first_effects_;
  FileWork file_work_;
  LogWarmUp warm_up_;
  DamageLog damage_log_;
  LogAppender appender_;
  LogCutter cutter_;
  Offset start_to_save_{0};  ///< a follower's log is to begin there once that is on disk
  bool is_timed_ = false;
  OffsetWaiters waiters_;
};

}  // namespace mq::broker

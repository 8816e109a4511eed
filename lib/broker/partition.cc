#include "broker/partition.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "env/event.h"

namespace mq::broker {
namespace {

using For = OffsetWaiters::For;

/// `is_member`: of a cluster, where it matters in which epoch the last record came.
replication::Ends ends_of(log::Log& log, bool is_member) {
  return {.log_start = log.log_start(),
          .synced = log.synced_end(),
          .written = log.written_end(),
          .log_end = log.log_end(),
          .last_epoch = is_member ? log.last_epoch().value_or(kNoLeaderEpoch) : kNoLeaderEpoch};
}

replication::Settings replica_settings(const TopicSettings& settings) {
  return {.flush_class = settings.log->flush_on_ack ? FlushClass::ack : FlushClass::async,
          .insync_replicas_min = settings.insync_replicas_min,
          .lag_max = settings.replica_lag_max};
}

bool is_member(const ShardContext& shard) {
  return shard.node.broker_epoch.load(std::memory_order_relaxed) != cluster::kNoBrokerEpoch;
}

}  // namespace

Partition::Partition(ShardContext& shard, PartitionHost& host, TopicPartition name, Uuid topic_id,
                     const cluster::Partition& key, const TopicSettings& settings, std::unique_ptr<log::Log> log)
    : shard_(shard),
      host_(host),
      name_(std::move(name)),
      topic_id_(topic_id),
      log_(std::move(log)),
      replica_(shard.node.config().node_id, ends_of(*log_, is_member(shard)), replica_settings(settings),
               shard.node.log_dir().slot_of(topic_id, id()).value_or(log::SyncedEnd{}).flush_class,
               shard.node.log_dir().high_watermark(name_).value_or(Offset{0})),
      first_effects_(first_effects(key)),
      file_work_([&host] { host.work_ended(); }),
      warm_up_(shard, *log_, file_work_),
      damage_log_(shard, name_),
      appender_(*this, shard, host, *log_, file_work_, damage_log_),
      cutter_(*this, shard, *log_, file_work_),
      waiters_(shard.shard) {}

Partition::~Partition() = default;

void Partition::note_key(const cluster::Partition& key) {
  const auto names_us = [self = shard_.node.config().node_id](const std::vector<BrokerId>& brokers) {
    return std::ranges::find(brokers, self) != brokers.end();
  };
  is_being_added_ = names_us(key.adding) && !names_us(key.isr);
}

replication::Effects Partition::first_effects(const cluster::Partition& key) {
  note_key(key);
  if (const auto epoch = shard_.node.broker_epoch.load(); epoch != cluster::kNoBrokerEpoch)
    (void)replica_.registered(epoch);  // it has no role yet
  return replica_.image_changed(key, {}, shard_.shard.now());
}

void Partition::set_settings(const TopicSettings& settings) {
  const FlushClass before = replica_.counted_class();
  log_->set_config(settings.log);
  carry_out(replica_.settings_changed(replica_settings(settings), log_->needs_sync()));
  if (replica_.counted_class() != before) host_.role_changed(*this);
}

// --- What it is to do -----------------------------------------------------------------------------------------------

void Partition::begin() {
  carry_out(first_effects_);
  part_changed({replication::Role::none, leader_epoch()});
}

void Partition::image_changed(const cluster::Partition& key, std::span<const BrokerId> gone) {
  const Part before = part();
  note_key(key);
  carry_out(replica_.image_changed(key, gone, shard_.shard.now()));
  part_changed(before);
}

void Partition::registered(cluster::BrokerEpoch epoch) {
  const Part before = part();
  carry_out(replica_.registered(epoch));
  part_changed(before);
}

ErrorCode Partition::check_append(bool acks_all) const {
  const ErrorCode error = replica_.check_append(acks_all);
  if (error != ErrorCode::kNone || acks_all || !may_be_replaced()) return error;
  MQ_MARK("broker: a leader that may be replaced takes nothing for itself");
  return ErrorCode::kNotLeaderOrFollower;
}

bool Partition::may_be_replaced() const {
  const StoreContact& store = shard_.node.store_contact;
  return store.is_silent() && is_leader() && !replica_.has_heard_all_since(store.trusted_since()) &&
         !is_mutant("ledalone");
}

void Partition::part_changed(Part before) {
  if (part() == before) return;
  if (is_leader() && is_member(shard_)) {
    // Its epoch begins where the log ends, be anything written in it or not.
    if (auto begun = log_->begin_epoch(leader_epoch()); !begun) tell_damage(begun.error());
  }
  host_.role_changed(*this);
}

void Partition::proposal_ended(std::int32_t partition_epoch, replication::Replica::Outcome outcome) {
  if (partition_epoch == replica_.partition_epoch()) carry_out(replica_.proposal_ended(outcome));
}

// --- As a follower --------------------------------------------------------------------------------------------------

Result<void> Partition::answered(const replication::LeaderAnswer& answer) {
  MQ_ASSERT(!is_cutting());
  MQ_TRY(const replication::Effects effects, replica_.answered(answer));
  carry_out(effects);
  if (!effects.truncate && !effects.restart_at) follow_start(answer.start_wanted);
  check_invariants();
  return {};
}

void Partition::follow_start(Offset start) {
  start = std::min(start, high_watermark());
  if (start <= std::max(log_->log_start(), start_to_save_)) return;
  start_to_save_ = start;
  shard_.node.log_dir().set_log_start(name_, start);
  host_.save_start(shared_from_this(), start);
}

void Partition::start_saved(Offset start) {
  start_to_save_ = Offset{0};
  if (is_retired() || is_cutting() || start > high_watermark()) return;
  carry_out(replica_.start_saved(start));
  check_invariants();
}

void Partition::move_start(Offset start) {
  if (auto moved = log_->advance_start(start, high_watermark()); !moved) return tell_damage(moved.error());
  log_start_moved();
  if (replica_.role() != replication::Role::follower) return;
  MQ_MARK("broker: a follower's log begins where its leader's does");
  host_.has_news(*this);
}

awaitable<ErrorCode> Partition::until_start(Offset start, Instant deadline) {
  const auto kept = shared_from_this();
  env::Event told(shard_.shard);
  std::optional<ErrorCode> outcome;
  if (!is_leader() || is_retired()) co_return ErrorCode::kNotLeaderOrFollower;
  if (replica_.committed_start() >= start) co_return ErrorCode::kNone;
  if (shard_.node.disk_health.is_offline()) co_return ErrorCode::kKafkaStorageError;
  MQ_MARK("broker: a new start of a log waits for the followers");
  waiters_.add(
      For::begun, start,
      [&](ErrorCode error) {
        outcome = error;
        told.notify_all();
      },
      deadline);
  while (!outcome) co_await told.wait();
  co_return *outcome;
}

void Partition::was_cut() {
  waiters_.fail_above(log_->log_end(), ErrorCode::kNotLeaderOrFollower);
  carry_out(replica_.truncated(ends()));
  shard_.node.log_dir().set_high_watermark(name_, high_watermark());
  note_synced();
  host_.has_news(*this);
  check_invariants();
}

void Partition::was_not_cut() {
  note_synced();
  host_.has_news(*this);
}

// --- The log --------------------------------------------------------------------------------------------------------

void Partition::was_written() {
  waiters_.wake(For::written, log_->written_end());
  carry_out(replica_.written(ends(), log_->needs_sync(), awaited()));
  check_invariants();
}

void Partition::when_written(Offset end, Done done) {
  if (log_->written_end() >= end) return done(ErrorCode::kNone);
  waiters_.add(For::written, end, std::move(done));
}

void Partition::when_committed(Offset end, Done done, Instant deadline) {
  if (high_watermark() >= end) return done(replica_.check_committed());
  waiters_.add(For::readable, end, std::move(done), deadline);
  // Else the sync starts when the turn's batches are written.
  if (!appender_.will_write()) hurry();
}

void Partition::when_flushed(Offset end, Done done) {
  if (log_->synced_end() >= end) return done(ErrorCode::kNone);
  waiters_.add(For::synced, end, std::move(done));
  hurry();
}

bool Partition::hurry_readers() {
  // Below the minimum waiting is of no use.
  if (high_watermark() >= log_->written_end() || replica_.check_committed() != ErrorCode::kNone) return false;
  hurry();
  return true;
}

awaitable<void> Partition::until_readable(Instant deadline) {
  const Offset end = log_->written_end();
  if (high_watermark() >= end) co_return;
  MQ_MARK("broker: somebody waits until an end is durable");
  env::Event grown(shard_.shard);
  const Watch growth = watch(Watching::reader, [&grown] { grown.notify_all(); });
  const auto may_grow = [this] {
    return !is_retired() && !shard_.node.disk_health.is_offline() && replica_.check_committed() == ErrorCode::kNone;
  };
  while (high_watermark() < end && may_grow() && co_await grown.wait_until(deadline)) {
  }
  unwatch(growth);
}

Partition::Watch Partition::watch(Watching who, std::move_only_function<void()> woken) {
  const auto watch = waiters_.watch(who, std::move(woken));
  if (who == Watching::reader && high_watermark() < log_->log_end() && !appender_.will_write()) hurry();
  return watch;
}

replication::Ends Partition::ends() const { return ends_of(*log_, is_member(shard_)); }

replication::Awaited Partition::awaited() const {
  // What a follower has not synced its leader may be waiting for.
  const bool is_leader_waiting = replica_.role() == replication::Role::follower;
  return {.synced = waiters_.any(For::synced),
          .readable = waiters_.any(For::readable) || waiters_.any_watch(Watching::reader) || is_leader_waiting};
}

void Partition::carry_out(const replication::Effects& effects) {
  switch (effects.sync) {
    case replication::Sync::none:
      break;
    case replication::Sync::now:
      host_.sync_now(*this);
      break;
    case replication::Sync::soon:
      host_.sync_soon(*this);
      break;
    case replication::Sync::by_time:
      host_.sync_by_time(*this);
      break;
  }
  if (effects.readers) {
    waiters_.wake(For::readable, high_watermark(), &shard_.metrics.commit_wait);
    waiters_.wake_watches(Watching::reader);
  }
  if (effects.followers) waiters_.wake_watches(Watching::replica);
  carry_out_rare(effects);
}

void Partition::carry_out_rare(const replication::Effects& effects) {
  if (effects.start) move_start(*effects.start);
  if (effects.start_is_known) waiters_.wake(For::begun, replica_.committed_start());
  if (effects.role_changed) fail_waiters(ErrorCode::kNotLeaderOrFollower);
  if (effects.save_class) save_class(replica_.slot_class());
  if (effects.truncate) cutter_.cut_at(shared_from_this(), *effects.truncate);
  if (effects.restart_at) cutter_.restart_at(shared_from_this(), *effects.restart_at);
  if (effects.propose) host_.propose(*this);
  if (effects.raise_epoch) host_.raise_epoch(*this);
}

void Partition::drop_waiters() {
  warm_up_.drop();
  waiters_.drop();
}

void Partition::check_invariants() const {
  MQ_ASSERT(replica_.ends().log_start <= log_->log_start());
  MQ_ASSERT(replica_.ends().written <= log_->written_end());
  MQ_ASSERT(replica_.ends().synced <= log_->synced_end());
  MQ_ASSERT(high_watermark() <= log_->log_end());
  MQ_ASSERT(!waiters_.any(For::written) || log_->written_end() < log_->log_end());
}

}  // namespace mq::broker

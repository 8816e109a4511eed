#include "broker/partition.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "env/event.h"

namespace mq::broker {
namespace {

using For = OffsetWaiters::For;

replication::Ends ends_of(const log::Log& log) {
  return {
      .log_start = log.log_start(), .synced = log.synced_end(), .written = log.written_end(), .log_end = log.log_end()};
}

replication::Settings replica_settings(const TopicSettings& settings) {
  return {.flush_class = settings.log->flush_on_ack ? FlushClass::ack : FlushClass::async,
          .insync_replicas_min = settings.insync_replicas_min};
}

}  // namespace

Partition::Partition(ShardContext& shard, PartitionHost& host, TopicPartition name, Uuid topic_id,
                     const cluster::Partition& key, const TopicSettings& settings, std::unique_ptr<log::Log> log)
    : shard_(shard),
      host_(host),
      name_(std::move(name)),
      topic_id_(topic_id),
      log_(std::move(log)),
      replica_(shard.node.config().node_id, ends_of(*log_), replica_settings(settings),
               shard.node.log_dir().slot_of(topic_id, id()).value_or(log::SyncedEnd{}).flush_class,
               shard.node.log_dir().high_watermark(name_).value_or(Offset{0})),
      first_effects_(first_effects(key)),
      file_work_([&host] { host.work_ended(); }),
      warm_up_(shard, *log_, file_work_),
      damage_log_(shard, name_),
      appender_(*this, shard, host, *log_, file_work_, damage_log_),
      waiters_(shard.shard) {}

Partition::~Partition() = default;

replication::Effects Partition::first_effects(const cluster::Partition& key) {
  if (const auto epoch = shard_.node.broker_epoch.load(); epoch != cluster::kNoBrokerEpoch)
    (void)replica_.registered(epoch);  // it has no role yet
  return replica_.image_changed(key, {}, shard_.shard.now());
}

void Partition::set_settings(const TopicSettings& settings) {
  log_->set_config(settings.log);
  carry_out(replica_.settings_changed(replica_settings(settings), log_->needs_sync()));
}

void Partition::image_changed(const cluster::Partition& key) {
  carry_out(replica_.image_changed(key, {}, shard_.shard.now()));
}

void Partition::end_checkpoint(const log::CheckpointJob& job, const Result<void>& outcome) {
  log_->end_checkpoint(job, outcome);
  was_synced();
  check_invariants();
}

void Partition::was_written() {
  waiters_.wake(For::written, log_->written_end());
  carry_out(replica_.written(ends(), log_->needs_sync(), awaited()));
  check_invariants();
}

void Partition::when_written(Offset end, Done done) {
  if (log_->written_end() >= end) return done(ErrorCode::kNone);
  waiters_.add(For::written, end, std::move(done));
}

void Partition::when_committed(Offset end, Done done) {
  if (high_watermark() >= end) return done(replica_.check_committed());
  waiters_.add(For::readable, end, std::move(done));
  // Else the sync starts when the turn's batches are written.
  if (!appender_.will_write()) hurry();
}

void Partition::when_flushed(Offset end, Done done) {
  if (log_->synced_end() >= end) return done(ErrorCode::kNone);
  waiters_.add(For::synced, end, std::move(done));
  hurry();
}

bool Partition::hurry_readers() {
  if (high_watermark() >= log_->written_end()) return false;
  hurry();
  return true;
}

awaitable<void> Partition::until_readable(Instant deadline) {
  const Offset end = log_->written_end();
  if (high_watermark() >= end) co_return;
  MQ_MARK("broker: somebody waits until an end is durable");
  env::Event grown(shard_.shard);
  const Watch growth = watch([&grown] { grown.notify_all(); });
  const auto may_grow = [this] { return !is_retired() && !shard_.node.disk_health.is_offline(); };
  while (high_watermark() < end && may_grow() && co_await grown.wait_until(deadline)) {
  }
  unwatch(growth);
}

Partition::Watch Partition::watch(std::move_only_function<void()> woken) {
  const auto watch = waiters_.watch(std::move(woken));
  if (high_watermark() < log_->log_end() && !appender_.will_write()) hurry();
  return watch;
}

void Partition::note_slot_end() { shard_.node.log_dir().note_synced(topic_id_, id(), log_->disk_end()); }

void Partition::note_synced() {
  if (is_retired()) return;
  note_slot_end();
  shard_.node.synced_ends.note();
}

void Partition::save_class(FlushClass flush_class) {
  if (is_retired()) return;
  note_slot_end();  // a slot may begin with this
  shard_.node.log_dir().note_class(topic_id_, id(), flush_class);
  if (flush_class == FlushClass::ack) {
    // Late is early enough: until it is there, a start takes more for lost than it has to.
    shard_.node.synced_ends.note();
    return carry_out(replica_.class_saved(flush_class));
  }
  host_.sync_slots([kept = shared_from_this()] { kept->carry_out(kept->replica_.class_saved(FlushClass::async)); });
}

std::optional<log::SyncJob> Partition::begin_sync() {
  if (is_retired()) return std::nullopt;
  auto job = log_->begin_sync();
  if (!job) return std::nullopt;
  replica_.sync_began();
  begin_work();
  return job;
}

void Partition::end_sync(const log::SyncJob& job, const Result<void>& outcome) {
  log_->end_sync(job, outcome);
  end_work();
  if (outcome) {
    note_synced();
    synced(replica_.sync_ended(ends()));
    carry_out(replica_.sync_goes_on(log_->needs_sync(), awaited()));
  } else if (outcome.error().code == Errc::too_many_files) {
    MQ_MARK("broker: a sync is put off for want of descriptors");
    shard_.peer_log.warn("{} could not be synced, and is tried again: {}", name_.to_string(), outcome.error().message);
    carry_out(replica_.sync_refused());
  } else {
    replica_.sync_failed();
    MQ_MARK("broker: a sync fails");
    shard_.node.disk_health.disk_failed(outcome.error());
    fail_waiters(ErrorCode::kKafkaStorageError);
  }
  check_invariants();
}

void Partition::synced(const replication::Effects& effects) {
  waiters_.wake(For::synced, log_->synced_end(), &shard_.metrics.commit_wait);
  carry_out(effects);
}

replication::Ends Partition::ends() const { return ends_of(*log_); }

replication::Awaited Partition::awaited() const {
  return {.synced = waiters_.any(For::synced), .readable = waiters_.any(For::readable) || waiters_.any_watch()};
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
  if (effects.role_changed) fail_waiters(ErrorCode::kNotLeaderOrFollower);
  if (effects.save_class) save_class(replica_.slot_class());
  if (!effects.readers) return;
  waiters_.wake(For::readable, high_watermark(), &shard_.metrics.commit_wait);
  waiters_.wake_watches();
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

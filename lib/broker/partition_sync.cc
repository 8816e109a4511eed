// How what a partition has written gets onto the disk: syncs, checkpoints, and what its slot says of them.

#include <utility>

#include "base/mark.h"
#include "broker/partition.h"

namespace mq::broker {

void Partition::note_slot_end() { shard_.node.log_dir().note_synced(topic_id_, id(), log_->disk_end()); }

void Partition::note_synced() {
  // What a cut is to lower must not be raised before it is done.
  if (is_retired() || is_cutting()) return;
  note_slot_end();
  shard_.node.synced_ends.note();
}

void Partition::save_class(FlushClass flush_class) {
  if (is_retired()) return;
  if (!is_cutting()) note_slot_end();  // a slot may begin with this
  shard_.node.log_dir().note_class(topic_id_, id(), flush_class);
  if (flush_class == FlushClass::ack) {
    // Late is early enough: until it is there, a start takes more for lost than it has to.
    shard_.node.synced_ends.note();
    return class_saved(flush_class);
  }
  host_.sync_slots([kept = shared_from_this()] { kept->class_saved(FlushClass::async); });
}

void Partition::class_saved(FlushClass flush_class) {
  const FlushClass before = replica_.counted_class();
  carry_out(replica_.class_saved(flush_class));
  if (replica_.counted_class() != before) host_.role_changed(*this);
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

void Partition::end_checkpoint(const log::CheckpointJob& job, const Result<void>& outcome) {
  log_->end_checkpoint(job, outcome);
  was_synced();
  check_invariants();
}

void Partition::synced(const replication::Effects& effects) {
  waiters_.wake(OffsetWaiters::For::synced, log_->synced_end(), &shard_.metrics.commit_wait);
  carry_out(effects);
  if (replica_.role() == replication::Role::follower) host_.has_news(*this);
}

}  // namespace mq::broker

// Retention, DeleteRecords and truncation: how a log gets shorter.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/log.h"
#include "log/log_look.h"

namespace mq::log {

Result<std::size_t> Log::delete_old_segments(WallMillis wall_now, Instant now, Offset bound, Wait wait) {
  if (failed_ || compacting_ || segments_.empty()) return std::size_t{0};
  std::uint64_t bytes = size_bytes();
  std::size_t count = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = *segments_[i];
    const bool is_last = segments_.is_last(i);
    const Offset end = segments_.end_of(i, log_end_);
    if (end > bound || (is_last && segment.size_bytes() == 0)) break;
    bool wanted = end > log_start_;
    // Compaction has left nothing in it: it goes with what follows, since readers may still ask for its offsets.
    if (wanted && segment.size_bytes() == 0) continue;
    if (wanted && config_->cleanup_delete) {
      if (config_->retention_bytes >= 0 && !is_last &&
          bytes >= static_cast<std::uint64_t>(config_->retention_bytes) + segment.size_bytes())
        wanted = false;
      if (wanted && config_->retention_ms >= 0) {
        MQ_TRY(const TimeIndexEntry largest,
               look_at(segments_[i], wait, [&](Segment& s) { return s.largest_timestamp(*config_); }));
        if (largest.timestamp >= 0 && wall_now - largest.timestamp > config_->retention_ms) wanted = false;
      }
    }
    if (wanted) break;
    bytes -= segment.size_bytes();
    count = i + 1;
  }
  if (count == 0) return count;
  // Offsets go on where they were: there is always a newest segment. Without room for one the last stays until the
  // others have made some.
  if (count == segments_.size()) {
    const auto rolled = roll(wall_now);
    if (!rolled && (!is_passing(rolled.error().code) || --count == 0)) return fail(rolled.error());
  }
  MQ_ASSERT(count < segments_.size());
  const auto retired = segments_.retire_front(count, now + config_->file_delete_delay);
  const auto gone = [&](const std::shared_ptr<Segment>& segment) {
    return segment->base_offset() < segments_.front()->base_offset();
  };
  std::erase_if(unsynced_, gone);
  std::erase_if(unsaved_, gone);
  log_start_ = std::max(log_start_, segments_.front()->base_offset());
  note_start_moved();
  MQ_CHECK(retired);
  return count;
}

void Log::note_start_moved() {
  if (epochs_) {
    epochs_->forget_before(log_start_);
    epochs_unsaved_ = true;
  }
  std::erase_if(damage_, [&](const Damage& damage) { return damage.end_offset <= log_start_; });
  compacted_end_ = std::max(compacted_end_, log_start_);
}

std::optional<RemovalJob> Log::due_removals(Instant now) {
  RemovalJob job;
  job.files_ = &files_;
  job.paths_ = segments_.take_due(now);
  if (job.paths_.empty()) return std::nullopt;
  return job;
}

Result<void> Log::advance_start(Offset offset, Offset bound) {
  if (offset > bound || offset > log_end_)
    return fail(Errc::offset_out_of_range, "{}: records up to {} cannot be deleted, only up to {}",
                partition_.to_string(), offset.value(), std::min(bound, log_end_).value());
  if (offset <= log_start_) return {};
  // The epochs that remain are found by their batches, so they must be known before those are gone.
  MQ_CHECK(leader_epochs());
  log_start_ = offset;
  note_start_moved();
  return {};
}

Result<void> Log::truncate_to(Offset offset, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  wall_seen_ = wall_now;
  const Offset target = std::max(offset, log_start_);
  if (target >= log_end_) return {};
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  compaction_void_ = true;

  // Everything may be gone now; what was not synced needs no sync any more.
  const std::size_t keep = segments_.index_of(target);
  while (segments_.size() > keep + 1) {
    const std::shared_ptr<Segment> last = segments_.back();
    MQ_CHECK(segments_.retire_back(Instant{}));
    std::erase(unsynced_, last);
    std::erase(unsaved_, last);
    log_end_ = last->base_offset();
  }
  const std::shared_ptr<Segment> last = segments_.back();
  std::erase(unsaved_, last);
  MQ_TRY(const std::uint64_t position, last->position_of(target, *config_));
  if (position < last->size_bytes()) {
    MQ_TRY(const auto header, last->header_at(position));
    MQ_CHECK(last->truncate(position, header.base_offset));
    log_end_ = header.base_offset;
  } else {
    MQ_TRY(log_end_, last->load_tail(*config_));
  }
  if (segments_.gaps_end() > log_end_) {
    // What comes there now is not compacted.
    segments_.set_gaps_end(log_end_);
    MQ_CHECK(env::replace_atomically(files_, path_of(kGapsFile), encode_gaps_end(log_end_)));
  }
  active_loaded_ = false;
  MQ_CHECK(load_active());

  epochs->truncate_from(log_end_);
  epochs_unsaved_ = true;
  std::erase_if(producer_files_, [&](const ProducerFiles& files) { return files.offset > log_end_; });
  while (!snapshots_.empty() && snapshots_.back() > log_end_) {
    MQ_CHECK(segments_.names().remove(snapshots_.back(), kSnapshotExtensions));
    snapshots_.pop_back();
  }
  producers_.reset();
  MQ_CHECK(producer_states());
  std::erase_if(damage_, [&](const Damage& damage) { return damage.first_offset >= log_end_; });
  synced_end_ = std::min(synced_end_, log_end_);
  recovery_point_ = std::min(recovery_point_, log_end_);
  compacted_end_ = std::min(compacted_end_, log_end_);
  names_unsynced_ = true;
  mark_unsynced(last);
  return {};
}

}  // namespace mq::log

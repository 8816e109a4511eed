// What a log has to do with its compaction: when, what of it, and the swap.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/compaction_work.h"
#include "log/log.h"
#include "log/log_look.h"

namespace mq::log {

Result<std::size_t> Log::compactable_segments(WallMillis wall_now, Offset bound, Wait wait) {
  std::size_t end = 0;
  while (end + 1 < segments_.size()) {
    if (segments_[end + 1]->base_offset() > std::min(bound, synced_end_)) break;
    if (config_->min_compaction_lag_ms > 0 && segments_[end + 1]->base_offset() > compacted_end_) {
      MQ_TRY(const TimeIndexEntry largest,
             look_at(segments_[end], wait, [&](Segment& s) { return s.largest_timestamp(*config_); }));
      if (largest.timestamp > wall_now - config_->min_compaction_lag_ms) break;
    }
    ++end;
  }
  return end;
}

Result<std::optional<CompactionJob>> Log::begin_compaction(WallMillis wall_now, Offset bound, Wait wait) {
  // Damage is not compacted away.
  if (failed_ || compacting_ || !may_compact_ || !config_->cleanup_compact || segments_.size() < 2 || !damage_.empty())
    return std::nullopt;
  MQ_TRY(const std::size_t end, compactable_segments(wall_now, bound, wait));
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  bool is_overdue = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (segments_[i + 1]->base_offset() <= compacted_end_) {
      clean_bytes += segments_[i]->size_bytes();
      continue;
    }
    dirty_bytes += segments_[i]->size_bytes();
    MQ_TRY(const WallMillis first, look_at(segments_[i], wait, [](Segment& s) { return s.first_timestamp(); }));
    is_overdue = is_overdue || (first >= 0 && wall_now - first > config_->max_compaction_lag_ms);
  }
  if (dirty_bytes == 0) return std::nullopt;
  const double ratio = static_cast<double>(dirty_bytes) / static_cast<double>(clean_bytes + dirty_bytes);
  if (ratio < config_->min_cleanable_ratio && !is_overdue) return std::nullopt;

  MQ_TRY(ProducerStates* const states, producer_states());
  auto work = std::make_unique<CompactionJob::Work>(files_, directory_, config_);
  work->gaps_end = segments_.gaps_end();
  work->dirty_start = std::max(compacted_end_, log_start_);
  work->compacted_end = segments_[end]->base_offset();
  work->wall_now = wall_now;
  for (std::size_t i = 0; i < end; ++i) {
    const auto& segment = segments_[i];
    work->sources.push_back(
        {segment, segment->path(), segment->size_bytes(), segment->base_offset(), segment->rules()});
  }
  states->expire(wall_now, config_->producer_expiration_ms);
  work->last_of_producer = states->last_offsets();
  compacting_ = true;
  compaction_void_ = false;
  return CompactionJob(std::move(work));
}

Result<void> Log::finish_compaction(CompactionJob& job, Instant now) {
  MQ_ASSERT(compacting_ && job.done());
  if (compaction_void_ || !config_->cleanup_compact) {
    abandon_compaction(job);
    return fail(Errc::conflict, "{}: {} while it was compacted", *directory_,
                compaction_void_ ? "was truncated" : "cleanup.policy became another");
  }
  auto swapped = name_swaps(job);
  if (!swapped && is_passing(swapped.error().code)) {
    // No source was touched yet, so without room for a name all stays as it was.
    for (const auto& group : job.work_->groups) {
      if (!remove_if_there(files_, segments_.names().swap_path(group.output->base_offset()))) failed_ = true;
    }
    abandon_compaction(job);
    return swapped;
  }
  compacting_ = false;
  if (swapped) swapped = swap_in(job, now);
  // Half a swap is finished at the next start; until then nobody may write here.
  if (!swapped) failed_ = true;
  return swapped;
}

Result<void> Log::name_swaps(const CompactionJob& job) {
  for (const auto& group : job.work_->groups)
    MQ_CHECK(files_.rename(group.output->path(), segments_.names().swap_path(group.output->base_offset())));
  // From here on a start finishes what a crash leaves.
  return files_.sync_directory(*directory_);
}

Result<void> Log::swap_in(CompactionJob& job, Instant now) {
  CompactionJob::Work& work = *job.work_;
  const Instant due = now + config_->file_delete_delay;
  for (const auto& group : work.groups) {
    const Offset base = group.output->base_offset();
    MQ_ASSERT(work.sources[group.first].base == base);
    // The first source goes last, by being replaced: then no step needs room for a new name.
    for (std::size_t i = group.first + 1; i < group.end; ++i)
      MQ_CHECK(segments_.retire_files(work.sources[i].base, due));
    MQ_CHECK(segments_.names().replace_by_swap(base));
    for (const std::string_view extension : kIndexExtensions) {
      auto named = files_.rename(group.output->path(extension), path_of(segment_file_name(base, extension)));
      // Without it it is made anew from the batches when it is needed.
      if (!named && is_passing(named.error().code)) named = files_.remove(group.output->path(extension));
      MQ_CHECK(named);
    }

    auto fresh = std::make_shared<Segment>(files_, directory_, base, group.output->size_bytes());
    fresh->note_verified(0, fresh->size_bytes());
    const std::size_t first = segments_.index_of(base);
    MQ_ASSERT(segments_[first] == work.sources[group.first].segment);
    for (std::size_t i = group.first; i < group.end; ++i) {
      work.sources[i].segment->release();
      std::erase(unsaved_, work.sources[i].segment);
      std::erase(unsynced_, work.sources[i].segment);
    }
    segments_.replace(first, group.end - group.first, std::move(fresh));
  }
  names_unsynced_ = true;
  compacted_end_ = std::max(compacted_end_, work.compacted_end);
  segments_.set_gaps_end(work.gaps_end);
  return {};
}

void Log::abandon_compaction(CompactionJob& job) {
  compacting_ = false;
  for (const auto& group : job.work_->groups) {
    if (!group.output) continue;
    // What stays is removed at the next start, or by the next run.
    (void)group.output->remove_files();
  }
}

}  // namespace mq::log

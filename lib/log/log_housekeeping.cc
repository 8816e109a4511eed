// How a log gets shorter: retention, DeleteRecords, truncation, compaction. What is wanted is planned elsewhere
// (`retention_plan.h`, `compaction_plan.h`, `compaction.h`); here it is done to the segments.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "log/compaction_plan.h"
#include "log/compaction_work.h"
#include "log/directory_contents.h"
#include "log/log.h"
#include "log/log_look.h"
#include "log/retention_plan.h"

namespace mq::log {
namespace {

std::vector<SegmentFacts> facts_of(const SegmentSet& segments, Offset log_end) {
  std::vector<SegmentFacts> facts;
  facts.reserve(segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i)
    facts.push_back({.end = segments.end_of(i, log_end), .bytes = segments[i]->size_bytes()});
  return facts;
}

}  // namespace

Result<std::size_t> Log::count_old_segments(WallMillis wall_now, Offset bound, Wait wait) {
  if (failed() || compacting_ || segments_.empty()) return std::size_t{0};
  std::vector<SegmentFacts> facts = facts_of(segments_, log_end());
  MQ_TRY(const std::size_t count,
         plan_retention(facts, {.log_start = log_start(), .bound = bound, .wall_now = wall_now}, *config_,
                        [&](std::size_t i) -> Result<WallMillis> {
                          MQ_TRY(const TimeIndexEntry largest, look_at(segments_[i], wait, [&](Segment& s) {
                                   return s.largest_timestamp(*config_);
                                 }));
                          return largest.timestamp;
                        }));
  const std::size_t saved = saved_in_front(facts, count);
  deletion_waits_ = saved < count;
  if (deletion_waits_) MQ_MARK("log: retention waits for a snapshot of the producers");
  if (deletion_waits_) durability_.want_checkpoint();
  return saved;
}

Result<Offset> Log::start_after_retention(WallMillis wall_now, Offset bound, Wait wait) {
  MQ_TRY(const std::size_t count, count_old_segments(wall_now, bound, wait));
  if (count == 0) return log_start();
  return std::max(log_start(), segments_.end_of(count - 1, log_end()));
}

Result<std::size_t> Log::delete_old_segments(WallMillis wall_now, Instant now, Offset bound, Wait wait,
                                             Offset start_max) {
  MQ_TRY(std::size_t count, count_old_segments(wall_now, bound, wait));
  while (count > 0 && segments_.end_of(count - 1, log_end()) > start_max) --count;
  if (count == 0) return count;
  MQ_MARK("log: retention takes segments away");
  // Offsets go on where they were: there is always a newest segment. Without room for one the last stays until the
  // others have made some.
  if (count == segments_.size()) {
    MQ_MARK("log: retention takes every segment away");
    const auto rolled = roll(wall_now);
    if (!rolled && (!is_passing(rolled.error().code) || --count == 0)) return fail(rolled.error());
  }
  const auto retired = segments_.retire_front(count, now + config_->file_delete_delay);
  move_start(std::max(log_start(), segments_.front()->base_offset()));
  MQ_CHECK(retired);
  return count;
}

/// How many of the first `count` segments may go. What their batches say of producers has to outlive them in a snapshot
/// (P-7): without one a start that nobody stopped for would take again what they had sent.
std::size_t Log::saved_in_front(std::span<const SegmentFacts> facts, std::size_t count) const {
  if (is_mutant("forgetproducers") || (producers_ && producers_->empty())) return count;
  while (count > 0 && facts[count - 1].end > snapshots_.saved_end()) --count;
  return count;
}

void Log::move_start(Offset start) {
  durability_.on_start(start, segments_.empty() ? start : segments_.front()->base_offset());
  if (epochs_) {
    epochs_->forget_before(start);
    durability_.on_epochs();
  }
  std::erase_if(damage_, [&](const Damage& damage) { return damage.end_offset <= start; });
  compacted_end_ = std::max(compacted_end_, start);
  check_invariants();
}

std::optional<RemovalJob> Log::due_removals(Instant now) {
  RemovalJob job{.files = &files_, .paths = segments_.take_due(now)};
  if (job.paths.empty()) return std::nullopt;
  return job;
}

void Log::put_back(RemovalJob job) {
  for (std::string& path : job.paths) segments_.note_retired(std::move(path), Instant{});
}

Result<Offset> Log::start_after_advance(Offset offset, Offset bound) {
  const Offset max = std::min(bound, written_end());
  if (offset > max)
    return fail(Errc::offset_out_of_range, "{}: records up to {} cannot be deleted, only up to {}",
                partition_.to_string(), offset.value(), max.value());
  // The epochs that remain are found by their batches, so they must be known before those are gone.
  MQ_CHECK(leader_epochs());
  return std::max(offset, log_start());
}

Result<void> Log::advance_start(Offset offset, Offset bound) {
  MQ_TRY(const Offset start, start_after_advance(offset, bound));
  if (start == log_start()) return {};
  MQ_MARK("log: the start of a log is moved");
  move_start(start);
  return {};
}

// --- Truncation -----------------------------------------------------------------------------------------------------

Result<Offset> Log::truncation_end(Offset offset) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  if (std::max(offset, log_start()) >= log_end()) return log_end();
  MQ_TRY(const CutPlace place, cut_place(offset));
  return std::max(place.cut.end, log_start());
}

Result<Log::CutPlace> Log::cut_place(Offset offset) {
  const Offset target = std::max(offset, log_start());
  // What was before the first segment is lost.
  if (target < segments_.front()->base_offset()) return CutPlace{.kept = 0, .cut = {.position = 0, .end = target}};
  const std::size_t index = segments_.index_of(target);
  MQ_TRY(const Segment::Cut cut, segments_[index]->cut_below(target, *config_));
  return CutPlace{.kept = index + 1, .cut = cut};
}

Result<void> Log::truncate_to(Offset offset, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  if (durability_.is_saving())
    return fail(Errc::conflict, "{}: cannot be truncated while a checkpoint is saved", partition_.to_string());
  MQ_CHECK(load_active());
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  wall_seen_ = wall_now;
  if (const Offset target = std::max(offset, log_start()); target >= log_end()) {
    // The leader may have an older epoch there than one that has begun here and has no batch.
    if (epochs->truncate_from(target)) durability_.on_epochs();
    return {};
  }
  // First all that may fail and leaves the log as it is.
  MQ_TRY(const CutPlace place, cut_place(offset));
  const Offset end = std::max(place.cut.end, log_start());
  if (segments_.gaps_end() > end) {
    // What comes there now is not compacted, and what was is not promised any more.
    MQ_CHECK(env::replace_atomically(files_, path_of(kGapsFile), encode_gaps_end(end)));
    segments_.set_gaps_end(end);
  }
  auto done = cut(place, end);
  // Half of it is neither the old log nor the new one.
  if (!done) durability_.fail();
  check_invariants();
  return done;
}

Result<void> Log::cut(const CutPlace& place, Offset end) {
  compaction_void_ = true;
  active_loaded_ = false;
  while (segments_.size() > place.kept) MQ_CHECK(segments_.retire_back(Instant{}));
  if (segments_.empty()) segments_.add(end, 0);
  Segment& last = *segments_.back();
  MQ_CHECK(last.truncate(place.cut.position, place.cut.end));
  if (last.has_ended()) MQ_CHECK(forget_end());

  epochs_->truncate_from(end);
  MQ_CHECK(snapshots_.truncate_to(end));
  producers_.reset();
  std::erase_if(damage_, [&](const Damage& damage) { return damage.first_offset >= end; });
  for (Damage& damage : damage_) damage.end_offset = std::min(damage.end_offset, end);
  compacted_end_ = std::min(compacted_end_, end);
  durability_.on_truncate(last.base_offset(), end);
  return {};
}

Result<void> Log::restart_at(Offset start, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  if (durability_.is_saving())
    return fail(Errc::conflict, "{}: cannot begin anew while a checkpoint is saved", partition_.to_string());
  MQ_CHECK(load_active());
  MQ_CHECK(leader_epochs());
  MQ_ASSERT(start > log_end());
  wall_seen_ = wall_now;
  auto done = empty(start);
  // Half of it is neither the old log nor the new one.
  if (!done) durability_.fail();
  check_invariants();
  return done;
}

Result<void> Log::empty(Offset start) {
  compaction_void_ = true;
  active_loaded_ = false;
  while (!segments_.empty()) MQ_CHECK(segments_.retire_back(Instant{}));
  epochs_->truncate_from(Offset{0});
  MQ_CHECK(snapshots_.truncate_to(Offset{0}));
  producers_.reset();
  damage_.clear();
  compacted_end_ = std::max(compacted_end_, start);
  durability_.on_restart(start);
  MQ_MARK("log: a log is emptied and begins anew");
  return {};
}

// --- Compaction -----------------------------------------------------------------------------------------------------

Result<std::optional<CompactionJob>> Log::begin_compaction(WallMillis wall_now, Offset bound, Wait wait) {
  // Damage is not compacted away.
  if (failed() || compacting_ || !may_compact_ || !config_->cleanup_compact || segments_.size() < 2 || !damage_.empty())
    return std::nullopt;
  const auto largest = [&](std::size_t i) -> Result<WallMillis> {
    MQ_TRY(const TimeIndexEntry entry,
           look_at(segments_[i], wait, [&](Segment& s) { return s.largest_timestamp(*config_); }));
    return entry.timestamp;
  };
  const auto first = [&](std::size_t i) {
    return look_at(segments_[i], wait, [](Segment& s) { return s.first_timestamp(); });
  };
  const std::vector<SegmentFacts> facts = facts_of(segments_, log_end());
  MQ_TRY(const std::size_t count,
         plan_compaction(
             facts, {.compacted_end = compacted_end_, .bound = std::min(bound, synced_end()), .wall_now = wall_now},
             *config_, first, largest));
  if (count == 0) return std::nullopt;

  MQ_TRY(ProducerStates* const states, producer_states());
  auto work = std::make_unique<CompactionJob::Work>(files_, segments_.names().directory(), config_);
  work->gaps_end = segments_.gaps_end();
  work->dirty_start = std::max(compacted_end_, log_start());
  work->compacted_end = facts[count - 1].end;
  work->wall_now = wall_now;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& segment = segments_[i];
    work->sources.push_back(
        {segment, segment->path(), segment->size_bytes(), segment->base_offset(), segment->rules()});
  }
  states->expire(wall_now, config_->producer_expiration_ms);
  work->known_batches = states->last_offsets();
  compacting_ = true;
  MQ_MARK("log: a compaction begins");
  compaction_void_ = false;
  return CompactionJob(std::move(work));
}

Result<void> Log::finish_compaction(CompactionJob& job, Instant now) {
  MQ_ASSERT(compacting_ && job.done());
  if (compaction_void_ || !config_->cleanup_compact) {
    abandon_compaction(job);
    return fail(Errc::conflict, "{}: {} while it was compacted", directory(),
                compaction_void_ ? "was truncated" : "cleanup.policy became another");
  }
  auto swapped = name_swaps(job);
  if (!swapped && is_passing(swapped.error().code)) {
    // No source was touched yet, so without room for a name all stays as it was.
    for (const auto& group : job.work().groups) {
      if (!remove_if_there(files_, segments_.names().swap_path(group.output->base_offset()))) durability_.fail();
    }
    abandon_compaction(job);
    return swapped;
  }
  compacting_ = false;
  if (swapped) swapped = swap_in(job, now);
  // Half a swap is finished at the next start; until then nobody may write here.
  if (!swapped) durability_.fail();
  return swapped;
}

Result<void> Log::name_swaps(const CompactionJob& job) {
  for (const auto& group : job.work().groups)
    MQ_CHECK(files_.rename(group.output->path(), segments_.names().swap_path(group.output->base_offset())));
  // From here on a start finishes what a crash leaves.
  MQ_MARK("log: a compaction has named what it made");
  return files_.sync_directory(directory());
}

Result<void> Log::swap_in(CompactionJob& job, Instant now) {
  CompactionJob::Work& work = job.work();
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

    auto fresh = std::make_shared<Segment>(files_, segments_.names().directory(), base, group.output->size_bytes());
    fresh->note_verified(0, fresh->size_bytes());
    const std::size_t first = segments_.index_of(base);
    MQ_ASSERT(segments_[first] == work.sources[group.first].segment);
    for (std::size_t i = group.first; i < group.end; ++i) {
      work.sources[i].segment->release();
      durability_.on_replace(work.sources[i].base);
    }
    segments_.replace(first, group.end - group.first, std::move(fresh));
  }
  durability_.on_name();
  compacted_end_ = std::max(compacted_end_, work.compacted_end);
  segments_.set_gaps_end(work.gaps_end);
  check_invariants();
  return {};
}

void Log::abandon_compaction(CompactionJob& job) {
  compacting_ = false;
  // It may have written where its gaps end after the truncation had lowered that.
  if (compaction_void_ && !env::replace_atomically(files_, path_of(kGapsFile), encode_gaps_end(segments_.gaps_end())))
    durability_.fail();
  for (const auto& group : job.work().groups) {
    if (!group.output) continue;
    // What stays is removed at the next start, or by the next run.
    MQ_MARK("log: a compaction is given up");
    (void)group.output->remove_files();
  }
}

}  // namespace mq::log

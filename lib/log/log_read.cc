// How a log is read: by offset and by time.

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "log/log.h"
#include "log/log_look.h"

namespace mq::log {
namespace {

/// So much is copied at once where open files are scarce.
constexpr std::size_t kScarceBytesMax = std::size_t{256} << 10;

}  // namespace

Result<FileRange> Log::read(Offset from, std::size_t bytes_max, Offset end_bound, bool at_least_one, Wait wait) {
  use();
  if (from < log_start() || from > log_end())
    return fail(Errc::offset_out_of_range, "{}: offset {} is outside of [{}, {})", partition_.to_string(), from.value(),
                log_start().value(), log_end().value());
  for (const Damage& damage : damage_) {
    if (damage.first_offset <= from && from < damage.end_offset) return fail(Errc::corrupt_batch, "{}", damage.place);
  }
  const Offset bound = std::min(end_bound, log_end());
  if (from >= bound || segments_.empty()) return FileRange{};

  for (std::size_t i = segments_.index_of(from); i < segments_.size(); ++i) {
    const std::shared_ptr<Segment>& segment = segments_[i];
    MQ_CHECK(before_reading(*segment));
    const WaitScope scope(*segment, wait);
    MQ_TRY(const std::uint64_t begin, segment->position_of(from, *config_));
    if (begin >= segment->size_bytes()) {
      MQ_MARK("log: a read goes on in the next segment");
      // Compaction leaves segments that end before the next one begins; else something is missing.
      if (!segments_.may_have_gaps(from)) return fail_missing(i);
      continue;
    }
    const bool is_last = segments_.is_last(i);
    const bool whole = bound == log_end() || (!is_last && segments_[i + 1]->base_offset() <= bound);
    std::uint64_t limit = segment->size_bytes();
    if (!whole) {
      MQ_TRY(limit, segment->position_of(bound, *config_));
      segment->remember(bound, limit);
    }
    if (begin >= limit) return FileRange{};
    std::uint64_t end = limit;
    const bool is_scarce = open_files_.are_scarce();
    if (is_scarce) bytes_max = std::min(bytes_max, kScarceBytesMax);
    if (limit - begin > bytes_max) MQ_MARK("log: a read gets only a part of what there is");
    if (limit - begin > bytes_max) {
      MQ_TRY(end, segment->batch_end_before(begin, begin + bytes_max, at_least_one));
      end = std::min(end, limit);
    }
    const std::uint64_t verified_end = segment->verified_until(begin);
    const bool verified = verified_end > begin;
    if (verified) end = std::min(end, verified_end);
    MQ_TRY(auto file, segment->file());
    return FileRange{.file = std::move(file),
                     .segment = segment,
                     .position = begin,
                     .size = static_cast<std::size_t>(end - begin),
                     .verified = verified,
                     .from = from,
                     .rules = {.limit = segments_.end_of(i, log_end()), .gaps_end = segments_.gaps_end()},
                     .segment_end = segment->size_bytes(),
                     .files = &files_,
                     .has_more = end < limit || (!is_last && segments_[i + 1]->base_offset() < bound),
                     .is_scarce = is_scarce};
  }
  return FileRange{};
}

Result<void> Log::before_reading(const Segment& segment) {
  if (segment.is_open()) return {};
  open_files_.make_room();
  // Others have closed what they could; this log may be the one that has them all.
  if (open_files_.are_all_open()) (void)close_synced_files();
  if (!open_files_.are_all_open()) return {};
  return fail(Errc::too_many_files, "{}: as many log files are open as may be", segment.path());
}

std::unexpected<Error> Log::fail_missing(std::size_t index) {
  Segment& segment = *segments_[index];
  const auto end = segment.load_tail(*config_);
  if (!end) return fail(end.error());
  const bool is_last = segments_.is_last(index);
  const Offset expected = segments_.end_of(index, log_end());
  damage_.push_back({*end, expected,
                     fmt::format("{}: ends at offset {}, but {} {}", segment.path(), end->value(),
                                 is_last ? "the log was closed at" : "the next segment begins at", expected.value())});
  return fail(Errc::corrupt_batch, "{}", damage_.back().place);
}

Result<LookUp> Log::prepare_read(Offset from, std::size_t bytes_max, Offset end_bound) {
  LookUp job;
  MQ_MARK("log: a place is not cached and read on the pool");
  if (segments_.empty()) return job;
  const std::shared_ptr<Segment>& segment = segments_[segments_.index_of(from)];
  before_opening(*segment);
  MQ_TRY(job.file, segment->file());
  job.files = &files_;
  job.path = segment->path();
  job.index_path = segment->path("index");
  job.base = segment->base_offset();
  job.size = segment->size_bytes();
  job.from = from;
  job.bound = end_bound;
  job.bytes_max = bytes_max;
  return job;
}

void Log::note_verified(const FileRange& range, const VerifyOutcome& outcome) {
  if (range.segment) range.segment->note_verified(range.position, range.position + outcome.good_bytes);
}

Result<std::optional<TimestampSearch>> Log::find_timestamp(WallMillis timestamp, Offset end_bound, Offset from,
                                                           Wait wait) {
  use();
  TimestampSearch::Parts search;
  search.timestamp = timestamp;
  search.start = log_start();
  search.end_bound = std::min(end_bound, log_end());
  for (const auto& segment : segments_) {
    if (segment->base_offset() < from || segment->size_bytes() == 0) continue;
    // The first segment may hold it below the start of the log, and compaction may have left nothing of it.
    if (search.parts.size() == 2) {
      MQ_MARK("log: a search by time has more segments to look at");
      search.goes_on_at = segment->base_offset();
      break;
    }
    MQ_CHECK(look_at(segment, wait, [&](Segment& s) -> Result<void> {
      MQ_TRY(const TimeIndexEntry largest, s.largest_timestamp(*config_));
      if (largest.timestamp < timestamp) return {};
      MQ_TRY(const std::uint64_t begin, s.position_for_timestamp(timestamp, *config_));
      MQ_TRY(auto file, s.file());
      MQ_TRY(const Offset offset, s.offset_at(begin));
      search.parts.push_back({std::move(file), begin, s.size_bytes(), s.path(), offset, s.rules()});
      return {};
    }));
  }
  if (search.parts.empty()) return std::nullopt;
  return TimestampSearch(std::move(search));
}

Result<std::optional<TimestampSearch>> Log::find_max_timestamp(Offset end_bound, Wait wait) {
  use();
  TimestampSearch::Parts search;
  search.largest = true;
  search.start = log_start();
  search.end_bound = std::min(end_bound, log_end());
  std::optional<WallMillis> best;  // -1 when no record has a time: the first one counts then, as in Kafka
  std::optional<std::size_t> best_part;
  for (const auto& segment : segments_) {
    if (segment->size_bytes() == 0 || segment->base_offset() >= search.end_bound) continue;
    MQ_CHECK(look_at(segment, wait, [&](Segment& s) -> Result<void> {
      MQ_TRY(const TimeIndexEntry largest, s.largest_timestamp(*config_));
      // What the largest record lies in; where that may lie outside of the bounds, all of the segment.
      MQ_MARK("log: the record with the largest time is looked for");
      const bool inside = largest.offset < search.end_bound && s.base_offset() >= log_start();
      if (inside && best && largest.timestamp <= *best) return {};
      std::uint64_t begin = 0;
      if (inside) {
        MQ_TRY(begin, s.position_of(largest.offset, *config_));
      }
      MQ_TRY(auto file, s.file());
      if (inside) {
        best = largest.timestamp;
        if (best_part) search.parts.erase(search.parts.begin() + static_cast<std::ptrdiff_t>(*best_part));
        best_part = search.parts.size();
      }
      MQ_TRY(const Offset offset, s.offset_at(begin));
      search.parts.push_back({std::move(file), begin, s.size_bytes(), s.path(), offset, s.rules()});
      return {};
    }));
  }
  if (search.parts.empty()) return std::nullopt;
  return TimestampSearch(std::move(search));
}

Result<TimesLookUp> Log::prepare_times(WallMillis timestamp) {
  const std::shared_ptr<Segment> segment = cold_.lock();
  if (!segment) return fail(Errc::not_found, "{}: nothing was looked for in vain", directory());
  TimesLookUp job;
  MQ_MARK("log: times are not cached and read on the pool");
  MQ_TRY(job.file, look_at(segment, Wait::yes, [](Segment& s) { return s.file(); }));
  job.files = &files_;
  job.path = segment->path();
  job.index_path = segment->path("index");
  job.times_path = segment->path("timeindex");
  job.base = segment->base_offset();
  job.size = segment->size_bytes();
  job.timestamp = timestamp;
  return job;
}

}  // namespace mq::log

#include "log/segment_set.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/mark.h"
#include "log/segment_reader.h"

namespace mq::log {

namespace {

Offset base_of(const std::shared_ptr<Segment>& segment) { return segment->base_offset(); }

}  // namespace

// --- Looking --------------------------------------------------------------------------------------------------------

std::size_t SegmentSet::index_of(Offset offset) const {
  const auto after = std::ranges::upper_bound(list_, offset, {}, base_of);
  return after == list_.begin() ? 0 : static_cast<std::size_t>(after - list_.begin()) - 1;
}

std::shared_ptr<Segment> SegmentSet::find(Offset base) const {
  const auto place = std::ranges::lower_bound(list_, base, {}, base_of);
  return place != list_.end() && (*place)->base_offset() == base ? *place : nullptr;
}

std::uint64_t SegmentSet::size_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& segment : list_) bytes += segment->size_bytes();
  return bytes;
}

bool SegmentSet::has_open_files() const {
  return std::ranges::any_of(list_, [](const auto& segment) { return segment->is_open(); });
}

void SegmentSet::set_gaps_end(Offset end) {
  gaps_end_ = end;
  changed();
}

Result<void> SegmentSet::replay(Offset from, Offset to, const LogConfig& config,
                                const std::function<void(const record::BatchHeader&)>& each) const {
  if (from >= to || list_.empty()) return {};
  for (std::size_t i = index_of(from); i < list_.size() && list_[i]->base_offset() < to; ++i) {
    Segment& segment = *list_[i];
    if (segment.size_bytes() == 0) continue;
    const bool was_open = segment.is_open();
    std::uint64_t begin = 0;
    if (from > segment.base_offset()) {
      const auto position = segment.position_of(from, config);
      if (!position && !is_damage(position.error())) return fail(position.error());
      begin = position.value_or(0);
    }
    if (begin < segment.size_bytes()) {
      const auto first = segment.offset_at(begin);
      if (!first && !is_damage(first.error())) return fail(first.error());
      MQ_TRY(SegmentReader reader, segment.reader_from(first ? begin : 0, first.value_or(segment.base_offset()),
                                                       SegmentReader::Mode::headers));
      while (true) {
        const auto batch = reader.next();
        if (!batch) {
          if (!is_damage(batch.error())) return fail(batch.error());
          MQ_MARK("log: a replay meets damage");
          MQ_TRY(const bool goes_on, reader.resume(to));
          if (!goes_on) break;
          continue;
        }
        if (!*batch || (*batch)->header.base_offset >= to) break;
        if ((*batch)->header.base_offset >= from) each((*batch)->header);
      }
    }
    if (!was_open && !is_last(i)) segment.release();
  }
  return {};
}

// --- More of them ---------------------------------------------------------------------------------------------------

const std::shared_ptr<Segment>& SegmentSet::add(Offset base, std::uint64_t size) {
  list_.push_back(std::make_shared<Segment>(names_.files(), names_.directory(), base, size));
  grown();
  return list_.back();
}

Result<void> SegmentSet::roll(Offset base, const LogConfig& config) {
  auto fresh = std::make_shared<Segment>(names_.files(), names_.directory(), base, 0);
  MQ_CHECK(fresh->file());
  MQ_TRY([[maybe_unused]] const Offset begin, fresh->load_tail(config));
  // The old one may be half ended now.
  if (auto done = seal(*list_.back()); !done) return fail(Errc::disk_failed, "{}", done.error().message);
  list_.push_back(std::move(fresh));
  grown();
  return {};
}

Result<void> seal(Segment& segment) {
  auto sealed = segment.seal();
  if (!sealed && !is_passing(sealed.error().code)) return sealed;
  (void)segment.flush_indexes();
  return {};
}

// --- Fewer ----------------------------------------------------------------------------------------------------------

Result<void> SegmentSet::retire_front(std::size_t count, Instant due) {
  MQ_ASSERT(count < list_.size());
  Result<void> retired;
  std::size_t done = 0;
  while (done < count && (retired = retire_files(list_[done]->base_offset(), due))) ++done;
  list_.erase(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(done));
  changed();
  return retired;
}

Result<void> SegmentSet::retire_back(Instant due) {
  MQ_CHECK(retire_files(list_.back()->base_offset(), due));
  list_.pop_back();
  changed();
  return {};
}

SegmentSet::List SegmentSet::take_from(std::size_t index) {
  const auto first = list_.begin() + static_cast<std::ptrdiff_t>(index);
  List taken(std::make_move_iterator(first), std::make_move_iterator(list_.end()));
  list_.erase(first, list_.end());
  changed();
  return taken;
}

void SegmentSet::replace(std::size_t index, std::size_t count, std::shared_ptr<Segment> fresh) {
  MQ_ASSERT(count > 0 && index + count <= list_.size());
  const auto first = list_.begin() + static_cast<std::ptrdiff_t>(index);
  *first = std::move(fresh);
  list_.erase(first + 1, first + static_cast<std::ptrdiff_t>(count));
  changed();
}

void SegmentSet::set_end_max(std::size_t index, std::optional<Offset> end) {
  list_[index]->set_end_max(end);
  changed();
}

void SegmentSet::changed() {
  for (std::size_t i = 0; i < list_.size(); ++i) give_rules(i);
  check_invariants();
}

void SegmentSet::grown() {
  // A log is opened with one segment after the other, and may have many.
  const std::size_t last = list_.size() - 1;
  give_rules(last);
  if (last == 0) return;
  give_rules(last - 1);
  MQ_ASSERT(list_[last - 1]->base_offset() < list_[last]->base_offset());
}

void SegmentSet::give_rules(std::size_t index) {
  list_[index]->set_rules({.limit = end_of(index, OffsetRules::kNone), .gaps_end = gaps_end_});
}

void SegmentSet::check_invariants() const {
  for (std::size_t i = 1; i < list_.size(); ++i) MQ_ASSERT(list_[i - 1]->base_offset() < list_[i]->base_offset());
}

// --- Retired files --------------------------------------------------------------------------------------------------

Result<void> SegmentSet::retire_files(Offset base, Instant due) {
  std::vector<std::string> paths;
  auto retired = names_.retire(base, paths);
  for (std::string& path : paths) note_retired(std::move(path), due);
  return retired;
}

std::vector<std::string> SegmentSet::take_due(Instant now) {
  std::vector<std::string> paths;
  std::erase_if(retired_, [&](Retired& file) {
    if (file.due > now) return false;
    paths.push_back(std::move(file.path));
    return true;
  });
  return paths;
}

Instant SegmentSet::next_due() const {
  Instant earliest = Instant::never();
  for (const Retired& file : retired_) earliest = std::min(earliest, file.due);
  return earliest;
}

}  // namespace mq::log

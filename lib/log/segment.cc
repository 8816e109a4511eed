#include "log/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/crc32c.h"
#include "base/mark.h"
#include "log/directory_contents.h"
#include "log/segment_files.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

/// How far ahead of the end room is reserved: as much as there is already, within these. A partition that got one small
/// batch takes little, a busy one asks seldom.
constexpr std::uint64_t kReserveStepMin = std::uint64_t{16} << 10;
constexpr std::uint64_t kReserveStepMax = std::uint64_t{4} << 20;

/// A batch up to this size waits for others: copying it costs less than a system call of its own. And so much waits.
constexpr std::size_t kSmallBatchMax = std::size_t{4} << 10;
constexpr std::size_t kGatheredMax = std::size_t{64} << 10;

constexpr std::uint64_t kNoReserve = std::numeric_limits<std::uint64_t>::max();  // where room cannot be reserved

template <class T>
bool would_wait(const Result<T>& read) {
  return !read && read.error().code == Errc::would_block;
}

/// It has to be made anew, a bad sector or not. Any other error says nothing about what is in the index.
bool is_lost(const Error& of_index) {
  return of_index.code == Errc::corrupt || of_index.code == Errc::not_found || of_index.code == Errc::read_failed ||
         of_index.code == Errc::disk_failed;
}
template <class T>
bool is_lost(const Result<T>& read) {
  return !read && is_lost(read.error());
}

/// A segment without index that is larger gets one.
constexpr std::uint64_t kWalkMax = std::uint64_t{1} << 20;

/// What the file of a segment is called behind its directory. Made so often that fmt would be seen in profiles.
void append_file_name(std::string& to, Offset base, std::string_view extension) {
  MQ_ASSERT(base >= Offset{0});
  std::array<char, kOffsetDigits> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), base.value()).ptr;
  const std::string_view number(digits.data(), static_cast<std::size_t>(end - digits.data()));
  to.append(kOffsetDigits - number.size(), '0').append(number).append(1, '.').append(extension);
}

}  // namespace

void ByteRanges::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  // The usual case: appending to the newest.
  if (!ranges_.empty() && ranges_.back().first <= begin && begin <= ranges_.back().second) {
    ranges_.back().second = std::max(ranges_.back().second, end);
    return;
  }
  auto at = std::ranges::lower_bound(ranges_, std::pair{begin, end});
  at = ranges_.insert(at, {begin, end});
  if (at != ranges_.begin() && std::prev(at)->second >= at->first) --at;
  while (std::next(at) != ranges_.end() && std::next(at)->first <= at->second) {
    at->second = std::max(at->second, std::next(at)->second);
    ranges_.erase(std::next(at));
  }
  if (ranges_.size() <= kMax) return;
  ranges_.erase(std::ranges::min_element(ranges_, {}, [](const auto& range) { return range.second - range.first; }));
}

std::uint64_t ByteRanges::covered_until(std::uint64_t begin) const {
  const auto after = std::ranges::upper_bound(ranges_, begin, {}, &std::pair<std::uint64_t, std::uint64_t>::first);
  if (after == ranges_.begin()) return begin;
  return std::max(begin, std::prev(after)->second);
}

void ByteRanges::cut(std::uint64_t end) {
  while (!ranges_.empty() && ranges_.back().first >= end) ranges_.pop_back();
  if (!ranges_.empty()) ranges_.back().second = std::min(ranges_.back().second, end);
}

std::string segment_file_name(Offset base, std::string_view extension) {
  std::string name;
  name.reserve(kOffsetDigits + 1 + extension.size());
  append_file_name(name, base, extension);
  return name;
}

Segment::Segment(env::Files& files, std::shared_ptr<const std::string> directory, Offset base, std::uint64_t size,
                 std::string_view suffix)
    : files_(files), directory_(std::move(directory)), suffix_(suffix), base_(base), size_(size) {
  last_time_entry_.offset = base;
}

std::string Segment::path(std::string_view extension) const {
  std::string whole;
  whole.reserve(directory_->size() + 1 + kOffsetDigits + 1 + extension.size() + suffix_.size());
  whole.append(*directory_).append(1, '/');
  append_file_name(whole, base_, extension);
  return whole.append(suffix_);
}

Result<std::shared_ptr<env::File>> Segment::file() {
  MQ_CHECK(open());
  MQ_CHECK(write_out());
  return file_;
}

Result<void> Segment::open() {
  if (file_) return {};
  MQ_TRY(auto opened, files_.open(path(), size_ == 0 ? env::OpenMode::create : env::OpenMode::read_write));
  file_ = std::move(opened);
  reserved_ = std::max(reserved_, size_);
  return {};
}

// --- Appending -----------------------------------------------------------------------------------------------------

Result<Offset> Segment::load_tail(const LogConfig& config) {
  if (size_ == 0) {
    largest_ = TimeIndexEntry{.timestamp = -1, .offset = base_};
    return base_;
  }
  for (bool are_new = false;; are_new = true) {
    const auto read_entry = offsets_.last(files_, path("index"), base_, wait_);
    const auto read_time = times_.last(files_, path("timeindex"), base_, wait_);
    if (!are_new && (is_lost(read_entry) || is_lost(read_time))) {
      MQ_MARK("log: the end of an index is lost and made anew");
      MQ_CHECK(rebuild_indexes(config));
      continue;
    }
    MQ_TRY(const auto last_entry, read_entry);
    MQ_TRY(const auto last_time, read_time);
    MQ_TRY(entries_, offsets_.count(files_, path("index")));
    last_time_entry_ = last_time.value_or(TimeIndexEntry{.timestamp = -1, .offset = base_});
    largest_ = last_time_entry_;
    Place from{.position = 0, .offset = base_};
    bool index_good = true;
    if (last_entry) {
      MQ_TRY(const auto place, place_of(*last_entry));
      index_good = place.has_value();
      from = place.value_or(from);
    }
    Offset end = base_;
    if (index_good) {
      MQ_TRY(SegmentReader reader, reader_from(from.position, from.offset, SegmentReader::Mode::headers));
      while (true) {
        auto batch = reader.next();
        if (!batch) {
          largest_.reset();
          return fail(std::move(batch).error());
        }
        if (!*batch) break;
        const record::BatchHeader& header = (*batch)->header;
        if (header.max_timestamp > largest_->timestamp)
          largest_ = TimeIndexEntry{header.max_timestamp, header.last_offset()};
        noted_ = {header.last_offset(), static_cast<std::uint32_t>((*batch)->position)};
        noted_is_indexed_ = last_entry && last_entry->position == (*batch)->position;
        end = header.next_offset();
      }
    }
    bytes_since_entry_ = size_ - from.position;
    if (!index_good) MQ_MARK("log: the last entry of an index names no batch");
    if (index_good && (last_time_entry_.offset < end || end == base_)) return end;
    // Made of batches that contradict each other they cannot fit: that is no fault of theirs.
    if (are_new) {
      largest_.reset();
      return fail(Errc::corrupt_batch, "{}: its last batches do not go with those before them", path());
    }
    MQ_CHECK(rebuild_indexes(config));
  }
}

bool Segment::must_roll(std::size_t bytes, Offset last_offset, WallMillis timestamp, const LogConfig& config) const {
  if (size_ == 0) return false;
  if (size_ + bytes > config.segment_bytes) return true;
  if (size_ > 1000 && MQ_BUGGIFY("log: a segment is rolled early")) return true;
  if ((last_offset - base_).value() > std::numeric_limits<std::int32_t>::max()) return true;
  if ((entries_ + 1) * OffsetIndexEntry::kBytes > config.segment_index_bytes) return true;
  return first_timestamp_ && *first_timestamp_ >= 0 && timestamp - *first_timestamp_ > age_max(config);
}

std::int64_t Segment::age_max(const LogConfig& config) const {
  const std::int64_t jitter = std::min(config.segment_jitter_ms, config.segment_ms);
  if (jitter <= 0) return config.segment_ms;
  // Any number will do that differs between segments.
  const std::uint32_t share = crc32c(fmt::format("{}/{}", *directory_, base_.value()));
  return config.segment_ms - static_cast<std::int64_t>(share) % jitter;
}

Result<void> Segment::write(BytesView batch, const LogConfig& config, Small small) {
  MQ_ASSERT(!has_tail_);
  MQ_CHECK(open());
  const std::uint64_t end = size_ + batch.size();
  MQ_CHECK(reserve(end, config));
  if (MQ_BUGGIFY("log: a small batch is written at once")) small = Small::written;
  // Without reserved room the disk may be full by the time of the write, when the batch can no longer be refused.
  if (small == Small::gathered && batch.size() <= kSmallBatchMax && reserved_ != kNoReserve) {
    MQ_CHECK(gather(batch));
  } else {
    MQ_CHECK(write_out());
    if (auto written = file_->write_at(size_, batch); !written) {
      // A part of the batch may be there: nobody may find it, neither a reader nor recovery.
      if (auto cut = file_->truncate(size_); !cut) return fail(Errc::disk_failed, "{}", cut.error().message);
      reserved_ = size_;
      return written;
    }
  }
  verified_.add(size_, end);
  return {};
}

Result<void> Segment::reserve(std::uint64_t end, const LogConfig& config) {
  if (end <= reserved_) return {};
  std::uint64_t step = std::clamp(size_, kReserveStepMin, kReserveStepMax);
  if (config.preallocate && config.segment_bytes > size_) step = config.segment_bytes - size_;
  // Not past what the segment may become; but a batch always fits into an empty one.
  std::uint64_t target = std::max(end, std::min(size_ + step, config.segment_bytes));
  auto reserved = file_->reserve(size_, target - size_);
  if (!reserved && reserved.error().code == Errc::disk_full && target > end) {
    MQ_MARK("log: the disk has no room for more than the next batch");
    target = end;
    reserved = file_->reserve(size_, target - size_);
  }
  if (!reserved && reserved.error().code != Errc::unsupported) return reserved;
  reserved_ = reserved ? target : kNoReserve;
  return {};
}

Result<void> Segment::gather(BytesView batch) {
  if (write_is_due_ || gathered_.size() + batch.size() > kGatheredMax) MQ_CHECK(write_out());
  if (gathered_.empty()) gathered_at_ = size_;
  gathered_.append(batch);
  return {};
}

Result<void> Segment::write_out() {
  if (gathered_.empty()) return {};
  auto written = file_->write_at(gathered_at_, gathered_);
  write_is_due_ = !written;
  if (!written) MQ_MARK("log: gathered batches cannot be written");
  if (written) gathered_.clear();
  return written;
}

void Segment::note_batch(const record::BatchHeader& header, const LogConfig& config) {
  const std::uint64_t position = size_;
  // On both sides of a gap, which compaction or damage has left, the index is a second witness of where a batch begins,
  // since its neighbours are none. And damage is passed by from there on.
  const bool continues = header.base_offset == (noted_ ? next(noted_->offset) : base_) && (noted_ || position == 0);
  if (!continues) index_noted();
  if (position == 0) first_timestamp_ = header.max_timestamp;
  if (!largest_ || header.max_timestamp > largest_->timestamp)
    largest_ = TimeIndexEntry{header.max_timestamp, header.last_offset()};
  noted_ = {header.last_offset(), static_cast<std::uint32_t>(position)};
  noted_is_indexed_ = false;
  if (!continues || bytes_since_entry_ > config.index_interval_bytes) {
    index_noted();
    bytes_since_entry_ = 0;
  }
  remember(header.base_offset, position);
  size_ += header.size_bytes();
  bytes_since_entry_ += header.size_bytes();
}

Result<void> Segment::flush_indexes() {
  MQ_CHECK(offsets_.flush(files_, path("index"), base_));
  return times_.flush(files_, path("timeindex"), base_);
}

void Segment::index_noted() {
  if (!noted_ || std::exchange(noted_is_indexed_, true)) return;
  // Nobody could tell it from what a power cut leaves, unless another follows.
  front_waits_ = front_waits_ || noted_->is_blank(base_);
  if (noted_->is_blank(base_)) return;
  add_entry(*noted_);
  if (largest_ && largest_->timestamp > last_time_entry_.timestamp) {
    times_.add(*largest_);
    last_time_entry_ = *largest_;
  }
}

void Segment::add_entry(const OffsetIndexEntry& entry) {
  if (std::exchange(front_waits_, false)) add_entry({.offset = base_, .position = 0});
  offsets_.add(entry);
  ++entries_;
}

void Segment::carry_over(const std::vector<OffsetIndexEntry>& before, std::uint64_t begin, std::uint64_t end,
                         Offset first, Offset last) {
  for (const OffsetIndexEntry& entry : before) {
    const bool is_there = entry.position >= begin && entry.position < end;
    if (!is_there || entry.offset < first || entry.offset >= last || entry.is_blank(base_)) continue;
    index_noted();  // entries come in the order of their offsets
    add_entry(entry);
  }
}

Result<void> Segment::seal() {
  if (may_end_in_gap()) index_noted();
  if (largest_ && largest_->timestamp > last_time_entry_.timestamp) {
    times_.add(*largest_);
    last_time_entry_ = *largest_;
  }
  return release_reserve();
}

Result<void> Segment::release_reserve(std::uint64_t kept_max) {
  MQ_CHECK(write_out());
  if (!file_ || has_tail_ || reserved_ <= size_ + kept_max || reserved_ == kNoReserve) return {};
  MQ_CHECK(file_->truncate(size_));
  reserved_ = size_;
  return {};
}

// --- Reading --------------------------------------------------------------------------------------------------------

Result<SegmentReader> Segment::reader_from(std::uint64_t position, Offset offset, SegmentReader::Mode mode) {
  MQ_TRY(auto opened, file());
  SegmentReader reader(*opened, path(), position, size_, mode, wait_);
  reader.judge_offsets(rules_, size_, [this](std::uint64_t at) { return last_offset_at(at); });
  reader.skip_to(position, offset);
  return reader;
}

Result<Offset> Segment::offset_at(std::uint64_t position) {
  // In front of the first batch is nothing that could tell; its own word counts for nothing.
  if (position == 0) return base_;
  if (position >= size_) return rules_.limit;
  MQ_TRY(const auto header, header_at(position));
  return header.base_offset;
}

std::vector<OffsetIndexEntry> Segment::index_entries() {
  auto entries = offsets_.all(files_, path("index"), base_);
  return entries ? *std::move(entries) : std::vector<OffsetIndexEntry>{};
}

Result<std::optional<Offset>> Segment::last_offset_at(std::uint64_t position) {
  const auto entry = offsets_.last_where(
      files_, path("index"), base_, [&](const OffsetIndexEntry& e) { return e.position <= position; }, wait_);
  if (would_wait(entry)) return fail(entry.error());
  if (!entry || !*entry || (*entry)->position != position) return std::nullopt;
  const auto is_written = is_written_entry(offsets_, **entry, files_, path("index"), base_, wait_);
  if (would_wait(is_written)) return fail(is_written.error());
  return is_written && *is_written ? std::optional((*entry)->offset) : std::nullopt;
}

Result<std::uint64_t> Segment::position_of(Offset offset, const LogConfig& config) {
  if (offset <= base_) return 0;
  Place from{.position = 0, .offset = base_};
  for (const Hint& hint : hints_) {
    if (hint.offset == offset) return hint.position;
    if (hint.offset >= base_ && hint.offset < offset && hint.position > from.position)
      from = {.position = hint.position, .offset = hint.offset};
  }
  MQ_TRY(const Place indexed, index_floor(offset, config));
  return walk_to(indexed.position > from.position ? indexed : from, offset);
}

Result<std::uint64_t> Segment::walk_to(Place from, Offset offset, SegmentReader::Mode mode) {
  MQ_TRY(SegmentReader reader, reader_from(from.position, from.offset, mode));
  std::optional<Error> damage;  // what was stepped over since the last good batch
  while (true) {
    auto batch = reader.next();
    if (!batch) {
      if (!is_damage(batch.error())) return fail(std::move(batch).error());
      // A wrong length shows where it leads to. Which batch has it, only the CRCs tell.
      MQ_MARK("log: a walk from batch to batch meets damage");
      if (mode == SegmentReader::Mode::headers) return walk_to(from, offset, SegmentReader::Mode::wholes);
      damage = std::move(batch).error();
      MQ_TRY(const bool goes_on, reader.resume(rules_.limit, kDamageSteppedOverMax));
      if (!goes_on) return fail(*std::move(damage));
      continue;
    }
    if (!*batch) return size_;
    if (damage && (*batch)->header.base_offset > offset) return fail(*std::move(damage));
    if ((*batch)->header.last_offset() >= offset) return (*batch)->position;
    damage.reset();
  }
}

Result<Segment::Cut> Segment::cut_below(Offset offset, const LogConfig& config) {
  const Cut front{.position = 0, .end = base_};
  Offset below = offset;
  while (below > base_) {
    const auto indexed = index_floor(below - OffsetDelta{1}, config);
    if (!indexed && !is_lost(indexed.error())) return fail(indexed.error());
    const Place from = indexed.value_or(Place{.position = 0, .offset = base_});
    MQ_TRY(const auto cut, last_end(from, offset));
    if (cut) return *cut;
    if (from.position == 0) break;
    below = from.offset;  // the batch that the index names is damaged: begin from further up
  }
  return front;
}

Result<std::optional<Segment::Cut>> Segment::last_end(Place from, Offset offset, SegmentReader::Mode mode) {
  MQ_TRY(SegmentReader reader, reader_from(from.position, from.offset, mode));
  std::optional<Cut> cut;
  while (true) {
    const auto batch = reader.next();
    if (!batch) {
      if (!is_damage(batch.error())) return fail(batch.error());
      if (mode == SegmentReader::Mode::headers) return last_end(from, offset, SegmentReader::Mode::wholes);
      MQ_TRY(const bool goes_on, reader.resume(rules_.limit, kDamageSteppedOverMax));
      if (!goes_on) return cut;
      continue;
    }
    if (!*batch || (*batch)->header.next_offset() > offset) return cut;
    cut = Cut{.position = (*batch)->end(), .end = (*batch)->header.next_offset()};
  }
}

Result<std::optional<Segment::Place>> Segment::place_of(const OffsetIndexEntry& entry) {
  MQ_TRY(const bool is_written, is_written_entry(offsets_, entry, files_, path("index"), base_, wait_));
  if (!is_written) return std::nullopt;
  const auto header = header_at(entry.position);
  if (!header && (header.error().code == Errc::read_failed || !is_damage(header.error()))) return fail(header.error());
  if (!header) MQ_MARK("log: an index entry points between batches");
  if (!header) return std::nullopt;
  if (header->last_offset() == entry.offset) return Place{.position = entry.position, .offset = header->base_offset};
  const auto behind = header_at(entry.position + header->size_bytes());
  if (would_wait(behind)) return fail(behind.error());
  const bool may_be_right =
      entry.offset < rules_.gaps_end && entry.offset < (behind ? behind->base_offset : rules_.limit);
  const bool is_right = behind && next(entry.offset) == behind->base_offset;
  MQ_MARK("log: an index entry and its batch name other offsets");
  if (!may_be_right && !is_right) return std::nullopt;
  return fail(Errc::corrupt_batch, "{}:{}: says that it ends with offset {}, its index says {}", path(), entry.position,
              header->last_offset().value(), entry.offset.value());
}

Result<Segment::Place> Segment::index_floor(Offset offset, const LogConfig& config) {
  const Place front{.position = 0, .offset = base_};
  bool is_new = false;
  while (true) {
    const auto entry = offsets_.last_where(
        files_, path("index"), base_, [&](const OffsetIndexEntry& e) { return e.offset <= offset; }, wait_);
    if (entry && !*entry) {
      // None before it; or the index is lost, and walking through the whole segment each time costs too much.
      MQ_TRY(const std::uint64_t entries, offsets_.count(files_, path("index")));
      if (is_new || entries > 0 || size_ <= kWalkMax) return front;
    } else if (entry) {
      const auto place = place_of(**entry);
      if (place && *place) return **place;
      if (!place && !is_damage(place.error())) return fail(place.error());
      // Rot in the batch, not in the index: begin from further up.
      if (!place || is_new) {
        if ((*entry)->position == 0 || (*entry)->offset <= base_) return front;
        offset = (*entry)->offset - OffsetDelta{1};
        continue;
      }
    } else if (is_new || !is_lost(entry.error())) {
      return fail(entry.error());
    }
    MQ_CHECK(rebuild_indexes(config));
    MQ_MARK("log: an index is made anew when it is looked into");
    is_new = true;
  }
}

Result<std::uint64_t> Segment::batch_end_before(std::uint64_t position, std::uint64_t limit, bool at_least_one) {
  if (limit >= size_) return size_;
  const auto entry = offsets_.last_where(
      files_, path("index"), base_, [&](const OffsetIndexEntry& e) { return e.position <= limit; }, wait_);
  if (would_wait(entry)) return fail(entry.error());
  std::uint64_t end = position;
  MQ_TRY(const auto first, header_at(position));
  Offset offset = first.base_offset;
  if (entry && *entry && (*entry)->position > position) {
    const auto place = place_of(**entry);
    if (would_wait(place)) return fail(place.error());
    if (place && *place) end = (*place)->position, offset = (*place)->offset;
  }
  MQ_TRY(SegmentReader reader, reader_from(end, offset, SegmentReader::Mode::headers));
  while (true) {
    auto batch = reader.next();
    if (!batch && end > position) return end;  // the damage is found by whoever reads there
    if (!batch) return fail(std::move(batch).error());
    if (!*batch || ((*batch)->end() > limit && (end > position || !at_least_one))) return end;
    end = (*batch)->end();
    if (end >= limit) return end;
  }
}

Result<record::BatchHeader> Segment::header_at(std::uint64_t position) {
  MQ_TRY(auto opened, file());
  // Nothing is known of the one before it, so its offset is not judged.
  SegmentReader reader(*opened, path(), position, size_, SegmentReader::Mode::headers, wait_);
  MQ_TRY(const auto batch, reader.next());
  if (!batch) return fail(Errc::corrupt_batch, "{}:{}: after the last batch", path(), position);
  return batch->header;
}

void Segment::remember(Offset offset, std::uint64_t position) {
  hints_[next_hint_] = {offset, position};
  next_hint_ = static_cast<std::uint8_t>((next_hint_ + 1U) % hints_.size());
}

// --- Time -----------------------------------------------------------------------------------------------------------

Result<TimeIndexEntry> Segment::largest_timestamp(const LogConfig& config) {
  if (largest_) return *largest_;
  const auto loaded = load_tail(config);
  if (loaded) return *largest_;
  if (!is_damage(loaded.error())) return fail(loaded.error());
  // Damage near the end: what the index says is all that is known.
  const TimeIndexEntry none{.timestamp = -1, .offset = base_};
  const auto last = times_.last(files_, path("timeindex"), base_);
  if (!last && !is_lost(last)) return fail(last.error());
  return last ? last->value_or(none) : none;
}

Result<WallMillis> Segment::first_timestamp() {
  if (size_ == 0) return -1;
  if (!first_timestamp_) {
    const auto header = header_at(0);
    if (!header && !is_damage(header.error())) return fail(header.error());
    first_timestamp_ = header ? header->max_timestamp : -1;
  }
  return *first_timestamp_;
}

Result<std::uint64_t> Segment::position_for_timestamp(WallMillis timestamp, const LogConfig& config) {
  for (bool again = false;; again = true) {
    const auto read = times_.last_where(
        files_, path("timeindex"), base_, [&](const TimeIndexEntry& e) { return e.timestamp < timestamp; }, wait_);
    if (!again && is_lost(read)) {
      MQ_CHECK(rebuild_indexes(config));
      continue;
    }
    MQ_TRY(const auto entry, read);
    if (!entry) return 0;
    MQ_TRY(const std::uint64_t position, position_of(entry->offset, config));
    if (position < size_) {
      MQ_TRY(const auto header, header_at(position));
      if (header.last_offset() == entry->offset && header.max_timestamp == entry->timestamp) return position;
    }
    if (again) return 0;
    MQ_CHECK(rebuild_indexes(config));
  }
}

// --- Repair ---------------------------------------------------------------------------------------------------------

Result<void> Segment::face_disk(bool synced) {
  MQ_TRY(const auto opened, file());
  if (!synced) MQ_CHECK(opened->sync());
  opened->drop_cache();
  MQ_TRY(size_, opened->size());
  return {};
}

Result<void> Segment::truncate(std::uint64_t position, Offset end) {
  MQ_TRY(auto opened, file());
  MQ_CHECK(opened->truncate(position));
  size_ = position;
  has_tail_ = false;
  reserved_ = position;
  verified_.cut(position);
  hints_ = {};
  largest_.reset();
  noted_.reset();
  front_waits_ = false;
  if (position == 0) first_timestamp_.reset();
  MQ_CHECK(cut_txn_index(end));
  const auto cut = cut_indexes(position, end);
  return cut || is_passing(cut.error().code) ? cut : drop_indexes();
}

Result<void> Segment::rewind(std::uint64_t position, Offset end, const LogConfig& config) {
  const std::uint64_t whole = size_;
  hints_ = {};
  noted_.reset();
  front_waits_ = false;
  verified_.cut(position);
  size_ = position;
  if (const auto cut = cut_indexes(position, end); !cut) {
    if (is_passing(cut.error().code)) return cut;
    MQ_CHECK(rebuild_indexes(config));
  }
  if (position == 0) {
    first_timestamp_.reset();
    largest_.reset();
    last_time_entry_ = {.timestamp = -1, .offset = base_};
    bytes_since_entry_ = 0;
    entries_ = 0;
    return {};
  }
  const auto loaded = load_tail(config);
  if (!loaded) size_ = whole;
  return loaded ? Result<void>{} : fail(loaded.error());
}

Result<bool> Segment::indexes_fit() {
  if (size_ == 0) return true;
  for (const auto& [extension, entry_bytes] :
       {std::pair{"index", OffsetIndexEntry::kBytes}, std::pair{"timeindex", TimeIndexEntry::kBytes}}) {
    const auto bytes = files_.file_size(path(extension));
    if (!bytes || *bytes % entry_bytes != 0) return false;
  }
  const auto read_entry = offsets_.last(files_, path("index"), base_);
  const auto read_time = times_.last(files_, path("timeindex"), base_);
  if (is_lost(read_entry) || is_lost(read_time)) return false;
  MQ_TRY(const auto last_entry, read_entry);
  MQ_TRY(const auto last_time, read_time);
  Place from{.position = 0, .offset = base_};
  if (last_entry) {
    const auto place = place_of(*last_entry);
    // It is the batch that is damaged: whoever reads it is told.
    if (!place && is_damage(place.error())) return true;
    MQ_CHECK(place);
    if (!*place) return false;
    if (last_time && last_entry->offset <= last_time->offset) from = **place;
  }
  if (!last_time || last_time->offset < base_) return false;
  const auto position = walk_to(from, last_time->offset);
  if (!position || *position >= size_) return false;
  const auto header = header_at(*position);
  return header && header->last_offset() == last_time->offset && header->max_timestamp == last_time->timestamp;
}

Result<void> Segment::cut_indexes(std::uint64_t position, Offset end) {
  MQ_CHECK(offsets_.keep_where(files_, path("index"), base_,
                               [&](const OffsetIndexEntry& e) { return e.position < position; }));
  return times_.keep_where(files_, path("timeindex"), base_, [&](const TimeIndexEntry& e) { return e.offset < end; });
}

Result<void> Segment::cut_txn_index(Offset end) {
  // Version (2 bytes), producer id, first offset, last offset, last stable offset (8 each); by their last offsets.
  constexpr std::size_t kEntryBytes = 34;
  constexpr std::size_t kLastOffsetAt = 18;
  const std::string file = path("txnindex");
  const auto entries = env::read_whole(files_, file);
  if (!entries && entries.error().code == Errc::not_found) return {};
  if (!entries && is_passing(entries.error().code)) return fail(entries.error());
  // One that cannot be read is of no use to anybody.
  if (!entries) return remove_if_there(files_, file);
  std::size_t kept = 0;
  while (kept + kEntryBytes <= entries->size() &&
         Offset{load_be<std::int64_t>(entries->data() + kept + kLastOffsetAt)} < end)
    kept += kEntryBytes;
  if (kept == entries->size()) return {};
  MQ_TRY(auto opened, files_.open(file, env::OpenMode::read_write));
  return opened->truncate(kept);
}

Result<void> Segment::drop_indexes() {
  for (const std::string_view extension : kIndexExtensions) MQ_CHECK(remove_if_there(files_, path(extension)));
  offsets_ = {};
  times_ = {};
  return {};
}

Result<void> Segment::rebuild_indexes(const LogConfig& config) {
  const std::uint64_t whole = size_;
  const std::vector<OffsetIndexEntry> before = may_end_in_gap() ? index_entries() : std::vector<OffsetIndexEntry>{};
  MQ_CHECK(drop_indexes());
  last_time_entry_ = {.timestamp = -1, .offset = base_};
  largest_.reset();
  entries_ = 0;
  bytes_since_entry_ = 0;
  noted_.reset();
  front_waits_ = false;
  MQ_TRY(auto opened, file());
  SegmentReader reader(*opened, path(), 0, whole, SegmentReader::Mode::headers);
  reader.judge_offsets(rules_, whole, witness_of(before, base_));
  reader.skip_to(0, base_);
  size_ = 0;
  while (true) {
    auto batch = reader.next();
    if (!batch) {
      const std::uint64_t bad = reader.position();
      MQ_MARK("log: an index is made anew around damage");
      const Offset expected = reader.next_offset();
      const auto goes_on = reader.resume(rules_.limit, kDamageSteppedOverMax);
      const bool is_over = !goes_on || !*goes_on;
      carry_over(before, bad, is_over ? whole : reader.position(), expected,
                 is_over ? rules_.limit : reader.next_offset());
      if (is_over) break;
      continue;
    }
    if (!*batch) break;
    size_ = (*batch)->position;
    note_batch((*batch)->header, config);
    if (wants_index_flush()) (void)flush_indexes();
  }
  size_ = whole;
  if (may_end_in_gap()) index_noted();
  if (!largest_) largest_ = TimeIndexEntry{.timestamp = -1, .offset = base_};
  if (largest_->timestamp > last_time_entry_.timestamp) {
    times_.add(*largest_);
    last_time_entry_ = *largest_;
  }
  (void)flush_indexes();
  return {};
}

Result<void> Segment::remove_files() {
  MQ_CHECK(remove_if_there(files_, path()));
  for (const std::string_view extension : kSegmentExtensions) MQ_CHECK(remove_if_there(files_, path(extension)));
  return {};
}

void Segment::release() {
  MQ_ASSERT(gathered_.empty());
  file_.reset();
  offsets_.forget();
  times_.forget();
}

}  // namespace mq::log

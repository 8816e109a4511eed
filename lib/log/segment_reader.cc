#include "log/segment_reader.h"

#include <algorithm>
#include <utility>

#include "base/buggify.h"
#include "base/mark.h"

namespace mq::log {
namespace {

constexpr std::size_t kHeadersChunk = 4096;
constexpr std::size_t kWholesChunk = std::size_t{1} << 20;
constexpr std::size_t kPageBytes = 4096;

}  // namespace

SegmentReader::SegmentReader(env::File& file, std::string path, std::uint64_t begin, std::uint64_t end, Mode mode,
                             Wait wait)
    : file_(file), path_(std::move(path)), position_(begin), end_(end), file_end_(end), mode_(mode), wait_(wait) {}

void SegmentReader::judge_offsets(OffsetRules rules, std::uint64_t file_end, OffsetWitness index) {
  rules_ = rules;
  file_end_ = std::max(end_, file_end);
  index_ = std::move(index);
}

Result<std::optional<BatchAt>> SegmentReader::next() {
  if (position_ >= end_) return std::nullopt;
  MQ_TRY(const record::BatchHeader header, header_at(position_, end_));
  MQ_CHECK(check_offset(header));
  BatchAt batch{.position = position_, .header = header, .bytes = {}};
  if (mode_ == Mode::wholes) {
    MQ_TRY(batch.bytes, bytes_at(position_, header.size_bytes()));
    if (!record::crc_ok(batch.view())) return bad(position_, "the CRC of the batch is wrong");
  }
  position_ = batch.end();
  next_offset_ = header.next_offset();
  return batch;
}

Result<record::BatchHeader> SegmentReader::header_at(std::uint64_t position, std::uint64_t end) {
  const std::uint64_t left = end - position;
  if (left < record::kBatchHeaderBytes) return bad(position, "{} bytes, too few for a batch", left);
  MQ_TRY(const BytesView bytes, bytes_at(position, record::kBatchHeaderBytes));
  const auto header = record::parse_header(bytes);
  if (!header) return bad(position, "{}", header.error().message);
  if (header->size_bytes() > left)
    return bad(position, "a batch of {} bytes where only {} are left", header->size_bytes(), left);
  if (header->last_offset_delta < 0) return bad(position, "the last offset delta is {}", header->last_offset_delta);
  return *header;
}

Result<void> SegmentReader::check_offset(const record::BatchHeader& header) {
  const Offset begin = header.base_offset;
  const Offset end = header.next_offset();
  if (begin < next_offset_)
    return bad(position_, "offset {} where at least {} must come", begin.value(), next_offset_.value());
  if (!rules_) return {};
  const bool leaps = begin > next_offset_;
  const bool may_leap = next_offset_ < rules_->gaps_end;
  if (leaps && !may_leap)
    return bad(position_, "says offset {} where {} should be", begin.value(), next_offset_.value());
  if (end > rules_->limit || (leaps && end > rules_->gaps_end))
    return bad(position_, "says offsets {} to {} where all are below {}", begin.value(), header.last_offset().value(),
               std::min(rules_->limit, leaps ? rules_->gaps_end : rules_->limit).value());
  if (position_ == doubtful_)
    return bad(position_, "says offset {} and the batch before it another that does not go with it", begin.value());
  if (!may_leap) return {};

  std::optional<Offset> named;
  if (index_) {
    MQ_TRY(named, index_(position_));
  }
  const bool is_named_otherwise = named && *named != header.last_offset();
  const bool is_confirmed = !leaps || named;
  if (is_confirmed && !is_named_otherwise) return {};
  MQ_TRY(const auto behind, header_behind(position_, header));
  if (is_named_otherwise) {
    // Also when what is behind continues it: a wrong offset may lie anywhere in a gap. But an entry that does not fit
    // between the neighbours is wrong itself.
    const Offset room_end = behind ? behind->base_offset : std::min(rules_->limit, rules_->gaps_end);
    const bool fits = *named - OffsetDelta{header.last_offset_delta} >= next_offset_ && *named < room_end;
    if (fits)
      return bad(position_, "says that it ends with offset {}, its index says {}", header.last_offset().value(),
                 named->value());
    if (!leaps) return {};
  }
  if (behind && behind->base_offset == end) return {};
  // What goes back behind this one may be what is wrong itself; that is found out when it is read.
  if (!behind || behind->base_offset > end || behind->base_offset < next_offset_) return {};
  const std::uint64_t behind_at = position_ + header.size_bytes();
  MQ_TRY(const auto third, header_behind(behind_at, *behind));
  const bool third_settles_it = third && third->base_offset >= behind->next_offset() && third->base_offset < end;
  if (!third_settles_it) doubtful_ = behind_at;
  return bad(position_, "says offset {}, and the batch behind it {}", begin.value(), behind->base_offset.value());
}

Result<std::optional<record::BatchHeader>> SegmentReader::header_behind(std::uint64_t position,
                                                                        const record::BatchHeader& header) {
  const std::uint64_t behind = position + header.size_bytes();
  if (behind >= file_end_) return std::nullopt;
  auto found = header_at(behind, file_end_);
  if (found) return *found;
  return is_damage(found.error()) ? Result<std::optional<record::BatchHeader>>(std::nullopt)
                                  : fail(std::move(found).error());
}

Result<bool> SegmentReader::resume(Offset below, std::uint64_t bytes_max) {
  std::uint64_t from = position_ + 1;
  MQ_MARK("log: a reader looks for what is good behind damage");
  Offset at_least = mq::next(next_offset_);
  // When only its offset is wrong, its length is right, and so is the number of offsets that it has.
  if (const auto header = header_at(position_, end_)) {
    SegmentReader whole(file_, path_, position_, position_ + header->size_bytes(), Mode::wholes, wait_);
    whole.next_offset_ = std::min(whole.next_offset_, header->base_offset);
    if (const auto batch = whole.next()) {
      from = position_ + header->size_bytes();
      const bool may_leap = !rules_ || next_offset_ < rules_->gaps_end;
      at_least = may_leap ? next_offset_ : next_offset_ + OffsetDelta{header->last_offset_delta} + OffsetDelta{1};
    } else if (!is_damage(batch.error())) {
      return fail(batch.error());
    }
  } else if (!is_damage(header.error())) {
    return fail(header.error());
  }
  const std::uint64_t until = end_ - position_ > bytes_max ? position_ + bytes_max : end_;
  while (true) {
    MQ_TRY(const auto found, find_batch(file_, from, until, at_least, below, wait_));
    if (!found) return false;
    MQ_TRY(const bool good, can_be_believed(*found));
    from = found->end();
    if (!good) continue;
    position_ = found->position;
    next_offset_ = found->header.base_offset;
    return true;
  }
}

Result<bool> SegmentReader::can_be_believed(const BatchAt& batch) {
  if (!rules_) return true;
  if (batch.position == doubtful_ || batch.header.next_offset() > rules_->limit) return false;
  MQ_TRY(const auto behind, header_behind(batch.position, batch.header));
  if (!behind || behind->base_offset == batch.header.next_offset()) return true;
  return batch.header.next_offset() < rules_->gaps_end && behind->base_offset > batch.header.next_offset();
}

void SegmentReader::skip_to(std::uint64_t position, Offset at_least) {
  position_ = position;
  next_offset_ = at_least;
}

Result<BytesView> SegmentReader::bytes_at(std::uint64_t position, std::size_t size) {
  const bool buffered = position >= buffer_position_ && position + size <= buffer_position_ + buffer_.size();
  if (!buffered) {
    std::size_t chunk = mode_ == Mode::wholes ? kWholesChunk : kHeadersChunk;
    if (MQ_BUGGIFY("log: nothing is read ahead")) chunk = size;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, chunk), file_end_ - position));
    buffer_.resize(wanted);
    buffer_position_ = position;
    auto read = read_at(file_, position, buffer_.data(), wanted, wait_);
    // What is read ahead may be what cannot be read.
    if (!read && read.error().code == Errc::read_failed && wanted > size)
      MQ_MARK("log: what is read ahead cannot be read");
    if (!read && read.error().code == Errc::read_failed && wanted > size)
      read = read_at(file_, position, buffer_.data(), size, wait_);
    buffer_.resize(read.value_or(0));
    MQ_TRY(const std::size_t got, read);
    if (got < size) return bad(position, "the file ends {} bytes early", size - got);
  }
  return BytesView(buffer_).substr(position - buffer_position_, size);
}

namespace {

/// Reads the window page by page; what cannot be read is zeros.
Result<std::size_t> read_what_can_be(env::File& file, std::uint64_t position, std::string& window, Wait wait) {
  auto read = read_at(file, position, window.data(), window.size(), wait);
  if (read || read.error().code != Errc::read_failed) return read;
  for (std::size_t done = 0; done < window.size();) {
    // Pages are those of the file: one that is bad takes no part of its neighbours along.
    const std::size_t size = std::min<std::size_t>(window.size() - done, kPageBytes - (position + done) % kPageBytes);
    const auto got = read_at(file, position + done, window.data() + done, size, wait);
    if (!got && got.error().code != Errc::read_failed) return got;
    std::fill_n(window.begin() + static_cast<std::ptrdiff_t>(done + got.value_or(0)), size - got.value_or(0), '\0');
    done += size;
  }
  return window.size();
}

}  // namespace

Result<std::optional<BatchAt>> find_batch(env::File& file, std::uint64_t begin, std::uint64_t end, Offset at_least,
                                          Offset below, Wait wait) {
  std::string window;
  constexpr std::size_t kStep = std::size_t{1} << 20;
  for (std::uint64_t position = begin; position + record::kBatchHeaderBytes <= end; position += kStep) {
    // Each window overlaps the next by a header, so that none is missed at the seam.
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kStep + record::kBatchHeaderBytes - 1, end - position));
    window.resize(wanted);
    MQ_TRY(const std::size_t got, read_what_can_be(file, position, window, wait));
    window.resize(got);
    for (std::size_t i = 0; i < kStep && i + record::kBatchHeaderBytes <= window.size(); ++i) {
      constexpr std::size_t kMagicAt = 16;
      if (window[i + kMagicAt] != record::kMagic) continue;
      const auto header = record::parse_header(BytesView(window).substr(i));
      if (!header || header->base_offset < at_least || header->base_offset >= below) continue;
      if (header->size_bytes() > end - (position + i)) continue;
      SegmentReader whole(file, "", position + i, position + i + header->size_bytes(), SegmentReader::Mode::wholes,
                          wait);
      auto batch = whole.next();
      if (!batch) {
        if (!is_damage(batch.error())) return fail(std::move(batch).error());
        continue;
      }
      (*batch)->bytes = {};
      return *batch;
    }
  }
  return std::nullopt;
}

}  // namespace mq::log

#include "log/segment_reader.h"

#include <algorithm>
#include <utility>

namespace mq::log {
namespace {

constexpr std::size_t kHeadersChunk = 4096;
constexpr std::size_t kWholesChunk = std::size_t{1} << 20;

}  // namespace

SegmentReader::SegmentReader(env::File& file, std::string path, std::uint64_t begin, std::uint64_t end, Mode mode,
                             Wait wait)
    : file_(file), path_(std::move(path)), position_(begin), end_(end), mode_(mode), wait_(wait) {}

Result<std::optional<BatchAt>> SegmentReader::next() {
  if (position_ >= end_) return std::nullopt;
  const std::uint64_t left = end_ - position_;
  if (left < record::kBatchHeaderBytes) return bad(Errc::corrupt_batch, "{} bytes, too few for a batch", left);
  MQ_TRY(BytesView bytes, bytes_at(position_, record::kBatchHeaderBytes));
  auto header = record::parse_header(bytes);
  if (!header) return bad(header.error().code, "{}", header.error().message);
  if (header->size_bytes() > left)
    return bad(Errc::corrupt_batch, "a batch of {} bytes where only {} are left", header->size_bytes(), left);
  if (header->last_offset_delta < 0)
    return bad(Errc::corrupt_batch, "the last offset delta is {}", header->last_offset_delta);
  if (header->base_offset < next_offset_)
    return bad(Errc::corrupt_batch, "offset {} where at least {} must come", header->base_offset.value(),
               next_offset_.value());
  BatchAt batch{.position = position_, .header = *header, .bytes = {}};
  if (mode_ == Mode::wholes) {
    MQ_TRY(batch.bytes, bytes_at(position_, header->size_bytes()));
    if (!record::crc_ok(batch.view())) return bad(Errc::corrupt_batch, "the CRC of the batch is wrong");
  }
  position_ = batch.end();
  next_offset_ = header->next_offset();
  return batch;
}

void SegmentReader::skip_to(std::uint64_t position, Offset at_least) {
  position_ = position;
  next_offset_ = at_least;
}

Result<BytesView> SegmentReader::bytes_at(std::uint64_t position, std::size_t size) {
  const bool buffered = position >= buffer_position_ && position + size <= buffer_position_ + buffer_.size();
  if (!buffered) {
    const std::size_t chunk = mode_ == Mode::wholes ? kWholesChunk : kHeadersChunk;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, chunk), end_ - position));
    buffer_.resize(wanted);
    buffer_position_ = position;
    const auto read = read_at(file_, position, buffer_.data(), wanted, wait_);
    buffer_.resize(read.value_or(0));
    MQ_TRY(const std::size_t got, read);
    if (got < size) return bad(Errc::corrupt_batch, "the file ends {} bytes early", size - got);
  }
  return BytesView(buffer_).substr(position - buffer_position_, size);
}

Result<std::optional<BatchAt>> find_batch(env::File& file, std::uint64_t begin, std::uint64_t end, Offset at_least,
                                          Offset below) {
  std::string window;
  constexpr std::size_t kStep = std::size_t{1} << 20;
  for (std::uint64_t position = begin; position + record::kBatchHeaderBytes <= end; position += kStep) {
    // Each window overlaps the next by a header, so that none is missed at the seam.
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kStep + record::kBatchHeaderBytes - 1, end - position));
    window.resize(wanted);
    MQ_TRY(const std::size_t got, file.read_at(position, window.data(), wanted));
    window.resize(got);
    for (std::size_t i = 0; i < kStep && i + record::kBatchHeaderBytes <= window.size(); ++i) {
      constexpr std::size_t kMagicAt = 16;
      if (window[i + kMagicAt] != record::kMagic) continue;
      const auto header = record::parse_header(BytesView(window).substr(i));
      if (!header || header->base_offset < at_least || header->base_offset >= below) continue;
      if (header->size_bytes() > end - (position + i)) continue;
      SegmentReader whole(file, "", position + i, position + i + header->size_bytes(), SegmentReader::Mode::wholes);
      auto batch = whole.next();
      if (!batch) {
        if (batch.error().code == Errc::disk_failed) return fail(std::move(batch).error());
        continue;
      }
      (*batch)->bytes = {};
      return *batch;
    }
  }
  return std::nullopt;
}

}  // namespace mq::log

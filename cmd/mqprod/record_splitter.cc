#include "record_splitter.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace mq::mqprod {
namespace {

constexpr std::size_t kRoomMin = 64 << 10;
// Large enough that a busy pipe is read in few calls, small enough to stay in the cache with the batches.
constexpr std::size_t kBufferBytes = 256 << 10;

}  // namespace

RecordSplitter::RecordSplitter(std::string delimiter, std::size_t record_bytes_max)
    : delimiter_(std::move(delimiter)),
      record_bytes_max_(record_bytes_max),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)),
      capacity_(kBufferBytes) {
  MQ_ASSERT(!delimiter_.empty());
}

std::span<char> RecordSplitter::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < kRoomMin) {
    const std::size_t capacity = 2 * capacity_;
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity);
    std::memcpy(bigger.get(), buffer_.get(), end_);
    buffer_ = std::move(bigger);
    capacity_ = capacity;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

std::optional<BytesView> RecordSplitter::next() {
  const char* const bytes = buffer_.get();
  const void* found = delimiter_.size() == 1
                          ? std::memchr(bytes + scanned_, delimiter_[0], end_ - scanned_)
                          : memmem(bytes + scanned_, end_ - scanned_, delimiter_.data(), delimiter_.size());
  if (found == nullptr) {
    // A delimiter may begin in the last bytes.
    const std::size_t kept = std::min(delimiter_.size() - 1, end_ - begin_);
    scanned_ = std::max(scanned_, end_ - kept);
    too_long_ = end_ - begin_ > record_bytes_max_ + delimiter_.size();
    if (!finished_ || begin_ == end_ || too_long_) return std::nullopt;
    const BytesView last(bytes + begin_, end_ - begin_);
    begin_ = scanned_ = end_;
    ++count_;
    return last;
  }
  const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes);
  if (at - begin_ > record_bytes_max_) {
    too_long_ = true;
    return std::nullopt;
  }
  const BytesView record(bytes + begin_, at - begin_);
  begin_ = scanned_ = at + delimiter_.size();
  ++count_;
  return record;
}

}  // namespace mq::mqprod

#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/varint.h"
#include "record/codec.h"

namespace mq::record {

/// Reads varints from, and skips over, bytes that lie in memory or come out of a decompressor chunk by chunk, so that
/// one walk over records serves both. A read that fails returns false; `stream_error` then says whether the
/// decompressor failed or the bytes were wrong.
class ByteSource {
 public:
  /// Bytes in memory, which must outlive this.
  explicit ByteSource(BytesView bytes) : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}
  /// A stream that was just started.
  explicit ByteSource(Codecs& stream) : stream_(&stream) {}

  bool varint(std::int32_t& value) {
    std::uint64_t raw = 0;
    if (!uvarint<5>(raw)) return false;
    value = static_cast<std::int32_t>(zigzag_decode(raw));
    return true;
  }
  bool varlong(std::int64_t& value) {
    std::uint64_t raw = 0;
    if (!uvarint<10>(raw)) return false;
    value = zigzag_decode(raw);
    return true;
  }
  bool skip(std::uint64_t bytes) {
    while (bytes > available()) {
      bytes -= available();
      at_ = end_;
      if (!refill()) return false;
    }
    at_ += bytes;
    return true;
  }
  [[nodiscard]] std::uint64_t consumed() const { return before_ + static_cast<std::uint64_t>(at_ - begin_); }
  [[nodiscard]] bool at_end() { return at_ == end_ && !refill(); }
  [[nodiscard]] std::optional<Error>& stream_error() { return error_; }

 private:
  [[nodiscard]] std::uint64_t available() const { return static_cast<std::uint64_t>(end_ - at_); }

  template <int kBytesMax>
  bool uvarint(std::uint64_t& value) {
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80) [[likely]] {
      value = static_cast<std::uint8_t>(*at_++);
      return true;
    }
    value = 0;
    for (int i = 0; i < kBytesMax; ++i) {
      if (at_ == end_ && !refill()) return false;
      const auto byte = static_cast<std::uint8_t>(*at_++);
      // The last byte has room for the rest of 32 or 64 bits only.
      if (i == kBytesMax - 1 && byte > (kBytesMax == 5 ? 0x0f : 0x01)) return false;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool refill() {
    if (stream_ == nullptr) return false;
    auto chunk = stream_->next_chunk();
    if (!chunk) {
      error_ = chunk.error();
      stream_ = nullptr;
      return false;
    }
    if (chunk->empty()) {
      stream_ = nullptr;
      return false;
    }
    before_ += static_cast<std::uint64_t>(end_ - begin_);
    begin_ = at_ = chunk->data();
    end_ = begin_ + chunk->size();
    return true;
  }

  Codecs* stream_ = nullptr;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t before_ = 0;
  std::optional<Error> error_;
};

}  // namespace mq::record

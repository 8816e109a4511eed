#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"

namespace mq::mqprod {

/// Cuts a stream of bytes into records at a delimiter, which is removed. The caller reads into `room` and tells
/// `filled`; records are views into the buffer, valid until the next `room`.
///
/// A last record without a delimiter counts as one; nothing after the last delimiter is no record.
class RecordSplitter {
 public:
  /// `delimiter` has at least one byte. A record longer than `record_bytes_max` sets `too_long`.
  RecordSplitter(std::string delimiter, std::size_t record_bytes_max);

  /// Where to read to: at least 64 KiB. Keeps the unfinished record.
  [[nodiscard]] std::span<char> room();
  void filled(std::size_t bytes) { end_ += bytes; }
  /// The input ended: what is left is a record.
  void finish() { finished_ = true; }

  /// The next whole record, or nothing: then read more, unless `finish` was called.
  [[nodiscard]] std::optional<BytesView> next();
  /// The unfinished record is longer than it may be.
  [[nodiscard]] bool too_long() const { return too_long_; }
  /// Bytes that were filled in and not given out: after the last whole record, those of an unfinished one.
  [[nodiscard]] std::size_t rest() const { return end_ - begin_; }
  /// How many records were given out: the number of the next one, counted from 1, is one more.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::string delimiter_;
  std::size_t record_bytes_max_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    ///< first byte of the unfinished record
  std::size_t scanned_ = 0;  ///< no delimiter begins before here
  std::size_t end_ = 0;
  std::uint64_t count_ = 0;
  bool finished_ = false;
  bool too_long_ = false;
};

}  // namespace mq::mqprod

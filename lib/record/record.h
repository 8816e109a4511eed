#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/codec.h"

namespace mq::record {

struct HeaderView {
  BytesView key = {};
  std::optional<BytesView> value = std::nullopt;
};

/// The headers of one record, in order, duplicates kept. A range over bytes that RecordReader has checked:
/// `for (HeaderView header : record.headers)`.
class HeadersView {
 public:
  class Iterator {
   public:
    using value_type = HeaderView;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(BytesView rest, std::int32_t left) : rest_(rest), left_(left) { read(); }
    const HeaderView& operator*() const { return header_; }
    const HeaderView* operator->() const { return &header_; }
    Iterator& operator++() {
      --left_;
      read();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.left_ == 0; }

   private:
    void read();
    BytesView rest_;
    std::int32_t left_ = 0;
    HeaderView header_;
  };

  HeadersView() = default;
  /// `bytes` holds exactly `count` well-formed headers.
  HeadersView(std::int32_t count, BytesView bytes) : count_(count), bytes_(bytes) {}
  [[nodiscard]] std::int32_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Iterator begin() const { return {bytes_, count_}; }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }
  /// As they stand in the batch, without their count.
  [[nodiscard]] BytesView bytes() const { return bytes_; }

 private:
  std::int32_t count_ = 0;
  BytesView bytes_;
};

/// One record. Its bytes belong to the batch or, when that was compressed, to the RecordReader.
struct RecordView {
  Offset offset{};
  WallMillis timestamp = 0;  ///< the batch's, with log-append time
  std::optional<BytesView> key = std::nullopt;
  std::optional<BytesView> value = std::nullopt;
  HeadersView headers = {};
};

/// Gives the records of one batch after another. Keeps the buffer and the contexts for decompression, so one object
/// should serve many batches. Every length is checked, the batch's CRC is not. Not thread-safe.
class RecordReader {
 public:
  explicit RecordReader(DecompressLimits limits = {}) : limits_(limits) {}

  /// Begins with `batch`, whose bytes must stay until the last record was read. Views of earlier records are no longer
  /// valid. corrupt, too_large, unsupported as Codecs::decompress; invalid_record: a negative record count.
  Result<void> open(const BatchView& batch);

  /// True with the next record in `record`, false after the last. invalid_record: lengths that lie, bytes after the
  /// last record; the message names the record's place. After an error open another batch.
  Result<bool> next(RecordView& record);

 private:
  DecompressLimits limits_;
  Codecs codecs_;
  std::string raw_;
  BatchHeader header_;
  BytesView rest_;
  std::int32_t given_ = 0;
};

/// Calls `each(const RecordView&)` for every record of `batch`. `each` returns nothing, or a Result<void> whose error
/// ends the walk and is returned.
template <class Each>
  requires std::invocable<Each, const RecordView&>
Result<void> for_each_record(RecordReader& reader, const BatchView& batch, Each&& each) {
  MQ_CHECK(reader.open(batch));
  RecordView record;
  while (true) {
    MQ_TRY(const bool more, reader.next(record));
    if (!more) return {};
    if constexpr (std::is_void_v<std::invoke_result_t<Each, const RecordView&>>) {
      each(record);
    } else {
      MQ_CHECK(each(record));
    }
  }
}

}  // namespace mq::record

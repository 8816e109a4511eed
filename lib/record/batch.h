#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "record/codec.h"

namespace mq::record {

/// Bytes before the records, from the base offset to the record count.
inline constexpr std::size_t kBatchHeaderBytes = 61;
/// Bytes that the field `batch_length` does not count: the base offset and itself.
inline constexpr std::size_t kBatchLengthStart = 12;
/// The only format of a batch that we read and write.
inline constexpr std::int8_t kMagic = 2;

enum class TimestampType : std::int8_t { create_time = 0, log_append_time = 1 };

/// Bits of `BatchHeader::attributes` above the three of the codec. All others must be zero.
inline constexpr std::int16_t kCodecMask = 0x07;
inline constexpr std::int16_t kLogAppendTimeBit = 0x08;
inline constexpr std::int16_t kTransactionalBit = 0x10;
inline constexpr std::int16_t kControlBit = 0x20;
inline constexpr std::int16_t kDeleteHorizonBit = 0x40;

/// The fixed part of a record batch, format 2, as the bytes say it: except for `magic` and `batch_length` nothing was
/// checked by reading it.
struct BatchHeader {
  Offset base_offset{};
  std::int32_t batch_length = 0;  ///< bytes after this field; at least 49
  LeaderEpoch leader_epoch{};
  std::int8_t magic = kMagic;
  std::uint32_t crc = 0;  ///< CRC-32C of everything from `attributes` on
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  WallMillis base_timestamp = 0;  ///< the delete horizon, when that bit is set
  WallMillis max_timestamp = 0;   ///< with log-append time: the time of every record
  ProducerId producer_id{};
  ProducerEpoch producer_epoch{};
  Sequence base_sequence{};
  std::int32_t record_count = 0;

  /// May be none of the known ones; see `is_known`.
  [[nodiscard]] Codec compression() const { return static_cast<Codec>(attributes & kCodecMask); }
  [[nodiscard]] TimestampType timestamp_type() const {
    return (attributes & kLogAppendTimeBit) != 0 ? TimestampType::log_append_time : TimestampType::create_time;
  }
  [[nodiscard]] bool is_transactional() const { return (attributes & kTransactionalBit) != 0; }
  [[nodiscard]] bool is_control() const { return (attributes & kControlBit) != 0; }
  [[nodiscard]] bool has_delete_horizon() const { return (attributes & kDeleteHorizonBit) != 0; }
  [[nodiscard]] bool has_producer_id() const { return producer_id > kNoProducerId; }
  /// Inclusive, as Kafka's bytes have it.
  [[nodiscard]] Offset last_offset() const { return base_offset + OffsetDelta{last_offset_delta}; }
  /// The offset after this batch.
  [[nodiscard]] Offset next_offset() const { return next(last_offset()); }
  /// Inclusive; goes on at 0 after 2^31-1. -1 when the batch has no sequence.
  [[nodiscard]] Sequence last_sequence() const;
  /// The whole batch, this header included.
  [[nodiscard]] std::size_t size_bytes() const { return kBatchLengthStart + static_cast<std::size_t>(batch_length); }
};

/// Reads the header at the front of `bytes`; the records need not be there.
/// corrupt: fewer than kBatchHeaderBytes; corrupt_batch: a length that no batch can have, or offsets past the end of
/// numbers; unsupported: another magic.
[[nodiscard]] Result<BatchHeader> parse_header(BytesView bytes);

/// A whole batch in memory that someone else owns: header read, records untouched, CRC not checked.
class BatchView {
 public:
  /// `bytes` is exactly one batch, whose header is `header`.
  BatchView(const BatchHeader& header, BytesView bytes) : header_(header), bytes_(bytes) {}
  [[nodiscard]] const BatchHeader& header() const { return header_; }
  [[nodiscard]] BytesView bytes() const { return bytes_; }
  /// The records, compressed when the header says so.
  [[nodiscard]] BytesView records_bytes() const { return bytes_.substr(kBatchHeaderBytes); }

 private:
  BatchHeader header_;
  BytesView bytes_;
};

/// The batch at the front of `bytes`, which may go on after it. Errors as `parse_header`, and corrupt when `bytes` end
/// before the batch does (use BatchReader where a cut tail is no error, as in a fetch answer).
[[nodiscard]] Result<BatchView> first_batch(BytesView bytes);

/// True when the batch's bytes are what its writer made. A pass over all of them.
[[nodiscard]] bool crc_ok(const BatchView& batch);

/// Walks over batches that follow each other, in a segment or a fetch answer:
/// `while (true) { MQ_TRY(auto batch, reader.next()); if (!batch) break; ... }`
class BatchReader {
 public:
  explicit BatchReader(BytesView bytes) : rest_(bytes) {}
  /// The next whole batch; nothing at the end, and nothing at a batch that the bytes cut short: then `rest()` is not
  /// empty. Errors as `parse_header` (but for corrupt); `rest()` then begins with the bad batch.
  [[nodiscard]] Result<std::optional<BatchView>> next();
  /// What was not given out yet.
  [[nodiscard]] BytesView rest() const { return rest_; }

 private:
  BytesView rest_;
};

/// Overwrite fields of the batch that begins at `batch` (a whole, well-formed one) which its CRC does not cover.
void set_base_offset(char* batch, Offset offset);
void set_leader_epoch(char* batch, LeaderEpoch epoch);
/// Overwrites the largest timestamp and its type and computes the CRC anew: a second pass over the batch's bytes.
void set_max_timestamp(char* batch, TimestampType type, WallMillis max_timestamp);

/// Sequence `by` records after `from` (not negative); goes on at 0 after 2^31-1.
[[nodiscard]] Sequence advance(Sequence from, std::int32_t by);

}  // namespace mq::record

#include "record/batch.h"

#include <limits>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "record/batch_layout.h"

namespace mq::record {
namespace {

constexpr std::int32_t kBatchLengthMin = static_cast<std::int32_t>(kBatchHeaderBytes - kBatchLengthStart);
constexpr auto kInt32Max = std::numeric_limits<std::int32_t>::max();

BatchHeader read_fields(BytesView bytes) {
  Reader in(bytes);
  BatchHeader header;
  header.base_offset = Offset{in.be<std::int64_t>()};
  header.batch_length = in.be<std::int32_t>();
  header.leader_epoch = LeaderEpoch{in.be<std::int32_t>()};
  header.magic = in.be<std::int8_t>();
  header.crc = in.be<std::uint32_t>();
  header.attributes = in.be<std::int16_t>();
  header.last_offset_delta = in.be<std::int32_t>();
  header.base_timestamp = in.be<std::int64_t>();
  header.max_timestamp = in.be<std::int64_t>();
  header.producer_id = ProducerId{in.be<std::int64_t>()};
  header.producer_epoch = ProducerEpoch{in.be<std::int16_t>()};
  header.base_sequence = Sequence{in.be<std::int32_t>()};
  header.record_count = in.be<std::int32_t>();
  MQ_ASSERT(!in.failed());
  return header;
}

}  // namespace

Sequence advance(Sequence from, std::int32_t by) {
  MQ_ASSERT(from.value() >= 0 && by >= 0);
  if (from.value() > kInt32Max - by) return Sequence{by - (kInt32Max - from.value()) - 1};
  return Sequence{from.value() + by};
}

Sequence BatchHeader::last_sequence() const {
  if (base_sequence.value() < 0 || last_offset_delta < 0) return Sequence{-1};
  return advance(base_sequence, last_offset_delta);
}

Result<BatchHeader> parse_header(BytesView bytes) {
  if (bytes.size() < kBatchHeaderBytes)
    return fail(Errc::corrupt, "a record batch needs {} bytes for its header, {} are left", kBatchHeaderBytes,
                bytes.size());
  // The formats before 2 have their magic at the same place, so it is read first: their other fields mean something
  // else.
  if (const auto magic = static_cast<std::int8_t>(bytes[kMagicAt]); magic != kMagic)
    return fail(Errc::unsupported, "record batch of format (magic) {}; only {} is supported", magic, kMagic);
  const BatchHeader header = read_fields(bytes);
  if (header.batch_length < kBatchLengthMin)
    return fail(Errc::corrupt_batch, "record batch with length {}, less than its header's {}", header.batch_length,
                kBatchLengthMin);
  // Neither the last offset nor the one after it may overflow, whatever the delta says.
  constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() - kInt32Max - 1;
  if (header.base_offset.value() > kFarthest || header.base_offset.value() < -kFarthest)
    return fail(Errc::corrupt_batch, "record batch at offset {}, past the end of offsets", header.base_offset.value());
  return header;
}

Result<BatchView> first_batch(BytesView bytes) {
  MQ_TRY(const BatchHeader header, parse_header(bytes));
  if (bytes.size() < header.size_bytes())
    return fail(Errc::corrupt, "record batch of {} bytes, of which {} are there", header.size_bytes(), bytes.size());
  return BatchView(header, bytes.substr(0, header.size_bytes()));
}

bool crc_ok(const BatchView& batch) { return crc32c(batch.bytes().substr(kAttributesAt)) == batch.header().crc; }

Result<std::optional<BatchView>> BatchReader::next() {
  if (rest_.size() < kBatchHeaderBytes) return std::nullopt;
  MQ_TRY(const BatchHeader header, parse_header(rest_));
  if (rest_.size() < header.size_bytes()) return std::nullopt;
  const BytesView bytes = rest_.substr(0, header.size_bytes());
  rest_.remove_prefix(bytes.size());
  return BatchView(header, bytes);
}

void set_base_offset(char* batch, Offset offset) { store_be(batch, offset.value()); }

void set_leader_epoch(char* batch, LeaderEpoch epoch) { store_be(batch + kLeaderEpochAt, epoch.value()); }

void set_max_timestamp(char* batch, TimestampType type, WallMillis max_timestamp) {
  const int kept = load_be<std::int16_t>(batch + kAttributesAt) & ~kLogAppendTimeBit;
  const int bit = type == TimestampType::log_append_time ? kLogAppendTimeBit : 0;
  store_be(batch + kAttributesAt, static_cast<std::int16_t>(kept | bit));
  store_be(batch + kMaxTimestampAt, max_timestamp);
  const std::int32_t length = load_be<std::int32_t>(batch + sizeof(std::int64_t));
  MQ_ASSERT(length >= kBatchLengthMin);
  const std::size_t end = kBatchLengthStart + static_cast<std::size_t>(length);
  store_be(batch + kCrcAt, crc32c(BytesView(batch + kAttributesAt, end - kAttributesAt)));
}

}  // namespace mq::record

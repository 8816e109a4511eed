#include "record/batch_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/varint.h"
#include "record/batch_layout.h"

namespace mq::record {
namespace {

/// Writes into memory whose size was computed before.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}
  void byte(char value) { *at_++ = value; }
  void varint(std::int64_t value) { at_ += uvarint_encode(zigzag_encode(value), at_); }
  void bytes(BytesView value) {
    if (!value.empty()) std::memcpy(at_, value.data(), value.size());
    at_ += value.size();
  }
  void nullable(std::optional<BytesView> value) {
    varint(value ? static_cast<std::int64_t>(value->size()) : -1);
    if (value) bytes(*value);
  }
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

std::size_t sized(std::size_t bytes) { return varint_size(static_cast<std::int64_t>(bytes)) + bytes; }
std::size_t nullable_size(std::optional<BytesView> value) { return value ? sized(value->size()) : 1; }

std::size_t headers_size(std::span<const HeaderView> headers) {
  std::size_t size = 0;
  for (const HeaderView& header : headers) size += sized(header.key.size()) + nullable_size(header.value);
  return size;
}

/// A record but for its headers, of which only number and size matter here.
struct Body {
  std::int64_t timestamp_delta;
  std::int32_t offset_delta;
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::int64_t header_count;
  std::size_t header_bytes;
};

/// Appends `body` to `out`, with room for the headers at its end; returns that room.
char* append_record(std::string& out, const Body& body) {
  const std::size_t length = 1 + varint_size(body.timestamp_delta) + varint_size(body.offset_delta) +
                             nullable_size(body.key) + nullable_size(body.value) + varint_size(body.header_count) +
                             body.header_bytes;
  const std::size_t before = out.size();
  const std::size_t after = before + sized(length);
  char* room = nullptr;
  // The size that the call hands to us is not the one asked for in libstdc++ 12.
  out.resize_and_overwrite(after, [&](char* data, std::size_t) {
    Pen pen(data + before);
    pen.varint(static_cast<std::int64_t>(length));
    pen.byte(0);  // attributes of a record: none are defined
    pen.varint(body.timestamp_delta);
    pen.varint(body.offset_delta);
    pen.nullable(body.key);
    pen.nullable(body.value);
    pen.varint(body.header_count);
    room = pen.at();
    return after;
  });
  return room;
}

/// Two's complement, as the reader adds: any two timestamps come back.
std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace

BatchBuilder::BatchBuilder(Options options) : options_(options) { clear(); }

void BatchBuilder::set_options(Options options) {
  MQ_ASSERT(empty());
  options_ = options;
}

void BatchBuilder::clear() {
  raw_.assign(kBatchHeaderBytes, '\0');
  max_timestamp_ = -1;
  last_offset_delta_ = -1;
  count_ = 0;
}

std::int64_t BatchBuilder::note(WallMillis timestamp, std::int32_t offset_delta) {
  MQ_ASSERT(offset_delta > last_offset_delta_);
  if (count_ == 0) base_timestamp_ = options_.base_timestamp.value_or(timestamp);
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  last_offset_delta_ = offset_delta;
  ++count_;
  return wrapping_subtract(timestamp, base_timestamp_);
}

void BatchBuilder::add(WallMillis timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
                       std::span<const HeaderView> headers) {
  const std::int32_t offset_delta = last_offset_delta_ + 1;
  const std::int64_t timestamp_delta = note(timestamp, offset_delta);
  Pen pen(append_record(raw_, {.timestamp_delta = timestamp_delta,
                               .offset_delta = offset_delta,
                               .key = key,
                               .value = value,
                               .header_count = static_cast<std::int64_t>(headers.size()),
                               .header_bytes = headers_size(headers)}));
  for (const HeaderView& header : headers) {
    pen.varint(static_cast<std::int64_t>(header.key.size()));
    pen.bytes(header.key);
    pen.nullable(header.value);
  }
}

void BatchBuilder::add_at(std::int32_t offset_delta, const RecordView& record) {
  const std::int64_t timestamp_delta = note(record.timestamp, offset_delta);
  Pen pen(append_record(raw_, {.timestamp_delta = timestamp_delta,
                               .offset_delta = offset_delta,
                               .key = record.key,
                               .value = record.value,
                               .header_count = record.headers.size(),
                               .header_bytes = record.headers.bytes().size()}));
  pen.bytes(record.headers.bytes());
}

std::size_t BatchBuilder::record_bytes_max(std::optional<BytesView> key, std::optional<BytesView> value,
                                           std::span<const HeaderView> headers) {
  // Length, attributes, timestamp, offset, number of headers: each at its longest.
  constexpr std::size_t kFixedBytesMax = 5 + 1 + 10 + 5 + 5;
  return kFixedBytesMax + nullable_size(key) + nullable_size(value) + headers_size(headers);
}

Result<std::string> BatchBuilder::finish(const Stamp& stamp) {
  MQ_ASSERT(count_ > 0 || stamp.last_offset_delta);
  const Codec codec = count_ == 0 ? Codec::none : options_.codec;
  std::string batch;
  if (codec == Codec::none) {
    batch = std::move(raw_);
  } else {
    batch.assign(kBatchHeaderBytes, '\0');
    MQ_CHECK(codecs_.compress(codec, options_.level, BytesView(raw_).substr(kBatchHeaderBytes), batch));
  }
  write_header(batch, codec, stamp);
  clear();
  return batch;
}

void BatchBuilder::write_header(std::string& batch, Codec codec, const Stamp& stamp) const {
  MQ_ASSERT(batch.size() <= std::size_t{std::numeric_limits<std::int32_t>::max()});
  const WallMillis max_timestamp = stamp.max_timestamp.value_or(max_timestamp_);
  int attributes = static_cast<int>(codec);
  if (options_.timestamp_type == TimestampType::log_append_time) attributes |= kLogAppendTimeBit;
  if (stamp.transactional) attributes |= kTransactionalBit;
  if (stamp.control) attributes |= kControlBit;
  if (stamp.delete_horizon) attributes |= kDeleteHorizonBit;

  std::string header;
  header.reserve(kBatchHeaderBytes);
  Writer out(header);
  out.be(stamp.base_offset.value());
  out.be(static_cast<std::int32_t>(batch.size() - kBatchLengthStart));
  out.be(stamp.leader_epoch.value());
  out.be(kMagic);
  out.be(std::uint32_t{0});  // the CRC, when the rest is there
  out.be(static_cast<std::int16_t>(attributes));
  out.be(stamp.last_offset_delta.value_or(last_offset_delta_));
  out.be(count_ > 0 ? base_timestamp_ : options_.base_timestamp.value_or(-1));
  out.be(max_timestamp);
  out.be(stamp.producer_id.value());
  out.be(stamp.producer_epoch.value());
  out.be(stamp.base_sequence.value());
  out.be(count_);
  MQ_ASSERT(header.size() == kBatchHeaderBytes);
  std::memcpy(batch.data(), header.data(), header.size());
  store_be(batch.data() + kCrcAt, crc32c(BytesView(batch).substr(kAttributesAt)));
}

}  // namespace mq::record

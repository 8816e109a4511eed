#include "record/record.h"

#include "base/assert.h"
#include "base/cursor.h"

namespace mq::record {
namespace {

/// A length of -1 is null; a more negative one, or one past the end, fails `in`.
std::optional<BytesView> take_nullable(Reader& in) {
  const std::int32_t length = in.varint();
  if (length >= 0) return in.take(static_cast<std::size_t>(length));
  if (length < -1) in.fail();
  return std::nullopt;
}

HeaderView take_header(Reader& in) {
  HeaderView header;
  const std::int32_t key_length = in.varint();
  if (key_length < 0) {
    in.fail();
    return header;
  }
  header.key = in.take(static_cast<std::size_t>(key_length));
  header.value = take_nullable(in);
  return header;
}

HeadersView take_headers(Reader& in) {
  const std::int32_t count = in.varint();
  const BytesView bytes = in.rest();
  // A header takes two bytes at least, which also bounds the loop.
  if (count < 0 || static_cast<std::size_t>(count) > bytes.size() / 2) {
    in.fail();
    return {};
  }
  for (std::int32_t i = 0; i < count && !in.failed(); ++i) take_header(in);
  return {count, bytes.substr(0, bytes.size() - in.remaining())};
}

/// Two's complement as in Java: hostile deltas may wrap, they must not trap.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

void HeadersView::Iterator::read() {
  if (left_ == 0) return;
  Reader in(rest_);
  header_ = take_header(in);
  MQ_ASSERT(!in.failed());
  rest_ = in.rest();
}

Result<void> RecordReader::open(const BatchView& batch) {
  header_ = batch.header();
  rest_ = batch.records_bytes();
  given_ = 0;
  if (header_.record_count < 0)
    return fail(Errc::invalid_record, "batch at offset {} claims {} records", header_.base_offset.value(),
                header_.record_count);
  if (header_.compression() == Codec::none || header_.record_count == 0) return {};
  raw_.clear();
  rest_ = {};
  MQ_CHECK(codecs_.decompress(header_.compression(), batch.records_bytes(), limits_, raw_));
  rest_ = raw_;
  return {};
}

Result<bool> RecordReader::next(RecordView& record) {
  if (given_ == header_.record_count) {
    if (rest_.empty()) return false;
    return fail(Errc::invalid_record, "batch at offset {}: {} bytes after the last of {} records",
                header_.base_offset.value(), rest_.size(), header_.record_count);
  }
  Reader batch(rest_);
  const std::int32_t length = batch.varint();
  if (length < 0) batch.fail();
  Reader in(batch.take(length < 0 ? 0 : static_cast<std::size_t>(length)));
  in.take(1);  // attributes of a record: none are defined
  const std::int64_t timestamp_delta = in.varlong();
  const std::int32_t offset_delta = in.varint();
  record.key = take_nullable(in);
  record.value = take_nullable(in);
  record.headers = take_headers(in);
  if (batch.failed() || in.failed() || in.remaining() != 0)
    return fail(Errc::invalid_record, "batch at offset {}: record {} of {} has lengths that do not fit",
                header_.base_offset.value(), given_, header_.record_count);
  record.offset = Offset{wrapping_add(header_.base_offset.value(), offset_delta)};
  record.timestamp = header_.timestamp_type() == TimestampType::log_append_time
                         ? header_.max_timestamp
                         : wrapping_add(header_.base_timestamp, timestamp_delta);
  rest_ = batch.rest();
  ++given_;
  return true;
}

}  // namespace mq::record

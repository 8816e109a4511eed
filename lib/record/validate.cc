#include "record/validate.h"

#include <optional>
#include <string>
#include <utility>

#include "base/mark.h"
#include "record/byte_source.h"

namespace mq::record {
namespace {

constexpr int kKnownBits = kCodecMask | kLogAppendTimeBit | kTransactionalBit | kControlBit | kDeleteHorizonBit;

/// Lengths, format and CRC of the batch as a whole.
Result<BatchView> whole_batch(BytesView bytes, const ValidationRules& rules) {
  auto header = parse_header(bytes);
  if (!header) {
    // What a log may hold one day, a producer may not send today; what is short in a request was cut by its sender.
    const Errc code = header.error().code == Errc::unsupported ? Errc::invalid_record : Errc::corrupt_batch;
    return fail(code, "{}", header.error().message);
  }
  const std::size_t size = header->size_bytes();
  if (bytes.size() < size)
    return fail(Errc::corrupt_batch, "record batch claims {} bytes, {} were sent", size, bytes.size());
  if (bytes.size() > size)
    return fail(Errc::invalid_record, "{} bytes after the record batch; a partition takes exactly one",
                bytes.size() - size);
  if (size > rules.batch_bytes_max) MQ_MARK("record: a batch is larger than its topic takes");
  if (size > rules.batch_bytes_max)
    return fail(Errc::too_large, "record batch of {} bytes, over max.message.bytes of {}", size, rules.batch_bytes_max);
  BatchView batch(*header, bytes);
  if (!crc_ok(batch)) return fail(Errc::corrupt_batch, "record batch's CRC does not match its bytes");
  return batch;
}

Result<void> check_attributes(const BatchHeader& header, const ValidationRules& rules) {
  if ((header.attributes & ~kKnownBits) != 0 || header.has_delete_horizon())
    return fail(Errc::invalid_record, "record batch with attributes {:#x}, of which a producer may not set all",
                static_cast<std::uint16_t>(header.attributes));
  if (!is_known(header.compression()))
    return fail(Errc::unsupported, "record batch with codec {}", static_cast<int>(header.compression()));
  if (header.is_control()) return fail(Errc::invalid_record, "clients may not write control records");
  if (header.is_transactional() && !rules.allow_transactional)
    return fail(Errc::invalid_record, "record batch is part of a transaction, which was not begun");
  if (header.timestamp_type() == TimestampType::log_append_time)
    return fail(Errc::invalid_timestamp, "producers may not set the timestamp type to log-append time");
  return {};
}

Result<void> check_producer(const BatchHeader& header) {
  const std::int64_t id = header.producer_id.value();
  if (id < -1) return fail(Errc::invalid_record, "record batch with producer id {}", id);
  if (id == -1) {
    if (header.is_transactional())
      return fail(Errc::invalid_record, "record batch of a transaction without a producer id");
    return {};
  }
  if (header.producer_epoch.value() < 0)
    return fail(Errc::invalid_record, "record batch of producer {} with epoch {}", id, header.producer_epoch.value());
  if (header.base_sequence.value() < 0)
    return fail(Errc::invalid_record, "record batch of producer {} with sequence {}", id, header.base_sequence.value());
  return {};
}

Result<void> check_counts(const BatchHeader& header) {
  if (header.record_count <= 0) return fail(Errc::invalid_record, "record batch with {} records", header.record_count);
  if (header.last_offset_delta != header.record_count - 1)
    return fail(Errc::invalid_record, "record batch of {} records whose last offset delta is {}", header.record_count,
                header.last_offset_delta);
  return {};
}

struct Record {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  bool has_key = false;
};

/// Walks over one record; each step returns what is wrong, or null.
class RecordWalk {
 public:
  RecordWalk(ByteSource& in, const ValidationRules& rules) : in_(in), rules_(rules) {}

  const char* next(Record& record) {
    std::int32_t length = 0;
    if (!in_.varint(length)) return "the records end before it";
    if (length < 0) return "its length is negative";
    end_ = in_.consumed() + static_cast<std::uint64_t>(length);
    if (!in_.skip(1)) return kEndsEarly;  // attributes of a record: none are defined
    if (!in_.varlong(record.timestamp_delta)) return "its timestamp is no number";
    if (!in_.varint(record.offset_delta)) return "its offset is no number";
    if (const char* problem = skip_nullable(record.has_key)) return problem;
    bool has_value = false;
    if (const char* problem = skip_nullable(has_value)) return problem;
    if (const char* problem = skip_headers()) return problem;
    return in_.consumed() == end_ ? nullptr : "its length does not fit its fields";
  }

 private:
  static constexpr const char* kEndsEarly = "it ends too early";

  const char* skip_bytes(std::int32_t length) {
    const auto bytes = static_cast<std::uint64_t>(length);
    if (in_.consumed() + bytes > end_) return "a length in it goes past its end";
    return in_.skip(bytes) ? nullptr : kEndsEarly;
  }

  const char* skip_nullable(bool& present) {
    std::int32_t length = 0;
    if (!in_.varint(length)) return "a length in it is no number";
    present = length >= 0;
    if (present) return skip_bytes(length);
    return length == -1 ? nullptr : "a length in it is negative";
  }

  const char* skip_headers() {
    std::int32_t count = 0;
    if (!in_.varint(count)) return "its number of headers is no number";
    if (count == 0) return nullptr;
    if (count < 0) return "its number of headers is negative";
    if (count > rules_.headers_max) return "it has more headers than allowed";
    const std::uint64_t from = in_.consumed();
    for (std::int32_t i = 0; i < count; ++i) {
      std::int32_t key_length = 0;
      if (!in_.varint(key_length) || key_length < 0) return "a header has no key";
      if (const char* problem = skip_bytes(key_length)) return problem;
      bool has_value = false;
      if (const char* problem = skip_nullable(has_value)) return problem;
    }
    return in_.consumed() - from <= rules_.header_bytes_max ? nullptr : "its headers are larger than allowed";
  }

  ByteSource& in_;
  const ValidationRules& rules_;
  std::uint64_t end_ = 0;  // of the record, as `ByteSource::consumed` counts
};

/// Which timestamps of producers are taken. -1, "none", always is.
class TimestampWindow {
 public:
  explicit TimestampWindow(const ValidationRules& rules) {
    if (rules.log_append_time) return;
    if (__builtin_sub_overflow(rules.now, rules.timestamp_before_max_ms, &first_)) first_ = kMin;
    if (__builtin_add_overflow(rules.now, rules.timestamp_after_max_ms, &last_)) last_ = kMax;
  }
  [[nodiscard]] bool takes(WallMillis timestamp) const {
    return (timestamp >= first_ && timestamp <= last_) || timestamp == -1;
  }

 private:
  static constexpr auto kMin = std::numeric_limits<WallMillis>::min();
  static constexpr auto kMax = std::numeric_limits<WallMillis>::max();
  WallMillis first_ = kMin;
  WallMillis last_ = kMax;
};

/// A stream that breaks cannot be mended by sending it again, so `corrupt` becomes a record's fault.
std::unexpected<Error> bad_stream(Error error) {
  if (error.code == Errc::corrupt) error.code = Errc::invalid_record;
  return fail(std::move(error));
}

std::unexpected<Error> bad_record(ByteSource& in, std::int32_t index, const char* problem) {
  if (in.stream_error()) return bad_stream(*std::move(in.stream_error()));
  return fail(Errc::invalid_record, "record {}: {}", index, problem);
}

/// The records of a batch that are at fault by themselves.
class Faults {
 public:
  explicit Faults(std::size_t named_max) : named_max_(named_max) {}

  void add_keyless(std::int32_t index) {
    add(index, [] { return std::string("no key, which a compacted topic needs"); });
  }
  void add_untimely(std::int32_t index, WallMillis timestamp, WallMillis now) {
    is_untimely_ = true;
    add(index, [&] { return fmt::format("timestamp {} is out of the topic's range (now is {})", timestamp, now); });
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Refusal refusal() && {
    Refusal refusal(Error{
        .code = is_untimely_ ? Errc::invalid_timestamp : Errc::invalid_record,
        .message = count_ == 1 ? std::move(first_)
                               : fmt::format("{}; {} more records of its batch are at fault", first_, count_ - 1)});
    refusal.records = std::move(named_);
    return refusal;
  }

 private:
  template <class Message>
  void add(std::int32_t index, Message message) {
    if (count_++ == 0) first_ = fmt::format("record {}: {}", index, message());
    if (named_.size() < named_max_) named_.push_back({.index = index, .message = message()});
  }

  std::size_t named_max_;
  std::vector<RecordFault> named_;
  std::string first_;
  std::int32_t count_ = 0;
  bool is_untimely_ = false;
};

std::expected<ValidatedBatch, Refusal> walk_records(ByteSource& in, const BatchHeader& header,
                                                    const ValidationRules& rules) {
  ValidatedBatch result{.header = header};
  Faults faults(rules.faults_named_max);
  const TimestampWindow window(rules);
  RecordWalk walk(in, rules);
  Record record;
  for (std::int32_t index = 0; index < header.record_count; ++index) {
    if (const char* problem = walk.next(record)) return bad_record(in, index, problem);
    if (record.offset_delta != index)
      return fail(Errc::invalid_record, "record {}: its offset delta is {}", index, record.offset_delta);
    WallMillis timestamp = 0;
    if (rules.keys_required && !record.has_key) {
      faults.add_keyless(index);
    } else if (__builtin_add_overflow(header.base_timestamp, record.timestamp_delta, &timestamp) ||
               !window.takes(timestamp)) {
      faults.add_untimely(index, timestamp, rules.now);
    } else if (timestamp > result.max_timestamp) {
      result.max_timestamp = timestamp;
      result.max_timestamp_delta = OffsetDelta{index};
    }
  }
  if (!in.at_end()) return fail(Errc::invalid_record, "bytes after the last of {} records", header.record_count);
  if (in.stream_error()) return bad_stream(*std::move(in.stream_error()));
  if (!faults.empty()) return std::unexpected(std::move(faults).refusal());
  if (rules.log_append_time) {
    result.max_timestamp = rules.now;
    result.max_timestamp_delta = OffsetDelta{0};
  }
  result.raw_bytes = in.consumed();
  return result;
}

}  // namespace

std::expected<ValidatedBatch, Refusal> validate(BytesView one_batch, const ValidationRules& rules, Codecs& codecs) {
  MQ_TRY(const BatchView batch, whole_batch(one_batch, rules));
  const BatchHeader& header = batch.header();
  MQ_CHECK(check_attributes(header, rules));
  MQ_CHECK(check_producer(header));
  MQ_CHECK(check_counts(header));

  if (header.compression() == Codec::none) {
    ByteSource in(batch.records_bytes());
    return walk_records(in, header, rules);
  }
  MQ_MARK("record: a compressed batch is looked at");
  if (auto started = codecs.start(header.compression(), batch.records_bytes(), rules.decompress); !started)
    return bad_stream(std::move(started).error());
  ByteSource in(codecs);
  return walk_records(in, header, rules);
}

}  // namespace mq::record

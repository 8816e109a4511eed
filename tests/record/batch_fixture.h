#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "record/batch.h"
#include "record/batch_builder.h"
#include "record/record.h"

namespace mq::record::testing {

inline constexpr WallMillis kNow = 1'700'000'000'000;
inline constexpr Codec kCodecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

/// A record that owns its bytes.
struct OwnedRecord {
  std::int64_t offset = 0;
  WallMillis timestamp = 0;
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

inline std::optional<std::string> owned(std::optional<BytesView> view) {
  return view ? std::optional<std::string>(*view) : std::nullopt;
}
inline std::optional<BytesView> viewed(const std::optional<std::string>& text) {
  return text ? std::optional<BytesView>(*text) : std::nullopt;
}

inline OwnedRecord own(const RecordView& view) {
  OwnedRecord record{
      .offset = view.offset.value(), .timestamp = view.timestamp, .key = owned(view.key), .value = owned(view.value)};
  for (const HeaderView& header : view.headers)
    record.headers.emplace_back(std::string(header.key), owned(header.value));
  return record;
}

inline Result<std::vector<OwnedRecord>> read_all(BytesView bytes, DecompressLimits limits = {}) {
  MQ_TRY(const BatchView batch, first_batch(bytes));
  RecordReader reader(limits);
  std::vector<OwnedRecord> records;
  MQ_CHECK(for_each_record(reader, batch, [&](const RecordView& record) { records.push_back(own(record)); }));
  return records;
}

inline void add(BatchBuilder& builder, const OwnedRecord& record) {
  std::vector<HeaderView> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, viewed(value)});
  builder.add(record.timestamp, viewed(record.key), viewed(record.value), headers);
}

inline std::vector<OwnedRecord> sample_records() {
  return {{.offset = 0, .timestamp = kNow, .key = "k0", .value = "v0", .headers = {}},
          {.offset = 1,
           .timestamp = kNow + 7,
           .key = std::nullopt,
           .value = std::string(300, 'x'),
           .headers = {{"h", "1"}, {"h", std::nullopt}}},
          {.offset = 2, .timestamp = kNow - 5, .key = "k2", .value = std::nullopt, .headers = {{"", ""}}}};
}

inline std::string make_batch(const std::vector<OwnedRecord>& records, Codec codec = Codec::none,
                              const BatchBuilder::Stamp& stamp = {}) {
  BatchBuilder builder({.codec = codec});
  for (const OwnedRecord& record : records) add(builder, record);
  return builder.finish(stamp).value();
}

/// Where the fields of a batch stand.
namespace at {
inline constexpr std::size_t kLength = 8, kMagic = 16, kCrc = 17, kAttributes = 21, kLastOffsetDelta = 23,
                             kBaseTimestamp = 27, kMaxTimestamp = 35, kProducerId = 43, kEpoch = 51, kSequence = 53,
                             kCount = 57, kRecords = 61;
}

inline void seal(std::string& batch) {
  store_be(batch.data() + at::kCrc, crc32c(BytesView(batch).substr(at::kAttributes)));
}

/// The batch with one field changed and the CRC right again.
template <class T>
std::string with(std::string batch, std::size_t where, T value) {
  store_be(batch.data() + where, value);
  seal(batch);
  return batch;
}

/// A batch of one codec whose records part is `payload`, right in everything else.
inline std::string with_payload(BytesView payload, Codec codec, std::int32_t count) {
  std::string batch = make_batch({{.timestamp = kNow, .value = "v"}});
  batch.resize(at::kRecords);
  batch.append(payload);
  store_be(batch.data() + at::kLength, static_cast<std::int32_t>(batch.size() - 12));
  store_be(batch.data() + at::kAttributes, static_cast<std::int16_t>(codec));
  store_be(batch.data() + at::kLastOffsetDelta, count - 1);
  return with(std::move(batch), at::kCount, count);
}

}  // namespace mq::record::testing

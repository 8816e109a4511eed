// Any bytes as a record batch, as the records inside one, and as compressed data. The first byte chooses: its low bits
// the codec, its high ones as what the rest is taken.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "record/batch_fixture.h"
#include "record/validate.h"

namespace mq::record {
namespace {

constexpr std::size_t kBytesMax = std::size_t{4} << 20;

/// What is accepted from a producer can be read, as exactly the records that its header tells of.
void produce(BytesView batch) {
  Codecs codecs;
  const ValidationRules rules{.decompress = {.bytes_max = kBytesMax}, .now = testing::kNow};
  const auto validated = validate(batch, rules, codecs);
  const auto records = testing::read_all(batch, rules.decompress);
  if (!validated) return;
  MQ_ASSERT(records.has_value());
  MQ_ASSERT(records->size() == static_cast<std::size_t>(validated->header.record_count));
  for (std::size_t i = 0; i < records->size(); ++i) {
    const Offset offset = validated->header.base_offset + OffsetDelta{static_cast<std::int64_t>(i)};
    MQ_ASSERT((*records)[i].offset == offset.value());
    MQ_ASSERT(std::max((*records)[i].timestamp, WallMillis{-1}) <= validated->max_timestamp);
  }
}

/// A whole batch with its length and CRC right, else nearly nothing would get past them.
void produce_as_batch(std::string batch) {
  using namespace testing;
  if (batch.size() < kBatchHeaderBytes) return;
  store_be(batch.data() + at::kLength, static_cast<std::int32_t>(batch.size() - kBatchLengthStart));
  store_be(batch.data() + at::kMagic, kMagic);
  seal(batch);
  produce(batch);
}

/// A consumer walks over what a broker sends: the bytes end anywhere, and any number of batches may stand in them.
void consume(BytesView bytes) {
  BatchReader batches(bytes);
  RecordReader records({.bytes_max = kBytesMax});
  while (true) {
    const auto batch = batches.next();
    if (!batch || !*batch) return;
    static_cast<void>((*batch)->header().next_offset());
    static_cast<void>((*batch)->header().last_sequence());
    static_cast<void>(crc_ok(**batch));
    static_cast<void>(for_each_record(records, **batch, [](const RecordView& record) {
      for (const HeaderView& header : record.headers) static_cast<void>(header.key.size());
    }));
  }
}

void expand(Codec codec, BytesView compressed) {
  const DecompressLimits limits{.bytes_max = kBytesMax};
  std::string raw;
  Codecs codecs;
  const auto expanded = codecs.decompress(codec, compressed, limits, raw);
  MQ_ASSERT(raw.size() <= limits.output_max(compressed.size()) || codec == Codec::none);
  if (!expanded || !is_known(codec)) return;
  std::string packed;
  std::string again;
  MQ_ASSERT(codecs.compress(codec, kLevelDefault, raw, packed).has_value());
  MQ_ASSERT(codecs.decompress(codec, packed, {.bytes_max = kBytesMax, .ratio_max = kBytesMax}, again).has_value());
  MQ_ASSERT(again == raw);
}

}  // namespace
}  // namespace mq::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mq::record;
  if (size == 0) return 0;
  const mq::BytesView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto codec = static_cast<Codec>(data[0] & kCodecMask);
  const int count = 1 + (data[0] >> 5);
  switch (data[0] >> 3 & 3) {
    case 0:
      produce_as_batch(std::string(rest));
      break;
    case 1:
      if (codec == Codec::none || !is_known(codec)) {
        produce(testing::with_payload(rest, codec, count));
      } else {
        // Packed here: a mutation of compressed bytes rarely is anything but noise.
        std::string packed;
        Codecs codecs;
        MQ_ASSERT(codecs.compress(codec, kLevelDefault, rest, packed).has_value());
        produce(testing::with_payload(packed, codec, count));
      }
      break;
    case 2:
      expand(codec, rest);
      break;
    default:
      consume(rest);
  }
  return 0;
}

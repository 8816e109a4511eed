#include "record/validate.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "batch_fixture.h"

namespace mq::record {
namespace {

using namespace testing;

constexpr auto kInt32Max = std::numeric_limits<std::int32_t>::max();
constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();

ValidationRules rules() { return {.now = kNow}; }

std::expected<ValidatedBatch, Refusal> check(BytesView bytes, const ValidationRules& with_rules = rules()) {
  Codecs codecs;
  return validate(bytes, with_rules, codecs);
}

Errc refusal(BytesView bytes, const ValidationRules& with_rules = rules()) {
  const auto result = check(bytes, with_rules);
  EXPECT_FALSE(result) << "was accepted";
  return result ? Errc::internal : result.error().code;
}

std::string good() { return make_batch(sample_records()); }

std::string idempotent() {
  return make_batch(sample_records(), Codec::none,
                    {.producer_id = ProducerId{4}, .producer_epoch = ProducerEpoch{0}, .base_sequence = Sequence{0}});
}

/// Records as bytes, field by field, so that each can lie.
class RawRecord {
 public:
  RawRecord& field(std::int64_t value) {
    Writer(body_).varlong(value);
    return *this;
  }
  RawRecord& text(BytesView value) {
    body_.append(value);
    return *this;
  }
  /// With the length that it has, or with `claimed`.
  [[nodiscard]] std::string bytes(std::optional<std::int64_t> claimed = std::nullopt) const {
    std::string out;
    Writer(out).varlong(claimed.value_or(static_cast<std::int64_t>(body_.size())));
    return out + body_;
  }

 private:
  std::string body_{'\0'};  // attributes
};

/// Attributes, timestamp and offset of a first record.
RawRecord head() { return RawRecord().field(0).field(0); }

std::string batch_of(const std::string& records, std::int32_t count = 1) {
  return with_payload(records, Codec::none, count);
}

TEST(Validate, AcceptsEveryCodecAndFindsTheLargestTimestamp) {
  for (Codec codec : kCodecs) {
    const auto result = check(make_batch(sample_records(), codec));
    ASSERT_TRUE(result) << name_of(codec) << result.error().message;
    EXPECT_EQ(result->header.record_count, 3);
    EXPECT_EQ(result->max_timestamp, kNow + 7);
    EXPECT_EQ(result->max_timestamp_delta, OffsetDelta{1});
    EXPECT_EQ(result->raw_bytes, good().size() - kBatchHeaderBytes);
  }
}

TEST(Validate, LogAppendTimeIsNowAndFirst) {
  ValidationRules log_append = rules();
  log_append.log_append_time = true;
  log_append.now = kNow + 99;
  log_append.timestamp_before_max_ms = 1;
  const auto result = check(good(), log_append);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->max_timestamp, kNow + 99);
  EXPECT_EQ(result->max_timestamp_delta, OffsetDelta{0});
}

TEST(Validate, TellsTheRealLargestTimestampWhenTheHeaderLies) {
  EXPECT_EQ(check(with(good(), at::kMaxTimestamp, kNow + 1'000'000))->max_timestamp, kNow + 7);
}

TEST(ValidateLengths, TruncatedOrTooLongIsRefused) {
  const std::string bytes = good();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_EQ(refusal(BytesView(bytes).substr(0, cut)), Errc::corrupt_batch);
  EXPECT_EQ(refusal(bytes + "x"), Errc::invalid_record);
  EXPECT_EQ(refusal(bytes + bytes), Errc::invalid_record);
}

TEST(ValidateLengths, LyingBatchLengthIsRefused) {
  for (std::int32_t length : {-1, 0, 48, kInt32Max})
    EXPECT_EQ(refusal(with(good(), at::kLength, length)), Errc::corrupt_batch);
  EXPECT_EQ(refusal(with(good(), at::kLength, 49)), Errc::invalid_record);
}

TEST(ValidateLengths, OverMaxMessageBytesIsTooLarge) {
  ValidationRules tight = rules();
  tight.batch_bytes_max = good().size();
  EXPECT_TRUE(check(good(), tight));
  --tight.batch_bytes_max;
  EXPECT_EQ(refusal(good(), tight), Errc::too_large);
}

TEST(ValidateHeader, WrongCrcIsCorrupt) {
  std::string bytes = good();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_EQ(refusal(bytes), Errc::corrupt_batch);
}

TEST(ValidateHeader, OtherMagicIsRefused) {
  for (int magic : {0, 1, 3, -1})
    EXPECT_EQ(refusal(with(good(), at::kMagic, static_cast<std::int8_t>(magic))), Errc::invalid_record);
}

TEST(ValidateHeader, ReservedAttributeBitsAreRefused) {
  for (int bit = 6; bit < 16; ++bit)
    EXPECT_EQ(refusal(with(good(), at::kAttributes, static_cast<std::int16_t>(1 << bit))), Errc::invalid_record) << bit;
}

TEST(ValidateHeader, UnknownCodecIsUnsupported) {
  for (int codec : {5, 6, 7})
    EXPECT_EQ(refusal(with(good(), at::kAttributes, static_cast<std::int16_t>(codec))), Errc::unsupported);
}

TEST(ValidateHeader, ControlBatchFromAClientIsRefused) {
  EXPECT_EQ(refusal(with(idempotent(), at::kAttributes, kControlBit)), Errc::invalid_record);
  ValidationRules open = rules();
  open.allow_transactional = true;
  EXPECT_EQ(
      refusal(with(idempotent(), at::kAttributes, static_cast<std::int16_t>(kControlBit | kTransactionalBit)), open),
      Errc::invalid_record);
}

TEST(ValidateHeader, TransactionalNeedsPermissionAndAProducer) {
  ValidationRules open = rules();
  open.allow_transactional = true;
  const std::string bytes = with(idempotent(), at::kAttributes, kTransactionalBit);
  EXPECT_EQ(refusal(bytes), Errc::invalid_record);
  EXPECT_TRUE(check(bytes, open));
  EXPECT_EQ(refusal(with(good(), at::kAttributes, kTransactionalBit), open), Errc::invalid_record);
}

TEST(ValidateHeader, LogAppendTimeFromAProducerIsRefused) {
  EXPECT_EQ(refusal(with(good(), at::kAttributes, kLogAppendTimeBit)), Errc::invalid_timestamp);
}

TEST(ValidateProducer, IdNeedsEpochAndSequence) {
  EXPECT_TRUE(check(idempotent()));
  EXPECT_EQ(refusal(with(idempotent(), at::kEpoch, std::int16_t{-1})), Errc::invalid_record);
  EXPECT_EQ(refusal(with(idempotent(), at::kSequence, -1)), Errc::invalid_record);
  EXPECT_EQ(refusal(with(idempotent(), at::kSequence, std::numeric_limits<std::int32_t>::min())), Errc::invalid_record);
  EXPECT_EQ(refusal(with(good(), at::kProducerId, std::int64_t{-2})), Errc::invalid_record);
  EXPECT_TRUE(check(with(idempotent(), at::kSequence, kInt32Max)));
}

TEST(ValidateProducer, WithoutIdEpochAndSequenceDoNotMatter) {
  // Some clients leave both at zero.
  EXPECT_TRUE(check(with(with(good(), at::kEpoch, std::int16_t{0}), at::kSequence, 0)));
}

TEST(ValidateCounts, RecordCountMustBeTheNumberOfRecords) {
  for (std::int32_t count : {-1, 0, 2, 4, kInt32Max})
    EXPECT_EQ(refusal(with(good(), at::kCount, count)), Errc::invalid_record) << count;
  for (Codec codec : kCodecs) {
    for (std::int32_t count : {1, 2, 4, 1000, kInt32Max}) {
      const std::string bytes = make_batch(sample_records(), codec);
      EXPECT_EQ(refusal(with(with(bytes, at::kCount, count), at::kLastOffsetDelta, count - 1)), Errc::invalid_record)
          << name_of(codec) << count;
    }
  }
}

TEST(ValidateCounts, LastOffsetDeltaMustFitTheCount) {
  for (std::int32_t delta : {-1, 0, 1, 3, kInt32Max})
    EXPECT_EQ(refusal(with(good(), at::kLastOffsetDelta, delta)), Errc::invalid_record);
}

TEST(ValidateCounts, OffsetsMustCountFromZero) {
  const auto record = [](std::int64_t delta) {
    return RawRecord().field(0).field(delta).field(-1).field(-1).field(0).bytes();
  };
  EXPECT_TRUE(check(batch_of(record(0) + record(1), 2)));
  for (std::int64_t delta : {std::int64_t{0}, std::int64_t{2}, std::int64_t{-1}, std::int64_t{kInt32Max}})
    EXPECT_EQ(refusal(batch_of(record(0) + record(delta), 2)), Errc::invalid_record);
  EXPECT_EQ(refusal(batch_of(record(1) + record(0), 2)), Errc::invalid_record);
  EXPECT_NE(check(batch_of(record(0) + record(5), 2)).error().message.find("record 1"), std::string::npos);
}

TEST(ValidateRecord, LengthsThatLieAreRefused) {
  const RawRecord plain = head().field(1).text("k").field(1).text("v").field(0);
  EXPECT_TRUE(check(batch_of(plain.bytes())));
  for (std::int64_t length :
       {std::int64_t{-1}, std::int64_t{0}, std::int64_t{5}, std::int64_t{7}, std::int64_t{9}, std::int64_t{kInt32Max}})
    EXPECT_EQ(refusal(batch_of(plain.bytes(length))), Errc::invalid_record) << length;
  for (std::int64_t length : {std::int64_t{-2}, std::int64_t{0}, std::int64_t{2}, std::int64_t{100},
                              std::int64_t{kInt32Max}, std::int64_t{-kInt32Max}}) {
    EXPECT_EQ(refusal(batch_of(head().field(length).text("k").field(1).text("v").field(0).bytes())),
              Errc::invalid_record)
        << length;
    EXPECT_EQ(refusal(batch_of(head().field(1).text("k").field(length).text("v").field(0).bytes())),
              Errc::invalid_record)
        << length;
  }
}

TEST(ValidateRecord, VarintsThatAreTooLongAreRefused) {
  EXPECT_EQ(refusal(batch_of("\xff\xff\xff\xff\xff\xff\x01")), Errc::invalid_record);
  EXPECT_EQ(refusal(batch_of(RawRecord().text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").bytes())),
            Errc::invalid_record);
  EXPECT_EQ(refusal(batch_of("")), Errc::invalid_record);
  EXPECT_EQ(refusal(batch_of("\x80")), Errc::invalid_record);
}

TEST(ValidateRecord, BytesAfterTheLastRecordAreRefused) {
  EXPECT_EQ(refusal(batch_of(head().field(-1).field(-1).field(0).bytes() + "x")), Errc::invalid_record);
  Codecs codecs;
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    std::string packed;
    ASSERT_TRUE(codecs.compress(codec, kLevelDefault, head().field(-1).field(-1).field(0).bytes() + "x", packed));
    EXPECT_EQ(refusal(with_payload(packed, codec, 1)), Errc::invalid_record);
  }
}

TEST(ValidateRecord, HeaderCountsAndLengthsThatLieAreRefused) {
  const auto with_headers = [](std::int64_t count, const std::string& rest) {
    return batch_of(head().field(-1).field(-1).field(count).text(rest).bytes());
  };
  const std::string one{"\x02h\x02v", 4};
  EXPECT_TRUE(check(with_headers(1, one)));
  for (std::int64_t count : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{2}, std::int64_t{kInt32Max}})
    EXPECT_EQ(refusal(with_headers(count, one)), Errc::invalid_record) << count;
  EXPECT_EQ(refusal(with_headers(1, std::string{"\x01\x02v", 3})), Errc::invalid_record);   // null key
  EXPECT_EQ(refusal(with_headers(1, std::string{"\x7eh\x02v", 4})), Errc::invalid_record);  // key past the end
  EXPECT_EQ(refusal(with_headers(1, std::string{"\x02h\x03v", 4})), Errc::invalid_record);  // value length -2
  EXPECT_TRUE(check(with_headers(1, std::string{"\x02h\x01", 3})));                         // null value
}

TEST(ValidateRecord, HeadersAreBounded) {
  OwnedRecord record{.timestamp = kNow, .value = "v"};
  for (int i = 0; i < 1000; ++i) record.headers.emplace_back("h", "v");
  EXPECT_TRUE(check(make_batch({record})));
  record.headers.emplace_back("h", "v");
  EXPECT_EQ(refusal(make_batch({record})), Errc::invalid_record);
  OwnedRecord large{.timestamp = kNow, .headers = {{"h", std::string(1 << 20, 'v')}}};
  EXPECT_EQ(refusal(make_batch({large}, Codec::lz4)), Errc::invalid_record);
}

TEST(ValidateRecord, CompactedTopicNeedsKeys) {
  ValidationRules compacted = rules();
  compacted.keys_required = true;
  const auto result = check(good(), compacted);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid_record);
  EXPECT_NE(result.error().message.find("record 1"), std::string::npos);
  EXPECT_TRUE(
      check(make_batch({{.timestamp = kNow, .key = "k"}, {.offset = 1, .timestamp = kNow, .key = ""}}), compacted));
}

std::vector<std::int32_t> indexes_of(const Refusal& refusal) {
  std::vector<std::int32_t> indexes;
  for (const RecordFault& fault : refusal.records) indexes.push_back(fault.index);
  return indexes;
}

/// Every other record has no key; every third is from long ago.
std::string faulty_batch(std::int32_t records, Codec codec = Codec::none) {
  std::vector<OwnedRecord> all;
  for (std::int32_t i = 0; i < records; ++i) {
    all.push_back({.offset = i, .timestamp = i % 3 == 0 ? kNow - 5000 : kNow, .value = "v"});
    if (i % 2 == 0) all.back().key = "k";
  }
  return make_batch(all, codec);
}

ValidationRules keyed_and_recent() {
  ValidationRules strict = rules();
  strict.keys_required = true;
  strict.timestamp_before_max_ms = 1000;
  return strict;
}

TEST(ValidateRecord, EveryRecordAtFaultIsNamedWithWhatIsWrongWithIt) {
  for (const Codec codec : {Codec::none, Codec::zstd}) {
    const auto result = check(faulty_batch(8, codec), keyed_and_recent());
    ASSERT_FALSE(result);
    EXPECT_EQ(indexes_of(result.error()), (std::vector<std::int32_t>{0, 1, 3, 5, 6, 7}));
    EXPECT_TRUE(result.error().records[0].message.starts_with("timestamp ")) << result.error().records[0].message;
    // Of two faults the first that Kafka looks for.
    EXPECT_TRUE(result.error().records[2].message.starts_with("no key")) << result.error().records[2].message;
    EXPECT_EQ(result.error().code, Errc::invalid_timestamp);
    EXPECT_TRUE(result.error().message.ends_with("; 5 more records of its batch are at fault"))
        << result.error().message;
  }
}

TEST(ValidateRecord, NamesOfFaultyRecordsAreBoundedAndTheCodeCountsAllOfThem) {
  ValidationRules strict = keyed_and_recent();
  strict.faults_named_max = 2;
  const std::string batch = make_batch(
      {{.timestamp = kNow}, {.offset = 1, .timestamp = kNow}, {.offset = 2, .timestamp = kNow - 5000, .key = "k"}});
  auto result = check(batch, strict);
  ASSERT_FALSE(result);
  EXPECT_EQ(indexes_of(result.error()), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(result.error().code, Errc::invalid_timestamp);
  strict.faults_named_max = 0;
  result = check(batch, strict);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().records.empty());
  EXPECT_TRUE(result.error().message.starts_with("record 0: no key")) << result.error().message;
}

TEST(ValidateRecord, ABatchThatIsWrongAsAWholeNamesNoRecord) {
  const std::string batch_of_four = faulty_batch(4);
  const std::string longer = batch_of_four.substr(at::kRecords) + "behind";
  for (const std::string& batch :
       {with(batch_of_four, at::kCount, std::int32_t{3}), with_payload(longer, Codec::none, 4)}) {
    const auto result = check(batch, keyed_and_recent());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid_record);
    EXPECT_TRUE(result.error().records.empty()) << result.error().message;
  }
}

TEST(ValidateTimestamp, RangeIsAroundNow) {
  ValidationRules window = rules();
  window.timestamp_before_max_ms = 1000;
  window.timestamp_after_max_ms = 500;
  const auto at_time = [](WallMillis t) { return make_batch({{.timestamp = t, .value = "v"}}); };
  EXPECT_TRUE(check(at_time(kNow - 1000), window));
  EXPECT_EQ(refusal(at_time(kNow - 1001), window), Errc::invalid_timestamp);
  EXPECT_TRUE(check(at_time(kNow + 500), window));
  EXPECT_EQ(refusal(at_time(kNow + 501), window), Errc::invalid_timestamp);
  EXPECT_TRUE(check(at_time(-1), window));
}

TEST(ValidateTimestamp, ExtremesDoNotOverflow) {
  for (WallMillis t : {kInt64Max, kNow - kInt64Max, WallMillis{0}, WallMillis{-2}})
    EXPECT_TRUE(check(make_batch({{.timestamp = t, .value = "v"}})));
  EXPECT_EQ(refusal(make_batch({{.timestamp = kInt64Min, .value = "v"}})), Errc::invalid_timestamp);
  ValidationRules window = rules();
  window.timestamp_after_max_ms = 3'600'000;
  EXPECT_EQ(refusal(make_batch({{.timestamp = kInt64Max, .value = "v"}}), window), Errc::invalid_timestamp);
  EXPECT_EQ(refusal(with(make_batch({{.timestamp = 0}, {.offset = 1, .timestamp = 5}}), at::kBaseTimestamp, kInt64Max)),
            Errc::invalid_timestamp);
}

std::string stream_of(Codec codec) { return make_batch(sample_records(), codec).substr(at::kRecords); }

// Readers differ in what they do with such bytes: Java's pass over some of them, others end with an error.
TEST(ValidateCompressed, BytesBehindTheStreamAreRefusedWhateverTheyAre) {
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const std::string stream = stream_of(codec);
    EXPECT_TRUE(check(with_payload(stream, codec, 3))) << name_of(codec);
    for (const std::string& behind :
         {std::string(1, '\0'), std::string(8, '\0'), std::string("text"), stream, stream.substr(0, stream.size() - 1)})
      EXPECT_EQ(refusal(with_payload(stream + behind, codec, 3)), Errc::invalid_record)
          << name_of(codec) << ", " << behind.size() << " bytes";
  }
}

TEST(ValidateCompressed, BrokenStreamIsARecordsFault) {
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    EXPECT_EQ(refusal(with_payload("no codec wrote this, whichever it was", codec, 1)), Errc::invalid_record)
        << name_of(codec);
    EXPECT_EQ(refusal(with_payload("", codec, 1)), Errc::invalid_record) << name_of(codec);
  }
}

TEST(ValidateCompressed, CutStreamIsRefused) {
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const std::string packed = make_batch(sample_records(), codec).substr(kBatchHeaderBytes);
    EXPECT_EQ(refusal(with_payload(packed.substr(0, packed.size() - 1), codec, 3)), Errc::invalid_record)
        << name_of(codec);
  }
}

TEST(ValidateCompressed, BombIsTooLargeAndNeverMade) {
  Codecs codecs;
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    std::string packed;
    // One record whose value is 80 MiB of zeros, over 64 times max.message.bytes.
    const std::string start = head().field(-1).field(80 << 20).bytes((80 << 20) + 10);
    ASSERT_TRUE(codecs.compress(codec, kLevelDefault, start + std::string(80 << 20, '\0'), packed));
    ValidationRules large = rules();
    large.batch_bytes_max = packed.size() + 1000;
    EXPECT_EQ(refusal(with_payload(packed, codec, 1), large), Errc::too_large) << name_of(codec);
  }
}

TEST(ValidateCompressed, ManyTinyRecordsStreamThrough) {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 50'000; ++i)
    records.push_back({.offset = i, .timestamp = kNow + i % 1000, .key = "k", .value = std::to_string(i)});
  for (Codec codec : kCodecs) {
    const auto result = check(make_batch(records, codec));
    ASSERT_TRUE(result) << name_of(codec) << result.error().message;
    EXPECT_EQ(result->max_timestamp_delta, OffsetDelta{999});
  }
}

/// Whatever is flipped: no crash, no sanitizer finding, and what passes can be read.
TEST(ValidateMutations, NeverCrashAndWhatPassesCanBeRead) {
  std::mt19937_64 random(20240611);
  Codecs codecs;
  int accepted = 0;
  for (int round = 0; round < 15'000; ++round) {
    std::string bytes = make_batch(sample_records(), kCodecs[random() % 5]);
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      const std::size_t place = random() % 3 == 0 ? 12 + random() % 49 : random() % bytes.size();
      bytes[place] = static_cast<char>(random() % 2 ? random() : bytes[place] ^ (1 << random() % 8));
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    if (bytes.size() > 61 && random() % 2 == 0)
      store_be(bytes.data() + at::kLength, static_cast<std::int32_t>(bytes.size() - 12));
    if (bytes.size() > 61) seal(bytes);
    const auto result = validate(bytes, rules(), codecs);
    const auto records = read_all(bytes);
    if (!result) continue;
    ++accepted;
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_EQ(records->size(), static_cast<std::size_t>(result->header.record_count));
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace mq::record

#include "record/batch_builder.h"

#include <gtest/gtest.h>

#include <random>

#include "batch_fixture.h"
#include "record/validate.h"

namespace mq::record {
namespace {

using namespace testing;

class EveryCodec : public ::testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Builder, EveryCodec, ::testing::ValuesIn(kCodecs),
                         [](const auto& codec) { return std::string(name_of(codec.param)); });

TEST_P(EveryCodec, RecordsComeBackAsTheyWereAdded) {
  EXPECT_EQ(read_all(make_batch(sample_records(), GetParam())).value(), sample_records());
}

std::string random_text(std::mt19937_64& random, std::size_t bytes_max) {
  std::string text(random() % (bytes_max + 1), '\0');
  const bool dull = random() % 2 == 0;
  for (char& c : text) c = dull ? 'd' : static_cast<char>(random());
  return text;
}

TEST_P(EveryCodec, AnyRecordsComeBackAndAreValid) {
  std::mt19937_64 random(17);
  BatchBuilder builder({.codec = GetParam()});
  Codecs codecs;
  for (int round = 0; round < 40; ++round) {
    std::vector<OwnedRecord> records;
    const auto count = static_cast<std::int64_t>(1 + random() % 50);
    for (std::int64_t i = 0; i < count; ++i) {
      OwnedRecord record{.offset = i, .timestamp = static_cast<WallMillis>(random() >> (1 + random() % 60))};
      if (random() % 3 != 0) record.key = random_text(random, 40);
      if (random() % 5 != 0) record.value = random_text(random, round % 10 == 0 ? 100'000 : 200);
      for (auto left = random() % 4; left > 0; --left)
        record.headers.emplace_back(random_text(random, 10),
                                    random() % 2 ? std::optional(random_text(random, 90)) : std::nullopt);
      add(builder, record);
      records.push_back(std::move(record));
    }
    const std::string bytes = builder.finish().value();
    ASSERT_EQ(read_all(bytes).value(), records);
    const auto valid = validate(bytes, {.batch_bytes_max = bytes.size(), .headers_max = 5}, codecs);
    ASSERT_TRUE(valid) << valid.error().message;
    EXPECT_EQ(valid->max_timestamp, valid->header.max_timestamp);
    EXPECT_EQ(records[static_cast<std::size_t>(valid->max_timestamp_delta.value())].timestamp, valid->max_timestamp);
  }
}

TEST(BatchBuilder, SizeIsThatOfTheUncompressedBatch) {
  BatchBuilder builder;
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  for (const OwnedRecord& record : sample_records()) {
    const std::size_t before = builder.size_bytes();
    add(builder, record);
    std::vector<HeaderView> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, viewed(value)});
    EXPECT_LE(builder.size_bytes() - before,
              BatchBuilder::record_bytes_max(viewed(record.key), viewed(record.value), headers));
  }
  const std::size_t size = builder.size_bytes();
  EXPECT_EQ(builder.finish()->size(), size);
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
}

TEST(BatchBuilder, CompactedCopyKeepsOffsetsGapsAndTheEnd) {
  const std::string source = make_batch(sample_records(), Codec::gzip, {.base_offset = Offset{50}});
  const BatchView batch = first_batch(source).value();
  RecordReader reader;
  BatchBuilder builder({.codec = Codec::gzip, .base_timestamp = batch.header().base_timestamp});
  ASSERT_TRUE(for_each_record(reader, batch, [&](const RecordView& record) {
    if (record.offset == Offset{51}) builder.add_at(1, record);
  }));
  const std::string copy = builder.finish({.base_offset = Offset{50}, .last_offset_delta = 2}).value();
  EXPECT_EQ(first_batch(copy)->header().next_offset(), Offset{53});
  const auto records = read_all(copy).value();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].offset, 51);
  EXPECT_EQ(records[0].timestamp, kNow + 7);
  EXPECT_EQ(records[0].headers, sample_records()[1].headers);
}

TEST(BatchBuilder, BatchWithoutRecordsKeepsItsProducer) {
  BatchBuilder builder({.codec = Codec::zstd});
  const std::string bytes = builder
                                .finish({.base_offset = Offset{5},
                                         .producer_id = ProducerId{1},
                                         .producer_epoch = ProducerEpoch{0},
                                         .base_sequence = Sequence{7},
                                         .last_offset_delta = 4,
                                         .max_timestamp = kNow})
                                .value();
  const BatchView batch = first_batch(bytes).value();
  EXPECT_TRUE(crc_ok(batch));
  EXPECT_EQ(batch.header().last_offset(), Offset{9});
  EXPECT_EQ(batch.header().last_sequence(), Sequence{11});
  EXPECT_EQ(batch.header().max_timestamp, kNow);
  EXPECT_TRUE(read_all(bytes)->empty());
}

TEST(BatchBuilder, DeleteHorizonTakesTheBaseTimestampsPlace) {
  BatchBuilder builder({.base_timestamp = kNow + 1000});
  builder.add(kNow, "k", std::nullopt);
  const std::string bytes = builder.finish({.delete_horizon = true}).value();
  const BatchView batch = first_batch(bytes).value();
  EXPECT_TRUE(batch.header().has_delete_horizon());
  EXPECT_EQ(batch.header().base_timestamp, kNow + 1000);
  EXPECT_EQ(read_all(bytes)->at(0).timestamp, kNow);
}

TEST(BatchBuilder, LevelThatTheCodecDoesNotHaveIsRefused) {
  BatchBuilder builder({.codec = Codec::gzip, .level = 10});
  builder.add(0, "k", "v");
  EXPECT_EQ(builder.finish().error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace mq::record

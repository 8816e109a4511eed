#include "record/batch.h"

#include <gtest/gtest.h>

#include <limits>

#include "batch_fixture.h"

namespace mq::record {
namespace {

using namespace testing;

TEST(BatchHeader, HasWhatTheBuilderStamped) {
  const std::string bytes = make_batch(sample_records(), Codec::zstd,
                                       {.base_offset = Offset{100},
                                        .leader_epoch = LeaderEpoch{3},
                                        .producer_id = ProducerId{9},
                                        .producer_epoch = ProducerEpoch{2},
                                        .base_sequence = Sequence{40},
                                        .transactional = true});
  const BatchHeader header = parse_header(bytes).value();
  EXPECT_EQ(header.base_offset, Offset{100});
  EXPECT_EQ(header.last_offset(), Offset{102});
  EXPECT_EQ(header.next_offset(), Offset{103});
  EXPECT_EQ(header.size_bytes(), bytes.size());
  EXPECT_EQ(header.leader_epoch, LeaderEpoch{3});
  EXPECT_EQ(header.compression(), Codec::zstd);
  EXPECT_EQ(header.timestamp_type(), TimestampType::create_time);
  EXPECT_TRUE(header.is_transactional());
  EXPECT_FALSE(header.is_control());
  EXPECT_FALSE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, kNow);
  EXPECT_EQ(header.max_timestamp, kNow + 7);
  EXPECT_EQ(header.producer_id, ProducerId{9});
  EXPECT_EQ(header.producer_epoch, ProducerEpoch{2});
  EXPECT_EQ(header.base_sequence, Sequence{40});
  EXPECT_EQ(header.last_sequence(), Sequence{42});
  EXPECT_EQ(header.record_count, 3);
}

TEST(BatchHeader, SequenceGoesOnAtZeroAfterTheLargest) {
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(advance(Sequence{kMax}, 0), Sequence{kMax});
  EXPECT_EQ(advance(Sequence{kMax}, 1), Sequence{0});
  EXPECT_EQ(advance(Sequence{kMax - 1}, 4), Sequence{2});
  EXPECT_EQ(advance(Sequence{kMax}, kMax), Sequence{kMax - 1});
  EXPECT_EQ((BatchHeader{.last_offset_delta = 5, .base_sequence = Sequence{-1}}.last_sequence()), Sequence{-1});
}

TEST(ParseHeader, RefusesOtherFormatsAndImpossibleLengths) {
  const std::string good = make_batch(sample_records());
  EXPECT_EQ(parse_header(BytesView(good).substr(0, 60)).error().code, Errc::corrupt);
  EXPECT_TRUE(parse_header(BytesView(good).substr(0, 61)));
  for (int magic : {0, 1, 3, -1})
    EXPECT_EQ(parse_header(with(good, at::kMagic, static_cast<std::int8_t>(magic))).error().code, Errc::unsupported);
  for (int length : {0, 48, -1, std::numeric_limits<std::int32_t>::min()})
    EXPECT_EQ(parse_header(with(good, at::kLength, length)).error().code, Errc::corrupt_batch);
  EXPECT_EQ(parse_header(with(good, 0, std::numeric_limits<std::int64_t>::max())).error().code, Errc::corrupt_batch);
}

TEST(ParseHeader, OffsetsOfAHeaderNeverOverflow) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t base : {kMin, kMin + 1, kMin / 2, std::int64_t{-1}, kMax / 2, kMax - 1, kMax}) {
    for (const std::int32_t delta :
         {std::numeric_limits<std::int32_t>::min(), -1, std::numeric_limits<std::int32_t>::max()}) {
      std::string bytes = with(make_batch(sample_records()), at::kLastOffsetDelta, delta);
      store_be(bytes.data(), base);
      if (const auto header = parse_header(bytes)) EXPECT_EQ(header->next_offset().value(), base + delta + 1);
    }
  }
}

TEST(BatchReader, GivesEveryBatchAndLeavesACutTail) {
  const std::string one = make_batch(sample_records());
  const std::string two = make_batch(sample_records(), Codec::lz4, {.base_offset = Offset{3}});
  for (std::size_t cut = 0; cut <= two.size(); ++cut) {
    const std::string bytes = one + two.substr(0, cut);
    BatchReader reader(bytes);
    auto first = reader.next();
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->bytes(), one);
    auto second = reader.next();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->has_value(), cut == two.size());
    EXPECT_EQ(reader.rest().size(), cut == two.size() ? 0 : cut);
    EXPECT_EQ(first_batch(two.substr(0, cut)).has_value(), cut == two.size());
  }
}

TEST(BatchReader, StaysAtABatchThatItCannotRead) {
  const std::string bytes =
      make_batch(sample_records()) + with(make_batch(sample_records()), at::kMagic, std::int8_t{1});
  BatchReader reader(bytes);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.next().error().code, Errc::unsupported);
  EXPECT_EQ(reader.next().error().code, Errc::unsupported);
}

TEST(BatchSetters, OffsetAndEpochLeaveTheCrcAlone) {
  std::string bytes = make_batch(sample_records());
  set_base_offset(bytes.data(), Offset{1'000'000'007});
  set_leader_epoch(bytes.data(), LeaderEpoch{12});
  const BatchView batch = first_batch(bytes).value();
  EXPECT_TRUE(crc_ok(batch));
  EXPECT_EQ(batch.header().base_offset, Offset{1'000'000'007});
  EXPECT_EQ(batch.header().leader_epoch, LeaderEpoch{12});
  EXPECT_EQ(read_all(bytes)->at(2).offset, 1'000'000'009);
}

TEST(BatchSetters, LogAppendTimeIsTheTimeOfEveryRecord) {
  std::string bytes = make_batch(sample_records(), Codec::snappy);
  set_max_timestamp(bytes.data(), TimestampType::log_append_time, 77);
  const BatchView batch = first_batch(bytes).value();
  EXPECT_TRUE(crc_ok(batch));
  EXPECT_EQ(batch.header().timestamp_type(), TimestampType::log_append_time);
  EXPECT_EQ(batch.header().compression(), Codec::snappy);
  for (const OwnedRecord& record : read_all(bytes).value()) EXPECT_EQ(record.timestamp, 77);
  set_max_timestamp(bytes.data(), TimestampType::create_time, kNow + 7);
  EXPECT_EQ(bytes, make_batch(sample_records(), Codec::snappy));
}

TEST(Crc, AnyChangedByteAfterItIsSeen) {
  const std::string good = make_batch(sample_records());
  EXPECT_TRUE(crc_ok(first_batch(good).value()));
  for (std::size_t i = at::kCrc; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(crc_ok(first_batch(bad).value())) << i;
  }
}

}  // namespace
}  // namespace mq::record

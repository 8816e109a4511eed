#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "batch_fixture.h"
#include "record/validate.h"

// Batches made by Kafka's own classes; golden_java/ is how.

namespace mq::record {
namespace {

using namespace testing;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

const std::map<std::string, std::string>& golden() {
  static const auto batches = [] {
    std::map<std::string, std::string> read;
    std::ifstream file("tests/record/golden_batches.tsv");
    for (std::string name, hex; std::getline(file, name, '\t') && std::getline(file, hex);) read[name] = from_hex(hex);
    return read;
  }();
  return batches;
}

std::vector<OwnedRecord> golden_records(std::int64_t base_offset = 0) {
  return {{.offset = base_offset, .timestamp = kNow, .key = "key-0", .value = "value-0"},
          {.offset = base_offset + 1,
           .timestamp = kNow + 5,
           .value = std::string(200, 'v'),
           .headers = {{"h", "1"}, {"h", std::nullopt}}},
          {.offset = base_offset + 2, .timestamp = kNow - 7, .key = "key-2", .headers = {{"", ""}}}};
}

TEST(Golden, EveryBatchHasItsLengthAndCrc) {
  ASSERT_EQ(golden().size(), 10u);
  for (const auto& [name, bytes] : golden()) {
    const auto batch = first_batch(bytes);
    ASSERT_TRUE(batch) << name;
    EXPECT_EQ(batch->header().size_bytes(), bytes.size()) << name;
    EXPECT_TRUE(crc_ok(*batch)) << name;
  }
}

TEST(Golden, EveryCodecHasTheSameRecordsAndIsValid) {
  Codecs codecs;
  for (Codec codec : kCodecs) {
    const std::string& bytes = golden().at(std::string(name_of(codec)));
    EXPECT_EQ(first_batch(bytes)->header().compression(), codec);
    EXPECT_EQ(read_all(bytes).value(), golden_records()) << name_of(codec);
    const auto valid = validate(bytes, {.now = kNow}, codecs);
    ASSERT_TRUE(valid) << name_of(codec) << valid.error().message;
    EXPECT_EQ(valid->max_timestamp, valid->header.max_timestamp);
    EXPECT_EQ(valid->max_timestamp_delta, OffsetDelta{1});
  }
}

TEST(Golden, LogAppendTimeIsThatOfEveryRecord) {
  auto expected = golden_records(42);
  for (OwnedRecord& record : expected) record.timestamp = kNow + 1000;
  EXPECT_EQ(read_all(golden().at("log-append-time")).value(), expected);
}

TEST(Golden, OurBuilderMakesTheSameBytes) {
  const auto built = [](const BatchBuilder::Options& options, const BatchBuilder::Stamp& stamp) {
    BatchBuilder builder(options);
    for (const OwnedRecord& record : golden_records()) add(builder, record);
    return builder.finish(stamp).value();
  };
  EXPECT_EQ(built({}, {}), golden().at("none"));
  EXPECT_EQ(built({.timestamp_type = TimestampType::log_append_time},
                  {.base_offset = Offset{42}, .max_timestamp = kNow + 1000}),
            golden().at("log-append-time"));
  const BatchBuilder::Stamp idempotent{.leader_epoch = LeaderEpoch{9},
                                       .producer_id = ProducerId{4711},
                                       .producer_epoch = ProducerEpoch{3},
                                       .base_sequence = Sequence{0x7ffffffe}};
  EXPECT_EQ(built({}, idempotent), golden().at("idempotent"));
  EXPECT_EQ(parse_header(golden().at("idempotent"))->last_sequence(), Sequence{0});
  BatchBuilder::Stamp transactional = idempotent;
  transactional.base_sequence = Sequence{0};
  transactional.transactional = true;
  EXPECT_EQ(built({}, transactional), golden().at("transactional"));
}

TEST(Golden, BatchThatCompactionLeftEmptyIsTheSame) {
  BatchBuilder builder;
  EXPECT_EQ(builder
                .finish({.base_offset = Offset{50},
                         .leader_epoch = LeaderEpoch{9},
                         .producer_id = ProducerId{4711},
                         .producer_epoch = ProducerEpoch{3},
                         .base_sequence = Sequence{7},
                         .last_offset_delta = 4,
                         .max_timestamp = kNow})
                .value(),
            golden().at("empty"));
}

TEST(Golden, CommitMarkerIsAControlRecordAndNotForClients) {
  const std::string& bytes = golden().at("commit-marker");
  const BatchHeader header = parse_header(bytes).value();
  EXPECT_TRUE(header.is_control());
  EXPECT_TRUE(header.is_transactional());
  const auto records = read_all(bytes).value();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].offset, 100);
  EXPECT_EQ(records[0].key, (std::string{"\0\0\0\1", 4}));  // version 0, commit
  Codecs codecs;
  EXPECT_EQ(validate(bytes, {.allow_transactional = true, .now = kNow}, codecs).error().code, Errc::invalid_record);
}

}  // namespace
}  // namespace mq::record

#include <algorithm>

#include "base/crc32c.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class LogProducerTest : public LogFixture {
 protected:
  /// A batch of `count` records.
  Result<AppendInfo> produce(std::int32_t sequence, int count = 1, std::int16_t epoch = 0, std::int64_t id = 42) {
    std::vector<TestRecord> records(static_cast<std::size_t>(count),
                                    TestRecord{.key = {}, .value = "v", .timestamp = wall_});
    return append(records, {.id = id, .epoch = epoch, .sequence = sequence});
  }
  void expect_error(Errc code, const Result<AppendInfo>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
  }
  void expect_duplicate(Offset base, const Result<AppendInfo>& result) {
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->duplicate);
    EXPECT_EQ(result->base_offset, base);
  }
};

TEST_F(LogProducerTest, DuplicateOfEachOfTheLastFiveBatchesGetsTheOriginalsOffset) {
  create();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(produce(i * 3, 3));
  for (int i = 3; i < 8; ++i) {
    expect_duplicate(Offset{i * 3}, produce(i * 3, 3));
    EXPECT_EQ(produce(i * 3, 3)->end_offset, Offset{i * 3 + 3});
  }
  expect_error(Errc::out_of_order_sequence, produce(2 * 3, 3));
  EXPECT_EQ(log_->log_end(), Offset{24});
}

TEST_F(LogProducerTest, BatchThatBeginsLikeAnotherAndEndsElsewhereIsNoDuplicate) {
  create();
  ASSERT_TRUE(produce(0, 3));
  ASSERT_TRUE(produce(3, 3));
  for (const int count : {1, 2, 4}) {
    expect_error(Errc::out_of_order_sequence, produce(0, count));
    expect_error(Errc::out_of_order_sequence, produce(3, count));
  }
  EXPECT_EQ(log_->log_end(), Offset{6});
}

TEST_F(LogProducerTest, DuplicateAnswersWithTheOriginalsLogAppendTime) {
  config_.timestamp_type = record::TimestampType::log_append_time;
  create();
  wall_ = 5000;
  ASSERT_TRUE(produce(0));
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  wall_ = 9000;
  EXPECT_EQ(produce(0)->log_append_time, 5000);
}

TEST_F(LogProducerTest, DuplicateAnswersWithTheOriginalsTimeAlsoWhereTheProducerGaveIt) {
  create();
  wall_ = 5000;
  const auto original = produce(0);
  ASSERT_TRUE(original);
  EXPECT_EQ(original->log_append_time, -1);
  wall_ = 9000;
  EXPECT_EQ(produce(0)->log_append_time, 5000);
}

TEST_F(LogProducerTest, FiveInFlightAreRecognisedAfterEveryKindOfRestart) {
  for (const char* how :
       {"clean", "kill", "lost window", "lost snapshot", "damaged snapshot", "kafka's snapshot only", "all lost"}) {
    config_.segment_bytes = 400;
    log_.reset();
    if (disk_.exists(kDirectory).value()) {
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    }
    create();
    for (int i = 0; i < 23; ++i) ASSERT_TRUE(produce(i * 2, 2));
    const std::string mode = how;
    OpenContext context = clean();
    if (mode == "kill") {
      context = {.topic_id = topic_id_};
    } else {
      ASSERT_TRUE(log_->close());
      context = clean();
    }
    log_.reset();
    for (const auto& name : names()) {
      const bool is_window = name.ends_with(".mqwindow");
      const bool is_snapshot = name.ends_with(".snapshot");
      const std::string file = std::string(kDirectory) + "/" + name;
      if ((mode == "lost window" || mode == "kafka's snapshot only") && is_window) ASSERT_TRUE(disk_.remove(file));
      if (mode == "lost snapshot" && is_snapshot && name.find("46") != std::string::npos)
        ASSERT_TRUE(disk_.remove(file));
      if (mode == "damaged snapshot" && is_snapshot)
        ASSERT_TRUE(disk_.open(file, env::OpenMode::read_write).value()->write_at(20, "\x55"));
      if (mode == "all lost" && (is_window || is_snapshot)) ASSERT_TRUE(disk_.remove(file));
    }
    ASSERT_TRUE(open(context)) << how;
    for (int i = 18; i < 23; ++i) {
      SCOPED_TRACE(how);
      expect_duplicate(Offset{i * 2}, produce(i * 2, 2));
    }
    expect_error(Errc::out_of_order_sequence, produce(17 * 2, 2));
    EXPECT_EQ(produce(46, 2)->base_offset, Offset{46}) << how;
  }
}

TEST_F(LogProducerTest, SequenceGoesOnAtZeroAfterTheLargest) {
  create();
  ASSERT_TRUE(produce(2147483645));
  ASSERT_TRUE(produce(2147483646, 4)) << "wraps within the batch: ...646, ...647, 0, 1";
  expect_duplicate(Offset{1}, produce(2147483646, 4));
  expect_error(Errc::out_of_order_sequence, produce(3));
  EXPECT_EQ(produce(2)->base_offset, Offset{5});
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  expect_duplicate(Offset{1}, produce(2147483646, 4));
  EXPECT_EQ(produce(3)->base_offset, Offset{6});
}

TEST_F(LogProducerTest, GapIsOutOfOrderAndLeavesNothing) {
  create();
  ASSERT_TRUE(produce(0));
  expect_error(Errc::out_of_order_sequence, produce(2));
  EXPECT_EQ(log_->log_end(), Offset{1});
  EXPECT_EQ(produce(1)->base_offset, Offset{1});
}

TEST_F(LogProducerTest, OlderEpochIsFencedAndANewOneBeginsAtZero) {
  create();
  ASSERT_TRUE(produce(0, 1, 3));
  ASSERT_TRUE(produce(1, 1, 3));
  expect_error(Errc::invalid_producer_epoch, produce(2, 1, 2));
  expect_error(Errc::out_of_order_sequence, produce(2, 1, 4));
  ASSERT_TRUE(produce(0, 1, 4));
  EXPECT_FALSE(produce(1, 1, 4)->duplicate) << "the same sequence of another epoch is no duplicate";
  expect_error(Errc::invalid_producer_epoch, produce(2, 1, 3));
}

TEST_F(LogProducerTest, UnknownProducerMayBeginAnywhere) {
  create();
  ASSERT_TRUE(produce(77));
  ASSERT_TRUE(produce(78));
}

TEST_F(LogProducerTest, AfterARefusedFirstBatchTheSecondIsRefusedTooUntilTheFirstCame) {
  create();
  append_many(1);
  log_->refuse(
      record::parse_header(make_batch({{.key = {}, .value = "v"}}, {.id = 42, .epoch = 0, .sequence = 0})).value());
  expect_error(Errc::out_of_order_sequence, produce(1));
  ASSERT_TRUE(produce(0));
  ASSERT_TRUE(produce(1));
}

TEST_F(LogProducerTest, BatchThatFoundNoRoomMayBeSentAgain) {
  create();
  append_many(1);
  disk_.set_capacity(20'000);
  const auto refused = append({{.key = {}, .value = std::string(100'000, 'x')}}, {.id = 42, .epoch = 0, .sequence = 0});
  expect_error(Errc::disk_full, refused);
  expect_error(Errc::out_of_order_sequence, produce(1));
  disk_.set_capacity(1 << 20);
  EXPECT_FALSE(produce(0)->duplicate);
  EXPECT_FALSE(produce(1)->duplicate);
}

TEST_F(LogProducerTest, SilentProducersAreForgotten) {
  config_.producer_expiration_ms = 1000;
  create();
  ASSERT_TRUE(produce(0));
  wall_ += 500;
  ASSERT_TRUE(produce(0, 1, 0, 43));
  EXPECT_EQ(log_->producers(wall_ + 499)->size(), 2U);
  const auto left = log_->producers(wall_ + 500).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, ProducerId{43});
  ASSERT_TRUE(produce(9)) << "P-4";
}

TEST_F(LogProducerTest, WhoCopiesOldRecordsIsNotForgottenWhileItWrites) {
  config_.producer_expiration_ms = 86'400'000;
  create();
  wall_ = 10 * config_.producer_expiration_ms;
  const auto copy = [&](std::int32_t sequence) {
    return append({{.key = {}, .value = "v", .timestamp = 1000}}, {.id = 42, .epoch = 0, .sequence = sequence});
  };
  ASSERT_TRUE(copy(0));
  ASSERT_TRUE(copy(1));
  // Each of these looks for producers that have been silent for too long.
  ASSERT_TRUE(log_->roll(wall_));
  EXPECT_EQ(log_->producers(wall_)->size(), 1U);
  expect_duplicate(Offset{1}, copy(1));
  ASSERT_TRUE(log_->close());
  OpenContext context = clean();
  context.wall_now = wall_;
  ASSERT_TRUE(open(context));
  EXPECT_EQ(log_->producers(wall_)->size(), 1U);
  expect_duplicate(Offset{1}, copy(1));
  EXPECT_EQ(log_->producers(wall_ + config_.producer_expiration_ms)->size(), 0U);
}

TEST_F(LogProducerTest, DeletingItsRecordsDoesNotForgetAProducer) {
  config_.segment_bytes = 300;
  create();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(produce(i));
  ASSERT_TRUE(log_->advance_start(Offset{20}, Offset{20}));
  ASSERT_TRUE(checkpoint());
  ASSERT_GT(log_->delete_old_segments(wall_, Instant{}, Offset{20}).value(), 0U);
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  expect_duplicate(Offset{19}, produce(19));
  expect_error(Errc::out_of_order_sequence, produce(30));
}

TEST_F(LogProducerTest, ItsRecordsStayUntilASnapshotKnowsTheProducer) {
  config_.segment_bytes = 300;
  create();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(produce(i));
  ASSERT_TRUE(sync());
  ASSERT_TRUE(log_->advance_start(Offset{20}, Offset{20}));
  ASSERT_EQ(log_->delete_old_segments(wall_, Instant{}, Offset{20}).value(), 0U);
  EXPECT_TRUE(log_->deletion_waits());
  ASSERT_TRUE(checkpoint(false)) << "one is due now";
  ASSERT_GT(log_->delete_old_segments(wall_, Instant{}, Offset{20}).value(), 0U);
  EXPECT_FALSE(log_->deletion_waits());
  ASSERT_TRUE(log_->due_removals(Instant::never())->run());
  EXPECT_EQ(log_->size_bytes(), 0U);
  ASSERT_TRUE(open(unclean()));
  expect_duplicate(Offset{19}, produce(19));
}

TEST(ProducerStates, SnapshotIsKafkasFormat) {
  ProducerStates states;
  record::BatchHeader header;
  header.producer_id = ProducerId{0x0102030405060708};
  header.producer_epoch = ProducerEpoch{9};
  header.base_sequence = Sequence{100};
  header.base_offset = Offset{1000};
  header.last_offset_delta = 4;
  header.record_count = 5;
  header.max_timestamp = 0x1122;
  states.apply(header, 0);
  const std::string bytes = states.encode_snapshot();
  const std::string expected(
      "\x00\x01"
      "????"
      "\x00\x00\x00\x01"
      "\x01\x02\x03\x04\x05\x06\x07\x08"
      "\x00\x09"
      "\x00\x00\x00\x68"
      "\x00\x00\x00\x00\x00\x00\x03\xec"
      "\x00\x00\x00\x04"
      "\x00\x00\x00\x00\x00\x00\x11\x22"
      "\xff\xff\xff\xff"
      "\xff\xff\xff\xff\xff\xff\xff\xff",
      56);
  EXPECT_EQ(bytes.substr(0, 2) + "????" + bytes.substr(6), expected);
  EXPECT_EQ(load_be<std::uint32_t>(bytes.data() + 2), crc32c(BytesView(bytes).substr(6)));
  auto decoded = ProducerStates::decode_snapshot(bytes).value();
  ASSERT_TRUE(decoded.add_window(states.encode_window()));
  EXPECT_TRUE(decoded == states);
}

/// A batch of one record at `offset`.
record::BatchHeader batch_at(std::int64_t offset, std::int64_t id, std::int32_t sequence) {
  record::BatchHeader header;
  header.base_offset = Offset{offset};
  header.max_timestamp = -offset;  // the clocks of clients prove nothing
  header.producer_id = ProducerId{id};
  header.producer_epoch = ProducerEpoch{0};
  header.base_sequence = Sequence{sequence};
  header.record_count = 1;
  return header;
}

TEST(ProducerStates, OfTooManyProducersTheLongestIdleOnesAreForgottenAndMayWriteOn) {
  constexpr auto kMax = static_cast<std::int64_t>(ProducerStates::kProducersMax);
  ProducerStates states;
  std::int64_t offset = 0;
  for (std::int64_t id = 0; id < kMax; ++id) states.apply(batch_at(offset++, id, 0), 0);
  states.apply(batch_at(offset++, 0, 1), 0);  // the oldest, but active again
  EXPECT_EQ(states.size(), ProducerStates::kProducersMax);

  states.apply(batch_at(offset++, kMax, 0), 0);
  EXPECT_LT(states.size(), ProducerStates::kProducersMax);
  EXPECT_GT(states.size(), ProducerStates::kProducersMax * 3 / 4);
  const auto last_offsets = states.last_offsets();
  EXPECT_TRUE(last_offsets.contains(Offset{0}));
  EXPECT_FALSE(last_offsets.contains(Offset{1}));
  EXPECT_TRUE(last_offsets.contains(Offset{kMax - 1}));
  EXPECT_TRUE(last_offsets.contains(Offset{kMax}));
  EXPECT_TRUE(last_offsets.contains(Offset{kMax + 1}));

  // Nobody can say whether sequence 7 is what should come: it is taken, and from there on all is checked again.
  EXPECT_EQ(states.check(batch_at(offset, 1, 7)).value(), std::nullopt);
  states.apply(batch_at(offset++, 1, 7), 0);
  EXPECT_TRUE(states.check(batch_at(offset, 1, 7)).value().has_value()) << "a duplicate";
  EXPECT_EQ(states.check(batch_at(offset, 1, 9)).error().code, Errc::out_of_order_sequence);
}

TEST(ProducerStates, EveryDamagedByteOfSnapshotAndWindowIsNoticed) {
  ProducerStates states;
  for (int i = 0; i < 7; ++i) {
    record::BatchHeader header;
    header.producer_id = ProducerId{i % 2};
    header.producer_epoch = ProducerEpoch{0};
    header.base_sequence = Sequence{i / 2};
    header.base_offset = Offset{i};
    header.record_count = 1;
    states.apply(header, 0);
  }
  const std::string snapshot = states.encode_snapshot();
  const std::string window = states.encode_window();
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    std::string bad = snapshot;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    EXPECT_FALSE(ProducerStates::decode_snapshot(bad)) << i;
    EXPECT_FALSE(ProducerStates::decode_snapshot(snapshot.substr(0, i))) << i;
  }
  for (std::size_t i = 0; i < window.size(); ++i) {
    std::string bad = window;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    ProducerStates decoded = ProducerStates::decode_snapshot(snapshot).value();
    EXPECT_FALSE(decoded.add_window(bad)) << i;
    EXPECT_FALSE(decoded.add_window(window.substr(0, i))) << i;
    EXPECT_TRUE(decoded == ProducerStates::decode_snapshot(snapshot).value());
  }
}

}  // namespace
}  // namespace mq::log

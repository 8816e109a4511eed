#include "client/producer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fake_broker.h"

namespace mq::client {
namespace {

struct ProducerFixture : ::testing::Test {
  ProducerFixture() {
    w.broker.add_topic("t");
    options.linger = 0s;
  }
  ~ProducerFixture() override { w.client.kill(); }

  Producer& producer() {
    return w.make<Producer>(w.cluster(), options, [this](const Delivery& delivery) {
      for (const std::uint64_t token : delivery.tokens) (delivery.error ? failed : delivered).push_back(token);
      if (delivery.error) last_error = *delivery.error;
    });
  }
  /// Sends `count` records, each a batch of its own as far as the broker keeps up, and waits for all reports.
  Result<void> send(Producer& p, std::uint64_t count, Duration limit = 10min) {
    return w.run([](ProducerFixture* self, Producer* to, std::uint64_t n, Instant deadline) -> awaitable<Result<void>> {
      MQ_CO_TRY(auto* topic, co_await to->topic("t", deadline));
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::string value = std::to_string(self->sent);
        MQ_CO_CHECK(co_await to->send(*topic, {.value = value, .token = self->sent++}));
      }
      co_return co_await to->flush(deadline);
    }(this, &p, count, w.in(limit)));
  }
  [[nodiscard]] std::vector<std::string> log() const { return FakeBroker::values(w.broker.topics.at("t")[0]); }
  [[nodiscard]] std::vector<std::string> all_sent() const {
    std::vector<std::string> all;
    for (std::uint64_t i = 0; i < sent; ++i) all.push_back(std::to_string(i));
    return all;
  }

  ClientWorld w;
  ProducerOptions options;
  std::uint64_t sent = 0;
  std::vector<std::uint64_t> delivered;
  std::vector<std::uint64_t> failed;
  Error last_error;
};

/// Batches of one record, so that several are in flight.
constexpr std::size_t kTinyBatch = 1;

TEST_F(ProducerFixture, RecordsArriveInOrderAndAreReported) {
  ASSERT_TRUE(send(producer(), 1000).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_EQ(delivered.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(delivered));
}

TEST_F(ProducerFixture, RetriableErrorAmidFiveInFlightKeepsOrderAndOneCopy) {
  options.batch_bytes = kTinyBatch;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 10).has_value());
  w.broker.produce_errors = {ErrorCode::kNone, ErrorCode::kNotEnoughReplicas};
  ASSERT_TRUE(send(p, 40).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_TRUE(failed.empty());
}

TEST_F(ProducerFixture, LostAnswerOfARequestThatTookEffectMakesNoSecondCopy) {
  options.batch_bytes = kTinyBatch;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 3).has_value());
  w.broker.answers_to_lose = 3;
  ASSERT_TRUE(send(p, 30).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_EQ(delivered.size(), 33u);
}

TEST_F(ProducerFixture, BrokerThatGoesAwayAndComesBackLosesNothing) {
  Producer& p = producer();
  ASSERT_TRUE(send(p, 10).has_value());
  w.broker.stop();
  auto& tasks = w.client.make<env::TaskGroup>(w.client.shard(0));
  bool flushed = false;
  tasks.spawn([](ProducerFixture* self, Producer* to, bool* done) -> awaitable<void> {
    auto* topic = *co_await to->topic("t", self->w.in(1min));
    for (int i = 0; i < 100; ++i) {
      const std::string value = std::to_string(self->sent);
      EXPECT_TRUE((co_await to->send(*topic, {.value = value, .token = self->sent++})).has_value());
    }
    EXPECT_TRUE((co_await to->flush(Instant::never())).has_value());
    *done = true;
  }(this, &p, &flushed));
  w.world.run_for(5min);
  EXPECT_FALSE(flushed);
  w.broker.start();
  EXPECT_TRUE(w.world.run_until([&] { return flushed; }, 1min));
  EXPECT_EQ(log(), all_sent());
  ASSERT_EQ(w.notices.size(), 2u);
  EXPECT_EQ(w.notices[0].kind, Notice::Kind::lost);
  EXPECT_EQ(w.notices[1].kind, Notice::Kind::back);
}

TEST_F(ProducerFixture, RecordsNotAcknowledgedWithinThePolicyAreReportedAsFailed) {
  options.delivery = RetryPolicy::within(2s);
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.stop();
  const Instant begin = w.world.now();
  (void)send(p, 5);
  EXPECT_EQ(failed, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(last_error.code, Errc::timed_out);
  EXPECT_GE(w.world.now() - begin, 2s);
  EXPECT_LT(w.world.now() - begin, 10s);
}

TEST_F(ProducerFixture, OneAttemptIsEnoughForABrokerThatIsWell) {
  for (const Duration linger : {Duration{0s}, Duration{5ms}, Duration{3s}}) {
    options.delivery = RetryPolicy::none();
    options.linger = linger;
    ASSERT_TRUE(send(producer(), 100).has_value());
  }
  EXPECT_EQ(log(), all_sent());
  EXPECT_TRUE(failed.empty());
}

TEST_F(ProducerFixture, OneAttemptThatFailsIsReportedAtOnce) {
  options.delivery = RetryPolicy::none();
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.produce_errors = {ErrorCode::kNotEnoughReplicas};
  (void)send(p, 1);
  EXPECT_EQ(failed, std::vector<std::uint64_t>{1});
  EXPECT_EQ(code_of(last_error), ErrorCode::kNotEnoughReplicas);
  w.broker.stop();
  const Instant begin = w.world.now();
  (void)send(p, 1);
  EXPECT_EQ(failed, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_LT(w.world.now() - begin, 10s);
}

TEST_F(ProducerFixture, RecordsThatLingerLongerThanTheyMayFailAreSent) {
  options.delivery = RetryPolicy::within(1s);
  options.linger = 20s;
  Producer& p = producer();
  auto* topic = w.run(p.topic("t", w.in(1min))).value();
  for (; sent < 5; ++sent) ASSERT_TRUE(*p.try_send(*topic, {.value = std::to_string(sent), .token = sent}));
  w.world.run_for(30s);
  EXPECT_EQ(log(), all_sent());
  EXPECT_TRUE(failed.empty());
}

TEST_F(ProducerFixture, WaitingForTheTurnIsNoFailure) {
  options.delivery = RetryPolicy::within(2s);
  options.batch_bytes = kTinyBatch;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  auto* topic = w.run(p.topic("t", w.in(1min))).value();
  w.broker.hold();
  for (; sent < 20; ++sent) ASSERT_TRUE(*p.try_send(*topic, {.value = std::to_string(sent), .token = sent}));
  w.world.run_for(5s);
  w.broker.produce_errors.assign(8, ErrorCode::kNone);
  w.broker.produce_errors.push_back(ErrorCode::kNotEnoughReplicas);
  w.broker.release();
  ASSERT_TRUE(w.run(p.flush(w.in(1min))).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_TRUE(failed.empty());
}

TEST_F(ProducerFixture, TooLargeBatchIsSplitAndTooLargeRecordReported) {
  options.linger = 50ms;
  w.broker.batch_bytes_max = 400;
  ASSERT_TRUE(send(producer(), 100).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_GT(w.broker.topics["t"][0].batches.size(), 1u);

  const std::string large(1000, 'x');
  w.run([](ProducerFixture* self, Producer* to, const std::string* value) -> awaitable<void> {
    auto* topic = *co_await to->topic("t", self->w.in(1min));
    (void)co_await to->send(*topic, {.value = *value, .token = 1000});
    (void)co_await to->send(*topic, {.value = "after", .token = 1001});
    EXPECT_TRUE((co_await to->flush(self->w.in(1min))).has_value());
  }(this, &producer(), &large));
  EXPECT_EQ(log().back(), "after");
  // Both were in one batch; only the one that cannot be sent failed.
  EXPECT_EQ(failed, std::vector<std::uint64_t>{1000});
  EXPECT_EQ(code_of(last_error), ErrorCode::kMessageTooLarge);
}

TEST_F(ProducerFixture, BrokerThatForgotTheProducerGetsANewEpoch) {
  options.batch_bytes = kTinyBatch;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 10).has_value());
  // It still knows the producer, but not how far it was.
  for (auto& [id, entry] : w.broker.topics["t"][0].producers) entry.next_sequence = 3, entry.offsets.clear();
  ASSERT_TRUE(send(p, 10).has_value());
  EXPECT_EQ(log(), all_sent());
  EXPECT_EQ(record::parse_header(w.broker.topics["t"][0].batches.back())->producer_epoch, ProducerEpoch{1});
}

TEST_F(ProducerFixture, FullBufferTakesNothingMoreUntilABatchIsReported) {
  options.buffer_bytes_max = 1000;
  options.batch_bytes = 100;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.hold();
  auto* topic = w.run(p.topic("t", w.in(1min))).value();
  int taken = 0;
  while (*p.try_send(*topic, {.value = "0123456789", .token = 5})) ++taken;
  EXPECT_GT(taken, 10);
  EXPECT_LE(p.buffered_bytes(), 1000u);
  bool has_room = false;
  auto& tasks = w.client.make<env::TaskGroup>(w.client.shard(0));
  tasks.spawn([](Producer* from, bool* done) -> awaitable<void> {
    co_await from->wait_for_room();
    *done = true;
  }(&p, &has_room));
  w.world.run_for(5s);
  EXPECT_FALSE(has_room);
  w.broker.release();
  EXPECT_TRUE(w.world.run_until([&] { return has_room; }, 1min));
  EXPECT_TRUE(*p.try_send(*topic, {.value = "0123456789", .token = 6}));
}

TEST_F(ProducerFixture, WithoutAcksRecordsAreDoneWhenTheyAreWritten) {
  options.acks = Acks::none;
  ASSERT_TRUE(send(producer(), 100).has_value());
  w.world.run_for(1s);
  EXPECT_EQ(log(), all_sent());
  EXPECT_EQ(w.broker.requests[ApiKey::kInitProducerId], 0);
}

TEST_F(ProducerFixture, ErrorThatStaysIsReportedAndTheNextRecordsGoOn) {
  options.batch_bytes = kTinyBatch;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 2).has_value());
  w.broker.produce_errors = {ErrorCode::kInvalidRecord};
  ASSERT_TRUE(send(p, 8).has_value());
  EXPECT_EQ(failed, std::vector<std::uint64_t>{2});
  EXPECT_EQ(log(), (std::vector<std::string>{"0", "1", "3", "4", "5", "6", "7", "8", "9"}));
}

TEST_F(ProducerFixture, OnlyTheRecordsThatTheBrokerNamesFailAndTheOthersKeepTheirOrder) {
  for (const std::size_t batch_bytes : {std::size_t{1} << 20, std::size_t{60}, kTinyBatch}) {
    for (const record::Codec codec : {record::Codec::none, record::Codec::lz4}) {
      options.batch_bytes = batch_bytes;
      options.codec = codec;
      options.linger = 50ms;
      w.broker.create_again("t");
      sent = 0;
      failed.clear(), delivered.clear();
      w.broker.values_at_fault = {"0", "7", "8", "13", "29"};
      ASSERT_TRUE(send(producer(), 30).has_value());
      std::vector<std::string> good = all_sent();
      std::erase_if(good, [&](const std::string& value) { return w.broker.values_at_fault.contains(value); });
      EXPECT_EQ(log(), good);
      EXPECT_EQ(delivered.size(), 25u);
      EXPECT_EQ(failed, (std::vector<std::uint64_t>{0, 7, 8, 13, 29}));
      EXPECT_TRUE(last_error.message.ends_with(": no 29")) << last_error.message;
    }
  }
}

TEST_F(ProducerFixture, ABatchOfWhichEveryRecordIsNamedFailsRecordByRecord) {
  options.linger = 50ms;
  w.broker.values_at_fault = {"0", "1"};
  Producer& p = producer();
  ASSERT_TRUE(send(p, 2).has_value());
  EXPECT_EQ(failed, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(code_of(last_error), ErrorCode::kInvalidRecord);  // one code for two tells neither
  EXPECT_EQ(p.buffered_bytes(), 0u);
  ASSERT_TRUE(send(p, 1).has_value());
  EXPECT_EQ(log(), std::vector<std::string>{"2"});
}

TEST_F(ProducerFixture, CloseReportsWhatIsLeft) {
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.stop();
  auto* topic = w.run(p.topic("t", w.in(1min))).value();
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(*p.try_send(*topic, {.value = "v", .token = i}));
  EXPECT_FALSE(w.run(p.close(w.in(3s))).has_value());
  EXPECT_EQ(failed, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_FALSE(p.try_send(*topic, {.value = "v"}).has_value());
}

TEST_F(ProducerFixture, EveryCodecArrivesReadable) {
  for (const record::Codec codec :
       {record::Codec::gzip, record::Codec::snappy, record::Codec::lz4, record::Codec::zstd}) {
    options.codec = codec;
    options.linger = 5ms;
    ASSERT_TRUE(send(producer(), 100).has_value());
  }
  EXPECT_EQ(log(), all_sent());
}

TEST_F(ProducerFixture, TopicCreatedAgainWithFewerPartitionsTakesWhatFollows) {
  w.broker.add_topic("t", 3);
  options.partitioner = Partitioner::round_robin;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 30).has_value());
  w.broker.create_again("t", 1);
  // Some of these were meant for partitions that are not there any more, and are reported.
  ASSERT_TRUE(send(p, 3).has_value());
  EXPECT_EQ(failed.size(), 2u);
  EXPECT_EQ(last_error.code, Errc::not_found);
  ASSERT_TRUE(send(p, 10).has_value());
  EXPECT_EQ(failed.size(), 2u);
  EXPECT_EQ(log().size(), 11u);
  const auto last = record::parse_header(w.broker.topics["t"][0].batches.back());
  EXPECT_EQ(last->producer_epoch, ProducerEpoch{1});
}

/// Growth that was taken back, and made again: the same topic.
TEST_F(ProducerFixture, PartitionThatVanishedAndCameBackIsAnotherOne) {
  w.broker.add_topic("t", 2);
  w.broker.leader_epoch = 9;
  options.partitioner = Partitioner::round_robin;
  Producer& p = producer();
  ASSERT_TRUE(send(p, 10).has_value());
  const auto partitions_become = [&](std::size_t count) {
    w.broker.topics["t"].resize(1);
    w.broker.topics["t"].resize(count);
    w.world.run_for(10min);  // until the topic is asked for again
    ASSERT_TRUE(send(p, 2).has_value());
    w.world.run_for(10s);
  };
  partitions_become(1);
  w.broker.leader_epoch = 0;
  partitions_become(2);
  failed.clear();
  ASSERT_TRUE(send(p, 10).has_value());
  EXPECT_TRUE(failed.empty());
  EXPECT_FALSE(w.broker.topics["t"][1].batches.empty());
}

TEST_F(ProducerFixture, ErrorThatLastsIsToldAndSoIsItsEnd) {
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.produce_errors.assign(12, ErrorCode::kLeaderNotAvailable);
  ASSERT_TRUE(send(p, 1).has_value());
  ASSERT_EQ(w.notices.size(), 2u);
  EXPECT_EQ(w.notices[0].text, "t-0: it has no leader now (LEADER_NOT_AVAILABLE); trying again");
  EXPECT_EQ(w.notices[1].kind, Notice::Kind::back);
  w.broker.produce_errors.assign(3, ErrorCode::kLeaderNotAvailable);
  ASSERT_TRUE(send(p, 1).has_value());
  EXPECT_EQ(w.notices.size(), 2u);
}

TEST_F(ProducerFixture, WithoutAcksTheEndOfAnErrorIsToldToo) {
  options.acks = Acks::none;
  w.broker.has_leaders = false;
  Producer& p = producer();
  auto* topic = w.run(p.topic("t", w.in(1min))).value();
  ASSERT_TRUE(*p.try_send(*topic, {.value = "0"}));
  w.world.run_for(8s);
  ASSERT_EQ(w.notices.size(), 1u);
  w.broker.has_leaders = true;
  ASSERT_TRUE(w.run(p.flush(w.in(1min))).has_value());
  ASSERT_EQ(w.notices.size(), 2u);
  EXPECT_EQ(w.notices[1].text, "t-0 takes records again");
}

TEST_F(ProducerFixture, BatchThatBreaksEveryConnectionIsToldWithItsSize) {
  Producer& p = producer();
  ASSERT_TRUE(send(p, 1).has_value());
  w.broker.answers_to_lose = 12;
  ASSERT_TRUE(send(p, 1).has_value());
  ASSERT_FALSE(w.notices.empty());
  EXPECT_TRUE(w.notices[0].text.starts_with("t-0: a batch of ")) << w.notices[0].text;
}

struct Delivered {
  std::vector<std::string> sent;
  std::vector<std::string> log;
};

/// Sends while faults drawn from the seed happen: errors, lost answers, restarts.
Delivered send_amid_faults(std::uint64_t seed, ProducerOptions options) {
  ClientWorld w(seed);
  w.broker.add_topic("t");
  options.linger = 0s;
  options.batch_bytes = 60;
  std::size_t reports = 0;
  auto& p = w.make<Producer>(w.cluster(), options, [&](const Delivery& d) {
    EXPECT_EQ(d.error, nullptr) << "seed " << seed;
    reports += d.tokens.size();
  });
  bool done = false;
  std::vector<std::string> sent;
  w.client.spawn([](ClientWorld* world, Producer* to, std::vector<std::string>* all, bool* ended) -> awaitable<void> {
    auto* topic = *co_await to->topic("t", Instant::never());
    for (int i = 0; i < 300; ++i) {
      all->push_back(std::to_string(i));
      EXPECT_TRUE((co_await to->send(*topic, {.value = all->back()})).has_value());
      if (i % 7 == 0) co_await world->client.shard(0).sleep_until(world->in(1ms));
    }
    EXPECT_TRUE((co_await to->flush(Instant::never())).has_value());
    *ended = true;
  }(&w, &p, &sent, &done));
  constexpr ErrorCode kErrors[] = {ErrorCode::kNotEnoughReplicas, ErrorCode::kNotLeaderOrFollower,
                                   ErrorCode::kRequestTimedOut, ErrorCode::kNone};
  for (int fault = 0; fault < 20 && !done; ++fault) {
    w.world.run_until([&] { return done; }, Duration{static_cast<std::int64_t>(w.world.rng().below(30'000'000))});
    switch (w.world.rng().below(3)) {
      case 0:
        for (int i = 0; i < 3; ++i) w.broker.produce_errors.push_back(kErrors[w.world.rng().below(4)]);
        break;
      case 1:
        w.broker.answers_to_lose = 1;
        break;
      default:
        w.broker.stop();
        w.world.run_for(10ms);
        w.broker.start();
    }
  }
  EXPECT_TRUE(w.world.run_until([&] { return done; }, 1h)) << "seed " << seed;
  EXPECT_EQ(reports, sent.size()) << "seed " << seed;
  std::vector<std::string> log = FakeBroker::values(w.broker.topics["t"][0]);
  w.client.kill();
  return {.sent = std::move(sent), .log = std::move(log)};
}

TEST(ProducerFaults, AnyMixOfErrorsLostAnswersAndRestartsKeepsOrderAndOneCopy) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Delivered delivered = send_amid_faults(seed, {});
    EXPECT_EQ(delivered.log, delivered.sent) << "seed " << seed;
  }
}

TEST(ProducerFaults, WithoutIdempotenceNothingIsLost) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Delivered delivered = send_amid_faults(seed, {.idempotent = false});
    const std::set<std::string> in_log(delivered.log.begin(), delivered.log.end());
    EXPECT_EQ(in_log, std::set<std::string>(delivered.sent.begin(), delivered.sent.end())) << "seed " << seed;
  }
}

}  // namespace
}  // namespace mq::client

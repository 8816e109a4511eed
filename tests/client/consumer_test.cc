#include "client/consumer.h"

#include <gtest/gtest.h>

#include "fake_broker.h"
#include "record/batch_builder.h"

namespace mq::client {
namespace {

struct ConsumerFixture : ::testing::Test {
  ConsumerFixture() { w.broker.add_topic("t", 2); }
  ~ConsumerFixture() override { w.client.kill(); }

  FakeBroker::Log& log(int partition = 0) { return w.broker.topics["t"][static_cast<std::size_t>(partition)]; }
  /// Appends a batch of records whose values are their offsets.
  void append(int records, int partition = 0, bool control = false) { append_as(-1, records, partition, control); }
  /// In a transaction of that producer, or none; a control batch ends it.
  void append_as(std::int64_t producer, int records, int partition = 0, bool control = false) {
    FakeBroker::Log& to = log(partition);
    record::BatchBuilder builder;
    for (int i = 0; i < records; ++i) builder.add(0, std::nullopt, std::to_string(to.end + i));
    record::BatchBuilder::Stamp stamp{.base_offset = Offset{to.end}, .leader_epoch = LeaderEpoch{1}};
    stamp.control = control;
    if (control || producer >= 0) {
      stamp.producer_id = ProducerId{producer >= 0 ? producer : 1};
      stamp.producer_epoch = ProducerEpoch{0};
      stamp.transactional = true;
    }
    to.batches.push_back(*builder.finish(stamp));
    to.end += records;
  }
  Consumer& consumer() { return w.make<Consumer>(w.cluster(), options); }
  /// Polls until every partition given has reached its end; returns the values.
  std::vector<std::string> read(Consumer& from, std::vector<int> partitions = {0}) {
    return w.run([](ConsumerFixture* self, Consumer* c, std::vector<int> all) -> awaitable<std::vector<std::string>> {
      std::vector<std::string> values;
      record::RecordReader reader;
      const auto is_done = [&] {
        for (const int partition : all)
          if (c->position(where(partition))->value() < self->log(partition).end) return false;
        return true;
      };
      while (!is_done()) {
        const auto polled = co_await c->poll(1s);
        EXPECT_TRUE(polled.has_value());
        for (const auto& error : polled->errors) self->errors.push_back(error.error);
        if (!polled->errors.empty()) break;
        for (const FetchedBatch& batch : polled->batches)
          EXPECT_TRUE(for_each_record(reader, batch, [&](const record::RecordView& record) {
                        values.emplace_back(*record.value);
                      }).has_value());
      }
      co_return values;
    }(this, &from, std::move(partitions)));
  }
  static TopicPartition where(int partition = 0) { return {.topic = "t", .partition = partition}; }
  static std::vector<std::string> numbers(int first, int end) {
    std::vector<std::string> all;
    for (int i = first; i < end; ++i) all.push_back(std::to_string(i));
    return all;
  }

  ClientWorld w;
  ConsumerOptions options;
  std::vector<Error> errors;
};

TEST_F(ConsumerFixture, ReadsFromThePositionInsideABatchToTheEnd) {
  for (int i = 0; i < 5; ++i) append(10);
  Consumer& c = consumer();
  c.assign(where(), Offset{13});
  EXPECT_EQ(read(c), numbers(13, 50));
  EXPECT_EQ(c.position(where()), Offset{50});
  EXPECT_EQ(c.known_end(where()), Offset{50});
}

TEST_F(ConsumerFixture, ControlBatchesMoveThePositionAndShowNothing) {
  append(2);
  append(1, 0, true);
  append(2);
  append(1, 0, true);
  Consumer& c = consumer();
  c.assign(where(), Offset{0});
  EXPECT_EQ(read(c), (std::vector<std::string>{"0", "1", "3", "4"}));
  EXPECT_EQ(c.position(where()), Offset{6});
}

TEST_F(ConsumerFixture, RecordsOfAbortedTransactionsAreForWhoReadsUncommittedOnly) {
  append_as(5, 2);           // 0 1: aborted by the marker at 6
  append(1);                 // 2
  append_as(6, 2);           // 3 4: committed
  append_as(5, 1);           // 5: aborted, too
  append_as(5, 1, 0, true);  // 6
  append_as(5, 1);           // 7: the next transaction of the same producer, committed
  append_as(5, 1, 0, true);  // 8
  append_as(6, 1, 0, true);  // 9
  log().aborted = {{.producer_id = 5, .first_offset = 0}};
  Consumer& committed = consumer();
  committed.assign(where(), Offset{0});
  EXPECT_EQ(read(committed), (std::vector<std::string>{"2", "3", "4", "7"}));
  options.isolation = Isolation::read_uncommitted;
  Consumer& all = consumer();
  all.assign(where(), Offset{0});
  EXPECT_EQ(read(all), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "7"}));
}

TEST_F(ConsumerFixture, GapsOfCompactionAreCrossed) {
  for (int i = 0; i < 3; ++i) append(5);
  log().batches.erase(log().batches.begin() + 1);
  Consumer& c = consumer();
  c.assign(where(), Offset{5});
  EXPECT_EQ(read(c), numbers(10, 15));
}

TEST_F(ConsumerFixture, OffsetOutsideTheLogIsAnErrorOrAResetByPolicy) {
  append(10);
  append(10);
  log().start = 10;
  log().batches.erase(log().batches.begin());
  {
    Consumer& c = consumer();
    c.assign(where(), Offset{3});
    EXPECT_TRUE(read(c).empty());
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].code, Errc::offset_out_of_range);
  }
  options.reset = OffsetReset::start;
  Consumer& c = consumer();
  c.assign(where(), Offset{3});
  EXPECT_EQ(read(c), numbers(10, 20));
}

TEST_F(ConsumerFixture, TopicCreatedAgainIsAnErrorOrReadFromItsStartByPolicy) {
  const auto read_and_create_again = [&](Consumer& c) {
    log() = {};
    append(10);
    c.assign(where(), Offset{0});
    EXPECT_EQ(read(c), numbers(0, 10));
    w.broker.create_again("t", 2);
    // Longer than the old one was, so that the old position is a place in it.
    append(100);
    w.broker.stop();
    w.broker.start();
  };
  {
    Consumer& c = consumer();
    read_and_create_again(c);
    EXPECT_TRUE(read(c).empty());
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].code, Errc::not_found);
    EXPECT_NE(errors[0].message.find("created again"), std::string::npos);
  }
  options.reset = OffsetReset::start;
  Consumer& c = consumer();
  read_and_create_again(c);
  EXPECT_EQ(read(c), numbers(0, 100));
}

TEST_F(ConsumerFixture, DamagedBatchIsReportedAndWhatStandsBeforeItIsGiven) {
  append(5);
  append(5);
  log().batches[1].back() ^= 1;
  Consumer& c = consumer();
  c.assign(where(), Offset{0});
  EXPECT_EQ(read(c).size(), 0u + (errors.empty() ? 10u : 0u));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, Errc::corrupt_batch);
}

TEST_F(ConsumerFixture, TopicThatDoesNotExistIsReportedAfterAWhile) {
  Consumer& c = consumer();
  c.assign({.topic = "none", .partition = 0}, Offset{0});
  const auto polled = w.run(c.poll(1min));
  ASSERT_TRUE(polled.has_value());
  ASSERT_EQ(polled->errors.size(), 1u);
  EXPECT_EQ(code_of(polled->errors[0].error), ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(ConsumerFixture, BrokerThatRestartsIsReadOn) {
  append(10);
  Consumer& c = consumer();
  c.assign(where(), Offset{0});
  EXPECT_EQ(read(c), numbers(0, 10));
  w.broker.stop();
  w.world.run_for(10s);
  append(10);
  w.broker.start();
  EXPECT_EQ(read(c), numbers(10, 20));
}

TEST_F(ConsumerFixture, PartitionWithoutALeaderIsToldAndReadWhenItHasOne) {
  append(10);
  w.broker.has_leaders = false;
  Consumer& c = consumer();
  c.assign(where(), Offset{0});
  w.world.run_for(20s);
  ASSERT_EQ(w.notices.size(), 1u);
  EXPECT_EQ(w.notices[0].text, "t-0 has no leader now; trying again");
  w.broker.has_leaders = true;
  EXPECT_EQ(read(c), numbers(0, 10));
  EXPECT_EQ(w.notices.size(), 2u);
}

TEST_F(ConsumerFixture, PausedPartitionGivesNothingAndResumesWhereItWas) {
  append(10);
  append(10, 1);
  Consumer& c = consumer();
  c.assign(where(0), Offset{0});
  c.assign(where(1), Offset{0});
  c.pause(where(1), true);
  EXPECT_EQ(read(c, {0}), numbers(0, 10));
  EXPECT_EQ(c.position(where(1)), Offset{0});
  c.pause(where(1), false);
  EXPECT_EQ(read(c, {1}), numbers(0, 10));
}

TEST_F(ConsumerFixture, PartitionGivenUpWhileItsBrokerIsConnectedToIsNotRead) {
  append(10);
  append(10, 1);
  Consumer& c = consumer();
  c.assign(where(0), Offset{0});
  c.assign(where(1), Offset{0});
  // The way for control, then the one for data.
  ASSERT_TRUE(w.world.run_until([&] { return w.broker.requests[ApiKey::kApiVersions] == 2; }, 10s));
  EXPECT_EQ(w.broker.requests[ApiKey::kFetch], 0);
  c.unassign(where(1));
  EXPECT_EQ(read(c), numbers(0, 10));
}

TEST_F(ConsumerFixture, AssigningAgainMovesAndDropsWhatWasFetched) {
  append(10);
  Consumer& c = consumer();
  c.assign(where(), Offset{0});
  w.world.run_for(1s);
  c.assign(where(), Offset{8});
  EXPECT_EQ(read(c), numbers(8, 10));
}

TEST_F(ConsumerFixture, OffsetsAreLookedUpInTheOrderAsked) {
  append(10);
  append(3, 1);
  std::vector<OffsetQuery> queries{{.where = where(1), .at = OffsetQuery::kEnd},
                                   {.where = where(0), .at = OffsetQuery::kStart},
                                   {.where = where(0), .at = OffsetQuery::kEnd}};
  const auto answers = w.run(list_offsets(w.cluster(), queries, Isolation::read_committed, w.in(10s)));
  ASSERT_TRUE(answers.has_value());
  EXPECT_EQ((*answers)[0].offset, Offset{3});
  EXPECT_EQ((*answers)[1].offset, Offset{0});
  EXPECT_EQ((*answers)[2].offset, Offset{10});
}

TEST_F(ConsumerFixture, OffsetsOfAnUnknownTopicAreNotFoundAtOnce) {
  std::vector<OffsetQuery> queries{{.where = {.topic = "none", .partition = 0}}};
  const Instant begin = w.world.now();
  const auto answers = w.run(list_offsets(w.cluster(), queries, Isolation::read_committed, w.in(1h)));
  ASSERT_FALSE(answers.has_value());
  EXPECT_EQ(answers.error().code, Errc::not_found);
  EXPECT_LT(w.world.now() - begin, 1s);
}

}  // namespace
}  // namespace mq::client

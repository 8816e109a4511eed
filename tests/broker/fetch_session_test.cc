// Fetch sessions (KIP-227): alone, and through a connection.

#include "broker/api/fetch_session.h"

#include <set>

#include "broker_fixture.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::Peer;
using testing::produce_request;

constexpr ApiVersion kByName = 12;
constexpr ApiVersion kById = 13;
constexpr std::int32_t kSessionId = 77;

void add(wire::FetchRequest& request, const std::string& topic, std::int32_t partition, std::int64_t offset = 0) {
  auto& wanted = request.topics.emplace_back();
  wanted.topic = topic;
  auto& row = wanted.partitions.emplace_back();
  row.partition = partition;
  row.fetch_offset = offset;
  row.partition_max_bytes = 1 << 20;
}

wire::FetchRequest fetch(std::int32_t session, std::int32_t epoch, std::vector<std::int32_t> partitions = {}) {
  wire::FetchRequest request;
  request.session_id = session;
  request.session_epoch = epoch;
  request.max_bytes = 50 << 20;
  request.min_bytes = 1;
  for (const std::int32_t partition : partitions) add(request, "t", partition);
  return request;
}

std::vector<std::int32_t> read(const FetchSession::Asked& asked) {
  std::vector<std::int32_t> partitions;
  for (const FetchedPartition& partition : asked.partitions) partitions.push_back(partition.partition);
  return partitions;
}
using Partitions = std::vector<std::int32_t>;

class FetchSessions : public ::testing::Test {
 protected:
  FetchSession::Asked asked(const wire::FetchRequest& request, ApiVersion version = kByName) {
    return session_.apply(request, version, kSessionId);
  }
  std::shared_ptr<FetchSessionSlots> slots_ = std::make_shared<FetchSessionSlots>(1);
  FetchSession session_{slots_};
};

TEST_F(FetchSessions, ClientNamesOnlyWhatChanged) {
  const auto first = asked(fetch(0, 0, {0, 1, 2}));
  EXPECT_EQ(first.session_id, kSessionId);
  EXPECT_FALSE(first.incremental);
  EXPECT_EQ(read(first), (Partitions{0, 1, 2}));
  const auto second = asked(fetch(kSessionId, 1));
  EXPECT_TRUE(second.incremental);
  EXPECT_EQ(read(second), (Partitions{0, 1, 2}));
  EXPECT_EQ(read(asked(fetch(kSessionId, 2, {5}))), (Partitions{0, 1, 2, 5}));
}

TEST_F(FetchSessions, NamedAgainTakesTheNewOffsetAndKeepsItsPlace) {
  (void)asked(fetch(0, 0, {0, 1}));
  auto request = fetch(kSessionId, 1);
  add(request, "t", 0, 55);
  const auto next = asked(request);
  EXPECT_EQ(read(next), (Partitions{0, 1}));
  EXPECT_EQ(next.partitions[0].fetch_offset, 55);
  EXPECT_EQ(next.partitions[1].fetch_offset, 0);
}

TEST_F(FetchSessions, ForgottenIsReadNoMore) {
  (void)asked(fetch(0, 0, {0, 1, 2}));
  auto request = fetch(kSessionId, 1);
  auto& forgotten = request.forgotten_topics_data.emplace_back();
  forgotten.topic = "t";
  forgotten.partitions = {1, 9};
  EXPECT_EQ(read(asked(request)), (Partitions{0, 2}));
  EXPECT_EQ(read(asked(fetch(kSessionId, 2, {1}))), (Partitions{0, 2, 1})) << "it may come back";
}

TEST_F(FetchSessions, WhoGotRecordsGoesToTheBackOfTheLine) {
  const auto first = asked(fetch(0, 0, {0, 1, 2}));
  session_.told(first.partitions[0], 10, 0, true);
  session_.told(first.partitions[1], 10, 0, false);
  EXPECT_EQ(read(asked(fetch(kSessionId, 1))), (Partitions{1, 2, 0}));
}

TEST_F(FetchSessions, WrongEpochChangesNothing) {
  (void)asked(fetch(0, 0, {0}));
  for (const std::int32_t epoch : {2, 7, -5}) {
    const auto refused = asked(fetch(kSessionId, epoch, {9}));
    EXPECT_EQ(refused.error, ErrorCode::kInvalidFetchSessionEpoch);
    EXPECT_TRUE(refused.partitions.empty());
  }
  EXPECT_EQ(read(asked(fetch(kSessionId, 1))), (Partitions{0}));
  EXPECT_EQ(asked(fetch(kSessionId, 1)).error, ErrorCode::kInvalidFetchSessionEpoch) << "the same request twice";
}

TEST_F(FetchSessions, UnknownSessionIsNotFound) {
  EXPECT_EQ(asked(fetch(0, 5)).error, ErrorCode::kFetchSessionIdNotFound);
  (void)asked(fetch(0, 0, {0}));
  EXPECT_EQ(asked(fetch(kSessionId + 1, 1)).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessions, SessionByNameIsNotContinuedById) {
  (void)asked(fetch(0, 0, {0}));
  EXPECT_EQ(asked(fetch(kSessionId, 1), kById).error, ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(asked(fetch(kSessionId, 1)).error, ErrorCode::kNone);
}

TEST_F(FetchSessions, FinalEpochClosesAndIsAnsweredInFull) {
  (void)asked(fetch(0, 0, {0, 1}));
  const auto last = asked(fetch(kSessionId, -1, {1}));
  EXPECT_EQ(last.session_id, 0);
  EXPECT_FALSE(last.incremental);
  EXPECT_EQ(read(last), (Partitions{1}));
  EXPECT_EQ(asked(fetch(kSessionId, 1)).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessions, FullCacheAnswersWithoutASessionUntilASlotIsFree) {
  FetchSession other(slots_);
  EXPECT_EQ(other.apply(fetch(0, 0, {0}), kByName, 5).session_id, 5);
  const auto without = asked(fetch(0, 0, {0, 1}));
  EXPECT_EQ(without.error, ErrorCode::kNone);
  EXPECT_EQ(without.session_id, 0);
  EXPECT_EQ(read(without), (Partitions{0, 1}));
  (void)other.apply(fetch(5, -1), kByName, 6);
  EXPECT_EQ(asked(fetch(0, 0, {0})).session_id, kSessionId);
  EXPECT_EQ(asked(fetch(0, 0, {0})).session_id, kSessionId) << "a new session in the place of one's own";
}

TEST_F(FetchSessions, SlotIsFreeWhenTheSessionGoes) {
  {
    FetchSession short_lived(slots_);
    EXPECT_EQ(short_lived.apply(fetch(0, 0, {0}), kByName, 5).session_id, 5);
  }
  EXPECT_EQ(asked(fetch(0, 0, {0})).session_id, kSessionId);
}

TEST_F(FetchSessions, ClientWithTooManyPartitionsGetsNoSession) {
  Partitions many(FetchSession::kPartitionsMax + 1);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int32_t>(i);
  const auto refused = asked(fetch(0, 0, many));
  EXPECT_EQ(refused.session_id, 0);
  EXPECT_EQ(refused.partitions.size(), many.size());
  const std::int32_t last = many.back();
  many.pop_back();
  EXPECT_EQ(asked(fetch(0, 0, many)).session_id, kSessionId);
  EXPECT_EQ(asked(fetch(kSessionId, 1, {last})).error, ErrorCode::kFetchSessionIdNotFound) << "nor by growing";
  EXPECT_EQ(asked(fetch(kSessionId, 2)).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessions, PartitionNamedTwiceIsReadOnce) {
  EXPECT_EQ(read(asked(fetch(0, -1, {0, 1, 0, 0}))), (Partitions{0, 1}));
  EXPECT_EQ(read(asked(fetch(0, 0, {0, 1, 0, 0}))), (Partitions{0, 1}));
}

// Through a connection.

class Fetch : public testing::BrokerTest {
 protected:
  static constexpr int kPartitions = 3;
};

awaitable<void> one_session(sim::Machine& client, const std::string& batch) {
  auto reader = co_await Peer::connect(client);
  auto writer = co_await Peer::connect(client);
  auto first = co_await reader->call(fetch(0, 0, {0, 1, 2}), kByName);
  EXPECT_NE(first.session_id, 0);
  EXPECT_EQ(first.responses.at(0).partitions.size(), 3u) << "the first answer names everything";
  const std::int32_t session = first.session_id;

  auto waiting = fetch(session, 1);
  waiting.max_wait_ms = 100;
  const auto nothing = co_await reader->call(waiting, kByName);
  EXPECT_EQ(nothing.session_id, session);
  EXPECT_TRUE(nothing.responses.empty()) << "nothing is new";

  (void)co_await writer->call(produce_request("t", 1, batch), 9);
  const auto news = co_await reader->call(fetch(session, 2), kByName);
  EXPECT_EQ(news.responses.size(), 1u);
  if (news.responses.size() == 1) {
    EXPECT_EQ(news.responses[0].partitions.at(0).partition_index, 1);
    EXPECT_EQ(news.responses[0].partitions.at(0).records.size(), batch.size());
  }
  const auto wrong = co_await reader->call(fetch(session, 9), kByName);
  EXPECT_EQ(wrong.error_code, ErrorCode::kInvalidFetchSessionEpoch);
}

TEST_F(Fetch, SessionIsAnsweredOnlyWithNews) {
  start();
  create_topic("t", kPartitions);
  run(one_session(*client_, make_batch({.records = 3})));
}

awaitable<void> second_gets_none(sim::Machine& client) {
  auto first = co_await Peer::connect(client);
  EXPECT_NE((co_await first->call(fetch(0, 0, {0}), kByName)).session_id, 0);
  auto second = co_await Peer::connect(client);
  const auto without = co_await second->call(fetch(0, 0, {0}), kByName);
  EXPECT_EQ(without.error_code, ErrorCode::kNone);
  EXPECT_EQ(without.session_id, 0);
  EXPECT_EQ(without.responses.size(), 1u);
  first->close();
  // The broker hears of it in its own time.
  while ((co_await second->call(fetch(0, 0, {0}), kByName)).session_id == 0)
    co_await second->shard().sleep_until(second->shard().now() + 1ms);
}

TEST_F(Fetch, SessionsOfAllConnectionsShareTheSlots) {
  start([](NodeConfig& config) { config.fetch_sessions_max = 1; });
  create_topic("t", kPartitions);
  run(second_gets_none(*client_));
}

awaitable<Duration> wait_for_record(sim::Machine& client, const std::string& batch, std::int16_t acks) {
  auto reader = co_await Peer::connect(client);
  auto writer = co_await Peer::connect(client);
  auto request = fetch(0, -1, {0, 1, 2});
  request.max_wait_ms = 10'000;
  co_await reader->send(request, kByName);
  co_await reader->shard().sleep_until(reader->shard().now() + 50ms);
  const Instant begun = reader->shard().now();
  co_await writer->send(produce_request("t", 2, batch, acks), 9);
  const auto answer = co_await reader->receive<wire::FetchRequest>(1, kByName);
  std::size_t bytes = 0;
  for (const auto& topic : answer.responses)
    for (const auto& partition : topic.partitions) bytes += partition.records.size();
  EXPECT_EQ(bytes, batch.size());
  co_return reader->shard().now() - begun;
}

TEST_F(Fetch, LongPollWakesWhenARecordMayBeRead) {
  for (const char* flush : {"ack", "async"}) {
    for (const std::int16_t acks : {-1, 1, 0}) {
      start({}, static_cast<std::uint64_t>(acks + 2));
      create_topic("t", kPartitions, {{"mq.flush", flush}});
      EXPECT_LT(run(wait_for_record(*client_, make_batch({}), acks)), 20ms) << flush << " " << acks;
    }
  }
}

TEST_F(Fetch, NobodyWaitsForEver) {
  start();
  create_topic("t", kPartitions);
  const Instant begun = world_->now();
  run([](sim::Machine& client) -> awaitable<void> {
    auto reader = co_await Peer::connect(client);
    auto request = fetch(0, -1, {0});
    request.max_wait_ms = 0x7fffffff;
    EXPECT_EQ((co_await reader->call(request, kByName)).error_code, ErrorCode::kNone);
  }(*client_));
  EXPECT_LT(world_->now() - begun, 61s);
}

awaitable<void> fill_one(sim::Machine& client, const std::string& batch, int times) {
  auto writer = co_await Peer::connect(client);
  for (int i = 0; i < times; ++i) (void)co_await writer->call(produce_request("t", 0, batch), 9);
}

awaitable<void> fill(sim::Machine& client, const std::string& batch, int times) {
  auto writer = co_await Peer::connect(client);
  for (int i = 0; i < times; ++i)
    for (std::int32_t partition = 0; partition < 3; ++partition)
      (void)co_await writer->call(produce_request("t", partition, batch, 1), 9);
}

TEST_F(Fetch, LongPollEndsWithItsConnection) {
  start();
  create_topic("t", kPartitions);
  const auto parked = [this] {
    std::size_t count = 0;
    for (const auto& shard : node_->shards()) count += shard->services().parked_fetches().size();
    return count;
  };
  auto reader = run(Peer::connect(*client_));
  auto request = fetch(0, -1, {0, 1, 2});
  request.max_wait_ms = 60'000;
  run(reader->send(request, kByName));
  world_->run_for(50ms);
  EXPECT_EQ(parked(), 1U);
  reader->close();
  world_->run_for(50ms);
  EXPECT_EQ(parked(), 0U);
}

/// How long the answer to a fetch of everything takes that would wait for 10 s.
awaitable<Duration> time_to_fetch(sim::Machine& client, wire::FetchRequest request) {
  auto reader = co_await Peer::connect(client);
  request.max_wait_ms = 10'000;
  const Instant begun = reader->shard().now();
  (void)co_await reader->call(request, kByName);
  co_return reader->shard().now() - begun;
}

TEST_F(Fetch, NobodyWaitsForMoreThanOneAnswerHolds) {
  start();
  create_topic("t", kPartitions);
  run(fill(*client_, make_batch({.value_bytes = 300}), 5));
  auto request = fetch(0, -1, {0, 1, 2});
  request.min_bytes = 100'000;
  EXPECT_GE(run(time_to_fetch(*client_, request)), 10s) << "there may be more";
  request.max_bytes = 1000;
  EXPECT_LT(run(time_to_fetch(*client_, request)), 1s) << "there is, but it comes with the next fetch";
}

TEST_F(Fetch, NobodyWaitsAtTheEndOfASegmentWhileTheNextHasRecords) {
  start();
  create_topic("t", 1, {{"segment.bytes", "1000"}});
  run(fill_one(*client_, make_batch({.value_bytes = 300}), 7));
  auto request = fetch(0, -1, {0});
  request.min_bytes = 100'000;
  EXPECT_LT(run(time_to_fetch(*client_, request)), 1s);
}

TEST_F(Fetch, WhatIsNotThereIsToldWithTheRest) {
  start();
  create_topic("t", kPartitions);
  EXPECT_LT(run(time_to_fetch(*client_, fetch(0, -1, {7}))), 1s);
  EXPECT_GE(run(time_to_fetch(*client_, fetch(0, -1, {0, 7}))), 10s);
  EXPECT_LT(run(time_to_fetch(*client_, fetch(0, -1))), 1s) << "who asks for nothing has it at once";
}

TEST_F(Fetch, ASessionTellsAllOfAPartitionWhenItsErrorHasGone) {
  start();
  create_topic("t", kPartitions);
  run([](sim::Machine& client) -> awaitable<void> {
    auto reader = co_await Peer::connect(client);
    const auto first = co_await reader->call(fetch(0, 0, {0}), kByName);
    auto beyond = fetch(first.session_id, 1);
    add(beyond, "t", 0, 99);
    const auto refused = co_await reader->call(beyond, kByName);
    const auto& row = refused.responses.at(0).partitions.at(0);
    EXPECT_EQ(row.error_code, ErrorCode::kOffsetOutOfRange);
    EXPECT_EQ(row.high_watermark, -1);
    const auto again = co_await reader->call(fetch(first.session_id, 2, {0}), kByName);
    EXPECT_EQ(again.responses.size(), 1U);
    if (again.responses.size() == 1) EXPECT_EQ(again.responses[0].partitions.at(0).high_watermark, 0);
  }(*client_));
}

TEST_F(Fetch, OfAnEpochThatHasNotBegunNothingCanBeHere) {
  start();
  create_topic("t", kPartitions);
  const auto error_of = [this](std::int32_t epoch) {
    return run([](sim::Machine& client, std::int32_t last) -> awaitable<ErrorCode> {
      auto reader = co_await Peer::connect(client);
      auto request = fetch(0, -1, {0});
      request.topics.at(0).partitions.at(0).last_fetched_epoch = last;
      request.min_bytes = 0;
      co_return (co_await reader->call(request, kByName)).responses.at(0).partitions.at(0).error_code;
    }(*client_, epoch));
  };
  EXPECT_EQ(error_of(0), ErrorCode::kNone);
  EXPECT_EQ(error_of(1), ErrorCode::kOffsetOutOfRange);
}

awaitable<ErrorCode> wait_while_topic_goes(sim::Machine& client, std::function<void()> remove) {
  auto reader = co_await Peer::connect(client);
  auto request = fetch(0, -1, {0, 1, 2});
  request.max_wait_ms = 10'000;
  co_await reader->send(request, kByName);
  co_await reader->shard().sleep_until(reader->shard().now() + 50ms);
  remove();
  const Instant begun = reader->shard().now();
  const auto answer = co_await reader->receive<wire::FetchRequest>(1, kByName);
  EXPECT_LT(reader->shard().now() - begun, 1s);
  for (const auto& partition : answer.responses.at(0).partitions)
    if (partition.error_code != ErrorCode::kNone) co_return partition.error_code;
  co_return ErrorCode::kNone;
}

TEST_F(Fetch, LongPollWakesWhenItsTopicGoes) {
  start();
  create_topic("t", kPartitions);
  const auto remove = [this] {
    machine_->spawn([](Node& node) -> awaitable<void> { (void)co_await node.topics().remove("t"); }(*node_));
  };
  EXPECT_NE(run(wait_while_topic_goes(*client_, remove)), ErrorCode::kNone);
}

awaitable<std::size_t> fetched_bytes(sim::Machine& client, std::int32_t bytes_max, std::int32_t partition_bytes_max) {
  auto reader = co_await Peer::connect(client);
  auto request = fetch(0, -1, {0, 1, 2});
  request.max_bytes = bytes_max;
  for (auto& topic : request.topics) topic.partitions.front().partition_max_bytes = partition_bytes_max;
  const auto answer = co_await reader->call(request, kByName);
  std::size_t bytes = 0;
  for (const auto& topic : answer.responses)
    for (const auto& partition : topic.partitions) bytes += partition.records.size();
  co_return bytes;
}

TEST_F(Fetch, BrokersLimitStandsOverTheClients) {
  start([](NodeConfig& config) { config.fetch_bytes_max = 20'000; });
  create_topic("t", kPartitions, {{"mq.flush", "async"}});
  const std::string batch = make_batch({.value_bytes = 3'000});
  run(fill(*client_, batch, 5));
  const std::size_t bytes = run(fetched_bytes(*client_, 50 << 20, 50 << 20));
  EXPECT_LE(bytes, 20'000u);
  EXPECT_GT(bytes, 10'000u);
  EXPECT_EQ(run(fetched_bytes(*client_, 0, 0)), batch.size()) << "the first batch is always sent";
}

TEST_F(Fetch, MorePartitionsThanOneRequestMayNameAreRefusedWithAReason) {
  start([](NodeConfig& config) { config.partitions_per_request_max = 2; });
  create_topic("t", kPartitions);
  EXPECT_EQ(run([](sim::Machine& client) -> awaitable<ErrorCode> {
              auto reader = co_await Peer::connect(client);
              co_return (co_await reader->call(fetch(0, -1, {0, 1, 2}), kByName)).error_code;
            }(*client_)),
            ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace mq::broker

// What a fetch that waits does when it is woken.

#include "broker_fixture.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::Peer;

constexpr ApiVersion kWaitVersion = 12;
constexpr std::size_t kValueBytes = 10'000;  // not so small that it is copied whatever the cache has

using FetchWait = testing::BrokerTest;

wire::FetchRequest fetch_of_two(std::int32_t bytes_min) {
  wire::FetchRequest request;
  request.max_wait_ms = 30'000;
  request.min_bytes = bytes_min;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  for (const std::int32_t index : {0, 1}) {
    auto& partition = topic.partitions.emplace_back();
    partition.partition = index;
    partition.partition_max_bytes = 1 << 20;
  }
  return request;
}

awaitable<std::unique_ptr<Peer>> begin_fetch(sim::Machine& client, std::int32_t bytes_min) {
  auto reader = co_await Peer::connect(client);
  co_await reader->send(fetch_of_two(bytes_min), kWaitVersion);
  co_return reader;
}

awaitable<ErrorCode> produce_to(sim::Machine& client, std::int32_t partition, std::string batch) {
  auto writer = co_await Peer::connect(client);
  const auto answer = co_await writer->call(testing::produce_request("t", partition, batch), 9);
  co_return answer.responses.at(0).partition_responses.at(0).error_code;
}

TEST_F(FetchWait, ReadsAgainOnlyWhatWasWoken) {
  start({}, 1, 1);
  create_topic("t", 2);
  const std::string batch = make_batch({.value_bytes = kValueBytes});
  ASSERT_EQ(run(produce_to(*client_, 0, batch)), ErrorCode::kNone);
  const auto reader = run(begin_fetch(*client_, static_cast<std::int32_t>(3 * batch.size())));
  world_->run_for(100ms);
  const metrics::Counter& cold = node_->first_shard().metrics().fetch_cold_reads;
  machine_->disk().watch_cold_reads();  // who reads partition 0 again has to ask the pool
  const auto before = cold.value();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(run(produce_to(*client_, 1, batch)), ErrorCode::kNone);
  const auto answer = run(reader->receive<wire::FetchRequest>(1, kWaitVersion));
  ASSERT_EQ(answer.responses.at(0).partitions.size(), 2U);
  EXPECT_EQ(answer.responses[0].partitions[0].records.size(), batch.size());
  EXPECT_EQ(answer.responses[0].partitions[1].records.size(), 2 * batch.size());
  EXPECT_EQ(cold.value(), before);
}

TEST_F(FetchWait, PartitionsOfTwoShardsAreWaitedForTogether) {
  start({}, 1, 2);
  create_topic("t", 2);
  const std::string batch = make_batch({.value_bytes = kValueBytes});
  const auto reader = run(begin_fetch(*client_, static_cast<std::int32_t>(2 * batch.size())));
  world_->run_for(100ms);
  for (const std::int32_t index : {1, 0}) ASSERT_EQ(run(produce_to(*client_, index, batch)), ErrorCode::kNone);
  const auto answer = run(reader->receive<wire::FetchRequest>(1, kWaitVersion));
  ASSERT_EQ(answer.responses.at(0).partitions.size(), 2U);
  for (const auto& partition : answer.responses[0].partitions) EXPECT_EQ(partition.records.size(), batch.size());
}

/// Out of descriptors: somebody closes one soon, and nothing is wrong with the partition.
TEST_F(FetchWait, AFileThatCannotBeOpenedNowIsWaitedForAndIsNoError) {
  start({}, 1, 2);
  create_topic("t", 2);
  const std::string batch = make_batch({.value_bytes = kValueBytes});
  ASSERT_EQ(run(produce_to(*client_, 0, batch)), ErrorCode::kNone);
  restart();
  machine_->disk().inject(
      {.on = sim::DiskFault::On::open, .path_part = "/t-0/", .times = 5, .code = Errc::too_many_files});
  const auto reader = run(begin_fetch(*client_, 1));
  const auto answer = run(reader->receive<wire::FetchRequest>(1, kWaitVersion));
  EXPECT_EQ(machine_->disk().faults_struck(), 5U);
  ASSERT_EQ(answer.responses.at(0).partitions.size(), 2U);
  EXPECT_EQ(answer.responses[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.responses[0].partitions[0].records.size(), batch.size());
}

/// The one that can be read goes out, and the other comes with the next fetch.
TEST_F(FetchWait, WhatCanBeReadDoesNotWaitForAFile) {
  start({}, 1, 2);
  create_topic("t", 2);
  const std::string batch = make_batch({.value_bytes = kValueBytes});
  for (const int index : {0, 1}) ASSERT_EQ(run(produce_to(*client_, index, batch)), ErrorCode::kNone);
  restart();
  machine_->disk().inject(
      {.on = sim::DiskFault::On::open, .path_part = "/t-0/", .times = 1'000, .code = Errc::too_many_files});
  const auto reader = run(begin_fetch(*client_, static_cast<std::int32_t>(2 * batch.size())));
  const auto answer = run(reader->receive<wire::FetchRequest>(1, kWaitVersion));
  ASSERT_EQ(answer.responses.at(0).partitions.size(), 2U);
  EXPECT_EQ(answer.responses[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.responses[0].partitions[0].records.size(), 0U);
  EXPECT_EQ(answer.responses[0].partitions[1].records.size(), batch.size());
  machine_->disk().clear_faults();
}

}  // namespace
}  // namespace mq::broker

// What an answer promises to a producer, held against what lies on the disk at that moment; and who is refused.

#include "broker_fixture.h"
#include "wire/messages/fetch.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/offset_commit.h"

namespace mq::broker {
namespace {

using testing::kAll;
using testing::kLeader;
using testing::kProduceVersion;
using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr ApiVersion kFetchVersion = 12;

class Promises : public testing::BrokerTest {
 public:
  /// Bytes of the first segment that a power cut now would leave.
  [[nodiscard]] std::size_t durable_bytes(const std::string& topic, std::int32_t index = 0) {
    const auto path = fmt::format("/var/lib/mq/{}-{}/{:020}.log", topic, index, 0);
    return machine_->disk().durable_contents(path).value_or("").size();
  }
  void restart_after_kill() {
    broker_->kill();
    start_node();
  }
};

/// An answer, and what was durable when it came.
struct Told {
  ErrorCode error = ErrorCode::kNone;
  std::int64_t base_offset = -1;
  std::size_t durable = 0;
};

/// Sends the requests in one write, and notes what was durable when each answer came.
awaitable<std::vector<Told>> tell(Promises& test, std::vector<wire::ProduceRequest> requests) {
  auto peer = co_await Peer::connect(*test.client_);
  std::string all;
  for (const auto& request : requests) all += peer->frame(request, kProduceVersion);
  co_await peer->write(std::move(all));
  std::vector<Told> told;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto answer = co_await peer->receive<wire::ProduceRequest>(static_cast<std::int32_t>(i) + 1, kProduceVersion);
    told.push_back({.error = only_row(answer).error_code,
                    .base_offset = only_row(answer).base_offset,
                    .durable = test.durable_bytes("t")});
  }
  co_return told;
}

TEST_F(Promises, WhatACheckpointSyncedMayBeRead) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({});
  run(tell(*this, {produce_request("t", 0, batch, kLeader)}));
  Partition& written = partition("t", 0);
  ASSERT_LT(written.high_watermark(), written.log().log_end()) << "nobody waits, so it is not synced yet";
  auto job = written.log().begin_checkpoint(true);
  ASSERT_TRUE(job.has_value() && job->has_value());
  written.end_checkpoint(**job, (**job).run());
  EXPECT_EQ(written.high_watermark(), written.log().log_end());
}

TEST_F(Promises, AcksAllIsAnsweredFromTheDiskAndAcksOneFromTheCache) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({});
  const auto one = run(tell(*this, {produce_request("t", 0, batch, kLeader)}));
  EXPECT_EQ(one.front().error, ErrorCode::kNone);
  EXPECT_EQ(one.front().durable, 0u) << "it does not wait for the disk";
  const auto all = run(tell(*this, {produce_request("t", 0, batch, kAll)}));
  EXPECT_EQ(all.front().error, ErrorCode::kNone);
  EXPECT_EQ(all.front().durable, 2 * batch.size());
}

TEST_F(Promises, DuplicateIsAnsweredWhenItsOriginalIsDurable) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({.producer_id = 7, .sequence = 0});
  const auto told = run(tell(*this, {produce_request("t", 0, batch, kLeader), produce_request("t", 0, batch, kAll)}));
  EXPECT_EQ(told[1].error, ErrorCode::kNone);
  EXPECT_EQ(told[1].base_offset, 0);
  EXPECT_EQ(told[1].durable, batch.size());
  EXPECT_EQ(log_end("t"), 1);
}

TEST_F(Promises, AsyncTopicIsAnsweredFromTheCacheUntilFlushMessagesAreThere) {
  start();
  create_topic("t", 1, {{"mq.flush", "async"}, {"flush.messages", "2"}});
  const std::string batch = make_batch({});
  const auto first = run(tell(*this, {produce_request("t", 0, batch, kAll)}));
  EXPECT_EQ(first.front().durable, 0u);
  const auto second = run(tell(*this, {produce_request("t", 0, batch, kLeader)}));
  EXPECT_EQ(second.front().durable, 2 * batch.size());
}

TEST_F(Promises, DuplicateOfWhatFlushMessagesHoldsBackIsHeldBackToo) {
  start();
  create_topic("t", 1, {{"mq.flush", "async"}, {"flush.messages", "1"}});
  const std::string batch = make_batch({.producer_id = 7, .sequence = 0});
  // Over two connections: on one the answers would come in order anyway.
  const std::size_t durable = run([](Promises& test, const std::string& bytes) -> awaitable<std::size_t> {
    auto first = co_await Peer::connect(*test.client_);
    auto again = co_await Peer::connect(*test.client_);
    co_await first->send(produce_request("t", 0, bytes, kLeader), kProduceVersion);
    const auto answer = co_await again->call(produce_request("t", 0, bytes, kLeader), kProduceVersion);
    EXPECT_EQ(only_row(answer).base_offset, 0);
    co_return test.durable_bytes("t");
  }(*this, batch));
  EXPECT_EQ(durable, batch.size());
  EXPECT_EQ(log_end("t"), 1);
}

TEST_F(Promises, AfterAFailedSyncNothingIsAcknowledgedOrAppended) {
  start();
  create_topic("t", 2);
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = "t-0/"});
  const std::string batch = make_batch({});
  EXPECT_EQ(run(tell(*this, {produce_request("t", 0, batch, kAll)})).front().error, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(node_->is_offline());
  const std::int64_t end = log_end("t", 0);
  // The directory is offline, not only the log whose sync failed.
  for (const std::int32_t index : {0, 1})
    for (const std::int16_t acks : {kAll, kLeader})
      EXPECT_EQ(run(tell(*this, {produce_request("t", index, batch, acks)})).front().error,
                ErrorCode::kKafkaStorageError);
  EXPECT_EQ(log_end("t", 0), end);
  EXPECT_EQ(log_end("t", 1), 0);
}

TEST_F(Promises, FailedWriteIsToldToThoseWhoOnlyAskForTheCacheToo) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({});
  EXPECT_EQ(run(tell(*this, {produce_request("t", 0, batch, kLeader)})).front().error, ErrorCode::kNone);
  machine_->disk().inject({.on = sim::DiskFault::On::write, .path_part = ".log"});
  // Small batches of one turn are written together, after all of them were taken.
  for (const Told& told :
       run(tell(*this, {produce_request("t", 0, batch, kLeader), produce_request("t", 0, batch, kAll)})))
    EXPECT_EQ(told.error, ErrorCode::kKafkaStorageError);
}

awaitable<void> find_coordinator(sim::Machine& client) {
  auto peer = co_await Peer::connect(client);
  wire::FindCoordinatorRequest request;
  request.key = "g";
  (void)co_await peer->call(request, 3);
}

awaitable<std::size_t> commit(Promises& test) {
  auto peer = co_await Peer::connect(*test.client_);
  wire::OffsetCommitRequest request;
  request.group_id = "g";
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.partition_index = 0, .committed_offset = 5});
  const auto answer = co_await peer->call(request, 8);
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  co_return test.durable_bytes("__consumer_offsets");
}

TEST_F(Promises, CommittedOffsetIsDurableWhenItIsAnswered) {
  start([](NodeConfig& config) { config.offsets_partitions = 1; });
  create_topic("t", 1);
  run(find_coordinator(*client_));
  EXPECT_GT(run(commit(*this)), 0u);
}

TEST_F(Promises, WhatNoClientMayWriteIsRefused) {
  start();
  create_topic("t", 1);
  run(find_coordinator(*client_));
  const std::string batch = make_batch({});
  const auto refusal = [&](wire::ProduceRequest request) {
    return run(tell(*this, {std::move(request)})).front().error;
  };
  EXPECT_EQ(refusal(produce_request("__consumer_offsets", 0, batch)), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(refusal(produce_request("t", 0, batch, 2)), ErrorCode::kInvalidRequiredAcks);
  auto transactional = produce_request("t", 0, batch);
  transactional.transactional_id = "t1";
  EXPECT_EQ(refusal(transactional), ErrorCode::kTransactionalIdAuthorizationFailed);
  EXPECT_EQ(log_end("t"), 0);
}

TEST_F(Promises, SecondBatchOfAProducerIsNotTakenAfterItsFirstWasRefused) {
  start();
  create_topic("t", 1);
  std::string damaged = make_batch({.producer_id = 7, .sequence = 0});
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  const std::string second = make_batch({.producer_id = 7, .sequence = 1});
  const auto told = run(tell(*this, {produce_request("t", 0, damaged), produce_request("t", 0, second)}));
  EXPECT_EQ(told[0].error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(told[1].error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log_end("t"), 0);
}

wire::FetchRequest fetch_request(std::int64_t offset) {
  wire::FetchRequest request;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  auto& partition = topic.partitions.emplace_back();
  partition.fetch_offset = offset;
  partition.partition_max_bytes = 1 << 20;
  return request;
}

struct Fetched {
  ErrorCode error = ErrorCode::kNone;
  ErrorCode of_partition = ErrorCode::kNone;
  std::size_t bytes = 0;
  wire::FetchResponse::EpochEndOffset diverging;
  Duration took{};
};

awaitable<Fetched> fetch(sim::Machine& client, wire::FetchRequest request) {
  auto peer = co_await Peer::connect(client);
  const Instant begun = peer->shard().now();
  const auto answer = co_await peer->call(request, kFetchVersion);
  Fetched fetched{.error = answer.error_code, .took = peer->shard().now() - begun};
  if (answer.responses.empty()) co_return fetched;
  const auto& row = answer.responses.at(0).partitions.at(0);
  fetched.of_partition = row.error_code;
  fetched.bytes = row.records.size();
  fetched.diverging = row.diverging_epoch;
  co_return fetched;
}

TEST_F(Promises, ClientThatSaysItIsAReplicaIsRefused) {
  start();
  create_topic("t", 1);
  auto request = fetch_request(0);
  request.replica_id = 1;
  EXPECT_EQ(run(fetch(*client_, request)).error, ErrorCode::kClusterAuthorizationFailed);
}

TEST_F(Promises, FetchWithTooLittleWaitsForMoreUntilItsPatienceEnds) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({});
  (void)run(tell(*this, {produce_request("t", 0, batch)}));
  auto request = fetch_request(0);
  request.max_wait_ms = 300;
  request.min_bytes = static_cast<std::int32_t>(batch.size()) + 1;
  const auto waited = run(fetch(*client_, request));
  EXPECT_EQ(waited.bytes, batch.size());
  EXPECT_GE(waited.took, 300ms);
  request.min_bytes = static_cast<std::int32_t>(batch.size());
  EXPECT_LT(run(fetch(*client_, request)).took, 100ms);
}

TEST_F(Promises, LeaderEpochOfAnotherTimeIsToldSo) {
  start();
  create_topic("t", 1);
  (void)run(tell(*this, {produce_request("t", 0, make_batch({.records = 3}))}));
  restart_after_kill();  // which raises the epoch
  (void)run(tell(*this, {produce_request("t", 0, make_batch({.records = 3}))}));

  auto request = fetch_request(0);
  auto& partition = request.topics.front().partitions.front();
  partition.current_leader_epoch = 0;
  EXPECT_EQ(run(fetch(*client_, request)).of_partition, ErrorCode::kFencedLeaderEpoch);
  partition.current_leader_epoch = 1;
  EXPECT_EQ(run(fetch(*client_, request)).of_partition, ErrorCode::kNone);
  partition.current_leader_epoch = 2;
  EXPECT_EQ(run(fetch(*client_, request)).of_partition, ErrorCode::kUnknownLeaderEpoch);

  // Who has read offset 4 of epoch 0 has read what this log does not have.
  partition.current_leader_epoch = -1;
  partition.fetch_offset = 5;
  partition.last_fetched_epoch = 0;
  const auto diverging = run(fetch(*client_, request)).diverging;
  EXPECT_EQ(diverging.epoch, 0);
  EXPECT_EQ(diverging.end_offset, 3);
  partition.last_fetched_epoch = 1;
  EXPECT_EQ(run(fetch(*client_, request)).diverging.epoch, -1);
}

/// The process dies at every change of the disk while retention is at work: what that took away is not told as lost.
TEST_F(Promises, WhatRetentionTakesAwayAmidAKillIsNotMissed) {
  start([](NodeConfig& config) { config.housekeeping_interval = 100ms; });
  create_topic(
      "t", 1,
      {{"retention.bytes", "1"}, {"segment.bytes", "1048576"}, {"file.delete.delay.ms", "0"}, {"mq.flush", "async"}});
  for (int changes = 0; changes < 60; ++changes) {
    run([](Promises& test) -> awaitable<void> {
      const std::string batch = make_batch({.records = 4, .value_bytes = 200'000});
      const auto request = produce_request("t", 0, batch);
      (void)co_await tell(test, {request, request, request});
    }(*this));
    machine_->disk().inject({.on = sim::DiskFault::On::change, .after = changes, .times = -1});
    world_->run_for(300ms);
    machine_->disk().clear_faults();
    restart_after_kill();
    ASSERT_FALSE(logged("is missing")) << changes;
  }
  EXPECT_GT(partition("t", 0).log().log_start(), Offset{100});
}

TEST_F(Promises, LogThatSomebodyTookAwayGoesOnBehindWhatWasAcknowledged) {
  start();
  create_topic("t", 1);
  const std::string batch = make_batch({.records = 3});
  EXPECT_EQ(run(tell(*this, {produce_request("t", 0, batch)})).front().base_offset, 0);
  restart([](env::Files& files) { EXPECT_TRUE(files.rename("/var/lib/mq/t-0", "/var/lib/mq/taken")); });
  EXPECT_EQ(run(tell(*this, {produce_request("t", 0, batch)})).front().base_offset, 3);
}

awaitable<std::int64_t> producer_id(sim::Machine& client) {
  auto peer = co_await Peer::connect(client);
  co_return (co_await peer->call(wire::InitProducerIdRequest{.transaction_timeout_ms = 1000}, 4)).producer_id;
}

TEST_F(Promises, ProducerIdIsGivenOutOnceAlsoAcrossRestarts) {
  start();
  const std::int64_t first = run(producer_id(*client_));
  EXPECT_GT(run(producer_id(*client_)), first);
  restart();
  const std::int64_t after_stop = run(producer_id(*client_));
  EXPECT_GT(after_stop, first + 1);
  restart_after_kill();
  EXPECT_GT(run(producer_id(*client_)), after_stop);
}

}  // namespace
}  // namespace mq::broker
